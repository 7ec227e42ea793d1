import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import { dotChart, linearTicks } from './dot-chart.ts';

/** Centres of the square markers, which the second series has. */
function squares(svg: string): [number, number][] {
  return [...svg.matchAll(/d="M([\d.]+) ([\d.]+)L([\d.]+) [\d.]+L[\d.]+ ([\d.]+)L/g)].map(([, x, y, right, bottom]) => [
    (Number(x) + Number(right)) / 2,
    (Number(y) + Number(bottom)) / 2,
  ]);
}

const series = (values: readonly (number | undefined)[]) => [
  { name: 'a', dots: values.map(() => undefined) },
  { name: 'b', dots: values.map((value) => (value === undefined ? undefined : { value })) },
];

describe('dotChart', () => {
  it('places dots by value and row, on a linear and on a logarithmic axis', async () => {
    const options = { rows: ['x', 'y', 'z'], xLabel: 'value', domain: [0.01, 1] as const };
    const [a, b, c] = squares(dotChart(series([0.01, 0.505, 1]), options));
    expect(b[0]).toBeCloseTo((a[0] + c[0]) / 2, 1);
    expect(b[1] - a[1]).toBeCloseTo(c[1] - b[1], 1);
    const [d, e, f] = squares(dotChart(series([0.01, 0.1, 1]), { ...options, scale: 'log' }));
    expect(e[0]).toBeCloseTo((d[0] + f[0]) / 2, 1);
    const { width } = await sharp(Buffer.from(dotChart(series([1]), { ...options, rows: ['x'] }))).metadata();
    expect(width).toBe(440);
  });

  it('leaves out what is missing or cannot be placed, and keeps ranges on the axis', () => {
    const svg = dotChart(
      [{ name: 'a', dots: [undefined, { value: 0 }, { value: Number.NaN }, { value: 0.1, outer: [0.0001, 9] }] }],
      { rows: ['1', '2', '3', '4'], xLabel: 'x', scale: 'log', domain: [0.01, 1] },
    );
    expect(svg.match(/A3\.40/g)).toHaveLength(2);
    expect(svg).not.toMatch(/NaN|Infinity/);
    expect(dotChart([], { rows: [], xLabel: 'x' })).toMatch(/^<svg/);
    expect(dotChart(series([undefined]), { rows: ['x'], xLabel: 'x', scale: 'log' })).not.toMatch(/NaN/);
  });

  it('escapes and shortens names', () => {
    const svg = dotChart([], { rows: ['<b>', 'w'.repeat(500)], xLabel: '&' });
    expect(svg).toContain('&lt;b&gt;');
    expect(svg).toContain('>&amp;<');
    expect(svg).toMatch(/w…</);
  });
});

describe('linearTicks', () => {
  it('are round numbers inside the ends', () => {
    expect(linearTicks(0.713, 1, 5)).toEqual([0.8, 0.9, 1]);
    expect(linearTicks(0, 1, 5)).toEqual([0, 0.2, 0.4, 0.6, 0.8, 1]);
  });
});
