import { describe, expect, it } from 'vitest';
import { celebamask19 } from '../../labels/celebamask-19.ts';
import { face8 } from '../../labels/face-8.ts';
import { findValueProblem } from './pixel-values.ts';

type Palette = [number, number, number][];

/** Pixel counts by id; ids without a count have none. */
function countsOf(pixels: Record<number, number>): Float64Array {
  const counts = new Float64Array(256);
  for (const [id, count] of Object.entries(pixels)) counts[Number(id)] = count;
  return counts;
}

const problemOf = (pixels: Record<number, number>, palette: Palette = [], set = celebamask19) =>
  findValueProblem(countsOf(pixels), palette, set);

describe('findValueProblem', () => {
  it.each<[string, Record<number, number>, Palette]>([
    ['a face', { 0: 100, 1: 50, 13: 20 }, []],
    ['a face with ignored pixels', { 0: 100, 1: 50, 255: 20 }, []],
    ['two classes', { 0: 100, 1: 50 }, []],
    ['two classes in their colours', { 0: 100, 1: 50 }, celebamask19.classes.map(({ color }) => [...color])],
    ['one class and ignored pixels', { 1: 50, 255: 20 }, []],
  ])('%s is fine', (_, pixels, palette) => {
    expect(problemOf(pixels, palette)).toBeUndefined();
  });

  it('ids of celebamask-19 are merged without --labels', () => {
    const remedyOf = (pixels: Record<number, number>, set = face8) => problemOf(pixels, [], set)?.remedy;
    expect(remedyOf({ 0: 100, 1: 50, 13: 20 })).toBe(
      'the ids may be those of celebamask-19, which training and evaluate merge into face-8; check with --labels celebamask-19',
    );
    expect(remedyOf({ 0: 100, 1: 50, 19: 20 })).toMatch(/^relabel these pixels/);
    expect(remedyOf({ 0: 100, 1: 50, 19: 20 }, celebamask19)).toMatch(/^relabel these pixels/);
  });

  it('ignored pixels alone leave nothing to score', () => {
    expect(problemOf({ 255: 4096 })).toMatchObject({
      kind: 'nothing-to-score',
      message: 'has no pixel to score: every pixel is 255 (ignored)',
    });
  });

  it.each<[string, Record<number, number>, Palette]>([
    ['0 and 255', { 0: 100, 255: 50 }, []],
    [
      '0 and 1 with a palette of black and white',
      { 0: 100, 1: 50 },
      [
        [0, 0, 0],
        [255, 255, 255],
      ],
    ],
    ['almost only white', { 0: 1, 255: 1e6 }, []],
  ])('%s are a black-and-white mask, for every label set', (_, pixels, palette) => {
    for (const set of [celebamask19, face8]) {
      const problem = problemOf(pixels, palette, set);
      expect(problem?.kind).toBe('binary-mask');
      expect(problem?.message).toMatch(/^has only the values 0 and \d+: a black-and-white mask .* not class ids$/);
      expect(problem?.remedy).toContain('faceparse data prepare');
    }
  });

  it('background alone is an empty mask', () => {
    expect(problemOf({ 0: 10 })?.kind).toBe('empty-mask');
  });

  it('a few ids outside the label set are listed', () => {
    expect(problemOf({ 0: 10, 19: 1, 20: 2 })).toMatchObject({
      kind: 'stray-labels',
      message: 'has label 19 in 1 pixel, label 20 in 2 pixels, but the ids of celebamask-19 are 0 to 18',
    });
  });

  it.each([10, 13])('ids multiplied by %i are recognized', (factor) => {
    const pixels = Object.fromEntries([0, 1, 2, 4, 13].map((id) => [id * factor, 10]));
    expect(problemOf(pixels)?.message).toMatch(new RegExp(`^has only multiples of ${factor} \\(0, ${factor}, `));
    expect(problemOf(pixels)?.remedy).toContain(`divide them by ${factor}`);
  });

  it('a greyscale picture is called so', () => {
    const picture = Object.fromEntries(Array.from({ length: 200 }, (_, value) => [value, 5]));
    expect(problemOf(picture)?.message).toMatch(/^has 200 different values, as a greyscale picture has/);
  });
});
