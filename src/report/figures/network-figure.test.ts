import { describe, expect, it } from 'vitest';
import { countParameters } from '../../graph/cost.ts';
import { inferenceGraph } from '../../models/model.ts';
import { createModel, listModels } from '../../models/registry.ts';
import { type NetworkPart, networkParts } from '../facts/network-parts.ts';
import { layOutNetwork, networkFigure } from './network-figure.ts';

function graphOf(name: string) {
  const model = createModel(name, { classes: 19 });
  const side = model.multiple * Math.ceil(256 / model.multiple);
  return inferenceGraph(model, { batch: 1, height: side, width: side });
}

describe.each(listModels())('the figure of %s', (name) => {
  const graph = graphOf(name);
  const network = networkParts(graph);
  const { width, height, boxes, arrows } = layOutNetwork(network);

  it('assigns all parameters to parts with few convolutions', () => {
    const parameters = network.parts.reduce((sum, part) => sum + part.parameters, 0);
    expect(parameters).toBe(countParameters(graph));
    expect(network.parts.length).toBeGreaterThan(3);
    expect(network.parts.length).toBeLessThan(30);
    expect(network.parts.at(-1)!.shape[0]).toBe(19);
    for (const { contents } of network.parts) expect(contents.length).toBeGreaterThan(0);
  });

  it('keeps its boxes inside the image without overlap', () => {
    for (const [index, box] of boxes.entries()) {
      expect(box.x).toBeGreaterThanOrEqual(0);
      expect(box.y).toBeGreaterThanOrEqual(0);
      expect(box.x + box.width).toBeLessThanOrEqual(width);
      expect(box.y + box.height).toBeLessThanOrEqual(height);
      for (const other of boxes.slice(index + 1)) {
        const apart =
          box.x + box.width <= other.x ||
          other.x + other.width <= box.x ||
          box.y + box.height <= other.y ||
          other.y + other.height <= box.y;
        expect(apart, `${box.name} and ${other.name}`).toBe(true);
      }
    }
  });

  it('reaches every part from the photo', () => {
    const reached = new Set([0]);
    for (const { from, to } of arrows) if (reached.has(from)) reached.add(to);
    expect(reached.size).toBe(boxes.length);
  });

  it('is an SVG with the name of every part', () => {
    const svg = networkFigure(network);
    expect(svg).not.toMatch(/NaN|undefined/);
    for (const { name: part } of network.parts) expect(svg).toContain(`>${part.split(' ')[0]}`);
  });
});

describe('the parts of a U-Net', () => {
  it('are its stages and steps, with skip connections', () => {
    const { parts } = networkParts(graphOf('compact'));
    const textsOf = ({ contents }: NetworkPart) => contents.map(({ text }) => text);
    expect(parts.map(({ name }) => name)).toEqual([
      'stem',
      ...[1, 2, 3, 4].map((number) => `stage ${number}`),
      'pyramid',
      ...[1, 2, 3, 4].map((number) => `decoder ${number}`),
      'head',
    ]);
    expect(textsOf(parts[4])).toEqual(['conv 3×3 /2', '2 × IR 5×5 + SE']);
    expect(textsOf(parts[5])).toEqual(['grids 1², 2², 4², 8²']);
    expect(parts[6].reads).toEqual([3, 5]);
    expect(parts[9].reads).toEqual([0, 8]);
    expect(parts[0].reads).toEqual([-1]);
  });
});
