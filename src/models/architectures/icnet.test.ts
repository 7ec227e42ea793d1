import { describe, expect, it } from 'vitest';
import { Graph } from '../../graph/graph.ts';
import { listEncoders } from '../encoders/registry.ts';
import { createModel } from '../registry.ts';

function trainingGraph(name: string, encoder: string): Graph {
  const graph = new Graph();
  const model = createModel(name, { classes: 3, encoder, stochasticDepth: 0.2 });
  const { logits, auxiliary = [] } = model.build(graph.input('image', [2, 3, 64, 64]), {
    training: true,
    auxiliary: true,
  });
  [logits, ...auxiliary].forEach((scores, index) => {
    graph.output(String(index), scores);
  });
  return graph;
}

const encoderStates = ({ states }: Graph) => [...states.keys()].filter((name) => name.startsWith('encoder.')).sort();

describe.each(listEncoders({ variants: true }))('icnet on %s', (encoder) => {
  const graph = trainingGraph('icnet', encoder);

  it('has one encoder, whose first levels it uses twice', () => {
    expect(encoderStates(graph)).toEqual(encoderStates(trainingGraph('unet', encoder)));
    const uses = new Map<string, number>();
    for (const { op, inputs, module } of graph.nodes) {
      if (op !== 'conv2d' || !module?.path.startsWith('encoder.')) continue;
      const { name } = inputs[1].node.attributes as { name: string };
      uses.set(name, (uses.get(name) ?? 0) + 1);
    }
    const counts = [...uses.values()];
    const twice = counts.lastIndexOf(2) + 1;
    expect(twice).toBeGreaterThan(3);
    expect(counts).toEqual([...new Array<number>(twice).fill(2), ...new Array<number>(counts.length - twice).fill(1)]);
  });

  it('has heads at strides 4, 16 and 8', () => {
    expect([...graph.outputs.values()].map(({ shape }) => shape.slice(2))).toEqual([
      [16, 16],
      [4, 4],
      [8, 8],
    ]);
  });
});
