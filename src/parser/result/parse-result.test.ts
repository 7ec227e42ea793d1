import { describe, expect, it } from 'vitest';
import { decodePalettePng } from '../../formats/png/palette-png.ts';
import { getLabelSet } from '../../labels/registry.ts';
import { Random } from '../../random/random.ts';
import { upsampledArgmax } from '../grid/argmax.ts';
import type { ClassScores } from '../grid/grid-classes.ts';
import { ParseResult } from './parse-result.ts';

const set = getLabelSet('celebamask-19');
const [hair, uLip, lLip] = ['hair', 'u_lip', 'l_lip'].map(
  (name) => set.classes.find((entry) => entry.name === name)!.id,
);
const timing = { decode: 0, detect: 0, preprocess: 0, network: 0, postprocess: 0, total: 0 };

/** A result of random scores on a grid of 6×5, at 20×12. */
function randomResult(): { result: ParseResult; scores: ClassScores } {
  const random = new Random(3);
  const scores = {
    shape: [19, 6, 5] as const,
    data: Float32Array.from({ length: 19 * 30 }, () => 2 * random.normal()),
  };
  const { width, height, data, pixels } = upsampledArgmax(scores, 12, 20);
  const areas = set.classes
    .map(({ id, name }) => ({ id, name, pixels: pixels[id], share: pixels[id] / 240 }))
    .filter((area) => area.pixels > 0)
    .sort((a, b) => b.pixels - a.pixels);
  return { result: new ParseResult({ width, height, labels: data, areas, scores, timing }, set), scores };
}

async function collect<T>(values: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const value of values) all.push(value);
  return all;
}

/** Softmax at one point of the grid. */
function probabilitiesAt({ data }: ClassScores, point: number): number[] {
  const powers = Array.from({ length: 19 }, (_, c) => Math.exp(data[c * 30 + point]));
  const total = powers.reduce((sum, power) => sum + power);
  return powers.map((power) => power / total);
}

describe('ParseResult', () => {
  const { result, scores } = randomResult();

  it('holds the labels once', () => {
    expect(Object.keys(result).sort()).toEqual(['areas', 'faces', 'height', 'labels', 'scores', 'timing', 'width']);
    expect(result.labelMap.data).toBe(result.labels);
  });

  it('gives hard masks of one class or several, by name or id', async () => {
    for (const [classes, ids] of [
      ['hair', [hair]],
      [hair, [hair]],
      [
        ['u_lip', lLip],
        [uLip, lLip],
      ],
    ] as const) {
      const mask = await result.mask(classes, { soft: false });
      expect(mask).toMatchObject({ width: 20, height: 12, channels: 1 });
      expect(mask.data).toEqual(result.labels.map((id) => ((ids as readonly number[]).includes(id) ? 255 : 0)));
    }
  });

  it('gives soft masks from probabilities on the grid of the network', async () => {
    const atGrid = new ParseResult({ ...result, labelMap: undefined, width: 5, height: 6, scores } as never, set);
    const { data } = await atGrid.mask(['hair', 'u_lip']);
    for (let point = 0; point < 30; point++) {
      const all = probabilitiesAt(scores, point);
      expect(Math.abs(data[point] - 255 * (all[hair] + all[uLip]))).toBeLessThan(0.51);
    }
    // At the corners of a larger image the values are those of the corners of the grid.
    const large = await result.mask(['hair', 'u_lip']);
    expect(large.data[0]).toBe(data[0]);
    expect(large.data[239]).toBe(data[29]);
  });

  it('has soft masks that add up to one', async () => {
    const { data } = await result.mask(set.classes.map(({ id }) => id));
    expect(new Set(data)).toEqual(new Set([255]));
  });

  it('gives probabilities in bands that sum to 1, in which no class exceeds the label', async () => {
    const bands = await collect(result.probabilityBands({ rows: 5 }));
    expect(bands.map(({ y, rows, data }) => [y, rows, data.length])).toEqual([
      [0, 5, 19 * 5 * 20],
      [5, 5, 19 * 5 * 20],
      [10, 2, 19 * 2 * 20],
    ]);
    const [whole] = await collect(result.probabilityBands({ rows: 12 }));
    for (const { y, rows, data } of bands) {
      for (let i = 0; i < rows * 20; i++) {
        const all = Array.from({ length: 19 }, (_, id) => data[id * rows * 20 + i]);
        expect(all).toEqual(Array.from({ length: 19 }, (_, id) => whole.data[id * 240 + y * 20 + i]));
        expect(all.reduce((sum, p) => sum + p)).toBeCloseTo(1, 5);
        expect(all[result.labels[y * 20 + i]]).toBe(Math.max(...all));
      }
    }
    // The corners are those of the grid.
    const corner = probabilitiesAt(scores, 0);
    for (let id = 0; id < 19; id++) expect(whole.data[id * 240]).toBeCloseTo(corner[id], 6);
    await expect(result.probabilityBands({ rows: 0 }).next()).rejects.toThrow('rows is 0');
  });

  it('refuses classes that there are not', async () => {
    await expect(result.mask('hairs')).rejects.toThrow("celebamask-19 has no class 'hairs'; did you mean 'hair'?");
    await expect(result.mask([])).rejects.toThrow(/no class is given/);
  });

  it('gives segments in the form of transformers.js, largest first', async () => {
    const segments = await result.segments();
    expect(segments.map(({ label }) => label)).toEqual(result.areas.map(({ name }) => name));
    for (const { label, score, mask } of segments) {
      const { id, pixels } = result.areas.find(({ name }) => name === label)!;
      expect(mask.data.filter((value) => value === 255)).toHaveLength(pixels);
      const points = Array.from({ length: 30 }, (_, point) => probabilitiesAt(scores, point));
      const own = points.filter((all) => all.indexOf(Math.max(...all)) === id).map((all) => all[id]);
      const expected =
        own.length > 0 ? own.reduce((sum, p) => sum + p) / own.length : Math.max(...points.map((all) => all[id]));
      expect(score).toBeCloseTo(expected, 5);
    }
    const soft = await result.segments({ soft: true });
    expect(soft[0].mask.data).toEqual((await result.mask(soft[0].label)).data);
  });

  it('colours labels as RGBA', async () => {
    const { data, channels } = await result.toRgba({ opacity: 0.5 });
    expect(channels).toBe(4);
    result.labels.forEach((id, i) => {
      expect([...data.subarray(i * 4, i * 4 + 4)]).toEqual([...set.classes[id].color, id === 0 ? 0 : 128]);
    });
    const opaque = await result.toRgba({ transparentBackground: false });
    expect(opaque.data.filter((_, i) => i % 4 === 3).every((alpha) => alpha === 255)).toBe(true);
    await expect(result.toRgba({ opacity: 2 })).rejects.toThrow('opacity is 2, but must be from 0 to 1');
  });

  it('gives a palette PNG whose indices are ids', async () => {
    const { data, palette, ...size } = decodePalettePng(await result.toPng());
    expect(size).toEqual({ width: 20, height: 12 });
    expect(data).toEqual(result.labels);
    expect(palette).toEqual(set.classes.map(({ color }) => [...color]));
  });
});
