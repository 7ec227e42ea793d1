import { describe, expect, it } from 'vitest';
import { celebamask19 } from '../../labels/celebamask-19.ts';
import { classOrders, classOrderTable } from '../../labels/class-orders.ts';
import { face8 } from '../../labels/face-8.ts';
import type { LabelSet } from '../../labels/label-set.ts';
import { findPaletteProblem } from './palette.ts';

type Color = readonly [number, number, number];

const colors: Color[] = celebamask19.classes.map(({ color }) => color);
const colorOf = (name: string): Color => celebamask19.classes.find((entry) => entry.name === name)?.color ?? [1, 2, 3];

const problemOf = (ids: readonly number[], palette: readonly Color[], set: LabelSet = celebamask19) => {
  const counts = new Float64Array(256);
  for (const id of ids) counts[id] = 10;
  return findPaletteProblem(counts, palette, set);
};

/** The first colours of the PASCAL VOC palette, which labelme and others write with any ids. */
const voc = Array.from({ length: 256 }, (_, id): Color => {
  const channel = (bit: number) => [0, 1, 2].reduce((sum, k) => sum | (((id >> (3 * k + bit)) & 1) << (7 - k)), 0);
  return [channel(0), channel(1), channel(2)];
});

const all = colors.map((_, id) => id);

describe('findPaletteProblem', () => {
  it.each<[string, readonly Color[]]>([
    ['the palette of the label set', colors],
    ['a palette slightly off', colors.map(([r, g, b]) => [Math.min(255, r + 3), g, Math.max(0, b - 3)])],
    ['no palette', []],
    ['grays', Array.from({ length: 256 }, (_, i): Color => [i, i, i])],
    ['PASCAL VOC', voc],
    ['a single class in the colour of another', colors.with(18, colorOf('hair'))],
    ['a palette with fewer colours than ids', colors.slice(0, 5)],
    ['one colour for all ids', colors.map(() => colorOf('hair'))],
  ])('%s contradicts no id', (_, palette) => {
    expect(problemOf(all, palette)).toBeUndefined();
    expect(problemOf([0, 1, 255], palette)).toBeUndefined();
  });

  it.each(classOrders.map((order) => [order.name, order] as const))(
    'the ids of %s with the right colours',
    (_, order) => {
      const table = classOrderTable(order);
      const palette = order.classes.map((_name, id): Color => colors[table[id]] ?? [255, 255, 255]);
      const problem = problemOf(
        order.classes.map((_name, id) => id),
        palette,
      );
      expect(problem?.kind).toBe('palette-order');
      expect(problem?.remedy).toContain('the colours are those of celebamask-19, but the ids are in another order');
    },
  );

  it('a palette in order of frequency, as programs write it that reduce colours', () => {
    const names = ['background', 'hair', 'skin', 'cloth', 'neck', 'nose'];
    expect(problemOf([0, 1, 2, 3, 4, 5], names.map(colorOf))?.message).toBe(
      'has ids that contradict its palette: 1 (skin) has the colour of hair, 2 (nose) has the colour of skin, 3 (eye_g) has the colour of cloth and 2 more',
    );
  });

  it('left and right exchanged in the palette only', () => {
    const palette = colors.with(4, colorOf('r_eye')).with(5, colorOf('l_eye'));
    expect(problemOf(all, palette)?.message).toBe(
      'has ids that contradict its palette: 4 (l_eye) has the colour of r_eye, 5 (r_eye) has the colour of l_eye',
    );
  });

  it('colours of classes at ids outside the label set', () => {
    const palette = Array.from(
      { length: 64 },
      (_, id): Color => (id >= 40 ? (colors[id - 39] ?? [9, 9, 9]) : [0, 0, 0]),
    );
    expect(problemOf([0, 40, 41], palette)?.message).toContain('40 (no class) has the colour of skin');
  });

  it('masks of PASCAL VOC: its palette, a person, and no skin', () => {
    expect(problemOf([0, 15, 255], voc)?.message).toContain('has the palette of PASCAL VOC and no skin (1)');
    expect(problemOf([0, 5, 15, 20], voc)?.kind).toBe('palette-order');
    expect(problemOf([0, 1, 15], voc)).toBeUndefined();
    expect(problemOf([0, 255], voc)).toBeUndefined();
    expect(problemOf([0, 13, 17], colors)).toBeUndefined();
    expect(problemOf([0, 15, 255], [])).toBeUndefined();
  });

  it('the palette of another label set is named', () => {
    const palette = face8.classes.map(({ color }) => color);
    const problem = problemOf(
      face8.classes.map(({ id }) => id),
      palette,
    );
    expect(problem?.remedy).toBe('the palette is that of face-8; check with --labels face-8');
    expect(problemOf(all.slice(0, 8), colors, face8)?.remedy).toContain('check with --labels celebamask-19');
  });
});
