import { describe, expect, it } from 'vitest';
import type { LabelMap } from '../image/image.ts';
import { celebamask19 } from '../labels/celebamask-19.ts';
import { ignoreLabel } from '../labels/label-set.ts';
import { Random } from '../random/random.ts';
import { drawSyntheticFace } from '../synthetic/face.ts';
import { compareProbabilities, type Disagreement, markDisagreement, measureDisagreement } from './disagreement.ts';
import { scoreMask, usualConfidence } from './score-mask.ts';
import { leastScore } from './suspect.ts';

const classes = celebamask19.classes.length;
const idOf = (name: string) => celebamask19.classes.findIndex((one) => one.name === name);

/** Probabilities as a network gives them that knows the right mask: sure inside of parts, unsure and rounded at edges. */
function probabilitiesOf({ width, height, data }: LabelMap, sure: number): Float32Array {
  const pixels = width * height;
  const result = new Float32Array(classes * pixels).fill((1 - sure) / classes);
  const reach = Math.max(1, Math.round(width / 64));
  for (let y = 0, at = 0; y < height; y++) {
    for (let x = 0; x < width; x++, at++) {
      const near = [-reach, 0, reach].flatMap((dy) => [-reach, 0, reach].map((dx) => [x + dx, y + dy] as const));
      const inside = near.filter(([column, row]) => column >= 0 && column < width && row >= 0 && row < height);
      for (const [column, row] of inside) result[data[row * width + column] * pixels + at] += sure / inside.length;
    }
  }
  return result;
}

const relabel = (map: LabelMap, change: (id: number) => number): LabelMap => ({ ...map, data: map.data.map(change) });

function shifted(map: LabelMap, by: number): LabelMap {
  const { width } = map;
  return { ...map, data: map.data.map((_, at) => map.data[at - (at % width) + Math.max(0, (at % width) - by)]) };
}

function swapSides(map: LabelMap): LabelMap {
  const other = new Map(celebamask19.mirrorPairs.flatMap(([a, b]) => [[a, b] as const, [b, a] as const]));
  return relabel(map, (id) => other.get(id) ?? id);
}

const size = 96;
const measure = (mask: LabelMap, truth: LabelMap, sure: number) =>
  measureDisagreement(compareProbabilities(mask, probabilitiesOf(truth, sure), classes), classes);
const facesWith = (part: string, count: number): LabelMap[] => {
  const found: LabelMap[] = [];
  for (let index = 0; found.length < count; index++) {
    const { labels } = drawSyntheticFace(new Random(5, part, index).next(), size);
    if (labels.data.filter((id) => id === idOf(part)).length > 40) found.push(labels);
  }
  return found;
};

describe('scoreMask', () => {
  const hats = facesWith('hat', 8);
  const others = facesWith('hair', 32);

  it('ranks masks with planted errors above all correct ones, and says what is wrong', () => {
    const faces = [...hats, ...others];
    const damage: Record<number, (map: LabelMap) => LabelMap> = {
      0: (map) => relabel(map, (id) => (id === idOf('hat') ? idOf('hair') : id)),
      10: (map) => relabel(map, (id) => (id === idOf('hair') ? idOf('hat') : id)),
      15: swapSides,
      21: (map) => relabel(map, (id) => (id === idOf('nose') ? idOf('skin') : id)),
      25: (map) => shifted(map, 14),
    };
    // Every third image is hard: the network is not sure of anything.
    const measured = faces.map((truth, i) => measure(damage[i]?.(truth) ?? truth, truth, i % 3 === 2 ? 0.5 : 0.95));
    const usual = usualConfidence(measured, classes);
    const ranked = measured
      .map((one, index) => ({ index, ...scoreMask(one, usual) }))
      .sort((a, b) => b.score - a.score);
    expect(
      ranked
        .slice(0, 5)
        .map(({ index }) => index)
        .sort((a, b) => a - b),
    ).toEqual([0, 10, 15, 21, 25]);
    expect(ranked[4].score).toBeGreaterThan(leastScore);
    expect(ranked[5].score).toBeLessThan(ranked[4].score / 2);
    const worst = (index: number) => {
      const [{ labelled, predicted, pixels }] = ranked.find((one) => one.index === index)!.regions;
      return { labelled: celebamask19.classes[labelled].name, predicted: celebamask19.classes[predicted].name, pixels };
    };
    expect(worst(0)).toMatchObject({ labelled: 'hair', predicted: 'hat' });
    expect(worst(10)).toMatchObject({ labelled: 'hat', predicted: 'hair' });
    expect(worst(21)).toMatchObject({ labelled: 'skin', predicted: 'nose' });
    const swapped = worst(15);
    expect(
      [swapped.labelled, swapped.predicted].map((name) => name.slice(2)).every((part, _, all) => part === all[0]),
    ).toBe(true);
    const count = faces[0].data.filter((id) => id === idOf('hat')).length;
    expect(worst(0).pixels).toBeGreaterThan(0.7 * count);
    expect(worst(0).pixels).toBeLessThanOrEqual(count);
  });

  it('does not suspect masks because of a class that the networks have not learnt', () => {
    const faces = others.slice(0, 8);
    const blind = faces.map((truth) => relabel(truth, (id) => (id === idOf('nose') ? idOf('skin') : id)));
    const measured = faces.map((truth, i) => measure(truth, blind[i], 0.95));
    const usual = usualConfidence(measured, classes);
    for (const one of measured) expect(scoreMask(one, usual).score).toBeLessThan(leastScore / 2);
  });

  it('is 0 where mask and prediction agree, and where all differing pixels are ignored', () => {
    const [face] = others;
    const usual = new Float64Array(classes).fill(0.9);
    expect(scoreMask(measure(face, face, 0.95), usual)).toEqual({ score: 0, regions: [] });
    const ignored = relabel(face, (id) => (id === idOf('hair') ? ignoreLabel : id));
    expect(scoreMask(measure(ignored, face, 0.95), usual).score).toBe(0);
  });
});

/** A square of one class in the middle of another, from `left` on. */
function square(left: number, id = 4, side = 20): LabelMap {
  const data = new Uint8Array(64 * 64).fill(1);
  for (let y = 20; y < 20 + side; y++) data.fill(id, y * 64 + left, y * 64 + left + side);
  return { width: 64, height: 64, data };
}

describe('markDisagreement', () => {
  const count = (truth: LabelMap, prediction: LabelMap) => {
    const probabilities = new Float32Array(classes * 64 * 64);
    prediction.data.forEach((id, at) => {
      probabilities[id * 64 * 64 + at] = 1;
    });
    return markDisagreement(compareProbabilities(truth, probabilities, classes)).reduce((sum, mark) => sum + mark, 0);
  };

  it('leaves out the course of a boundary, but not what only one of both contains, however thin', () => {
    expect(count(square(20), square(21))).toBe(0);
    // Of 8 columns on each side, the one next to the boundary may be its course.
    expect(count(square(20), square(28))).toBeGreaterThanOrEqual(2 * 7 * 20);
    const empty = square(20, 1);
    expect(count(empty, square(20, 9, 1))).toBe(1);
    expect(count(square(20, 9, 1), empty)).toBe(1);
    expect(count(square(20, 4), square(20, 5))).toBe(400);
  });
});

describe('usualConfidence', () => {
  it('is the mean over the pixels of each class in all masks', () => {
    const one = { labelled: Float64Array.of(4, 0, 1), confidence: Float64Array.of(3, 0, 1) } as unknown as Disagreement;
    const other = {
      labelled: Float64Array.of(0, 0, 3),
      confidence: Float64Array.of(0, 0, 1),
    } as unknown as Disagreement;
    expect([...usualConfidence([one, other], 3)]).toEqual([0.75, Number.NaN, 0.5]);
  });
});
