import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import { pageTheme } from './chart-theme.ts';
import { curvesChart, type MetricsRow, runCurves } from './curves.ts';

const rows: MetricsRow[] = Array.from({ length: 20 }, (_, i) => ({
  step: i * 5,
  epoch: i / 2,
  seconds: i,
  loss: 3 / (i + 1),
  learningRate: 0.002 * (1 - i / 20),
  ...(i % 4 === 3 ? { valF: i === 15 ? 0.8132 : i / 40, valMacroIou: i / 50 } : {}),
}));

function texts(svg: string): string[] {
  return [...svg.matchAll(/<text[^>]*>([^<]*)<\/text>/g)].map((match) => match[1]);
}

describe('curvesChart', () => {
  it('is an SVG of the wanted size with title, axes and legend, and renders', async () => {
    const svg = await curvesChart(
      [
        {
          name: 'F',
          points: [
            [0, 0.1],
            [1, 0.5],
          ],
        },
        {
          name: 'loss',
          points: [
            [0, 3],
            [1, 2],
          ],
          axis: 'right',
        },
      ],
      { title: 'A run', xLabel: 'epoch', yLabel: 'score', rightLabel: 'nats', width: 500, height: 300 },
    );
    expect(texts(svg)).toEqual(expect.arrayContaining(['A run', 'epoch', 'score', 'nats', 'F', 'loss']));
    const { width, height } = await sharp(Buffer.from(svg)).metadata();
    expect([width, height]).toEqual([500, 300]);
  });

  it('begins the x axis where it is told, and shows no long number at its end', async () => {
    const points: [number, number][] = [
      [0.504, 1],
      [1.504, 2],
    ];
    const options = { title: '', xLabel: 'x', yLabel: 'y' };
    const [plain, from] = [
      texts(await curvesChart([{ name: 'a', points }], options)),
      texts(await curvesChart([{ name: 'a', points }], { ...options, xFrom: 0 })),
    ];
    expect(plain).not.toContain('0');
    expect(from).toContain('0');
    for (const shown of [plain, from]) {
      expect(shown).not.toContain('0.504');
      expect(shown).not.toContain('1.504');
    }
  });

  it('puts the label of the best point below where another line is above it', async () => {
    const draw = async (other: number) => {
      const points = (y: number): [number, number][] => [
        [0, y / 2],
        [1, y],
      ];
      const series = [
        { name: 'a', points: points(0.5) },
        { name: 'b', points: points(other) },
      ];
      const svg = await curvesChart(series, { title: '', xLabel: 'x', yLabel: 'y', markBest: 'a' });
      const y = (pattern: RegExp) => Number(pattern.exec(svg)?.[1]);
      return y(/<text[^>]* (?:y="|transform="translate\([\d.]+ )([\d.]+)[^>]*>best 0\.5000/);
    };
    const [below, above] = [await draw(0.501), await draw(0.499)];
    expect(below - above).toBeGreaterThan(10);
  });

  it('keeps the label of a single lowest point out of the axis below', async () => {
    const series = [
      { name: 'a', points: [[2, 0.314]] as [number, number][] },
      { name: 'b', points: [[2, 0.33]] as [number, number][] },
    ];
    const svg = await curvesChart(series, { title: '', xLabel: 'x', yLabel: 'y', xFrom: 0, markBest: 'a' });
    const [, label] = /<text[^>]* transform="translate\([\d.]+ ([\d.]+)\)[^>]*>best 0\.3140/.exec(svg) ?? [];
    const points = [...svg.matchAll(/ transform="matrix\([^)]*,([\d.]+)\)" fill="#[^>]*><\/path>/g)].map(([, y]) =>
      Number(y),
    );
    expect(points.length).toBeGreaterThan(1);
    expect(Number(label)).toBeLessThan(Math.max(...points));
  });

  it('gives the same bytes for the same data', async () => {
    expect(await runCurves(rows)).toBe(await runCurves(rows));
  });

  it('leaves out what is not a number, and takes single points and none', async () => {
    const draw = (points: [number, number][]) =>
      curvesChart([{ name: 'a', points }], { title: 't', xLabel: 'x', yLabel: 'y' });
    expect(
      await draw([
        [0, 1],
        [1, Number.NaN],
        [2, Number.POSITIVE_INFINITY],
        [3, 2],
      ]),
    ).toBe(
      await draw([
        [0, 1],
        [3, 2],
      ]),
    );
    for (const svg of await Promise.all([draw([]), draw([[4, 4]])])) {
      expect(svg).toMatch(/^<svg/);
      expect(svg).not.toContain('NaN');
    }
  });

  const three = ['a', 'b', 'c'].map((name, index) => ({
    name,
    points: [
      [0, index],
      [1, 2],
    ] as [number, number][],
  }));

  it('takes all colours from its theme, and leaves the legend to the page', async () => {
    const options = { title: '', xLabel: 'x', yLabel: 'y', legend: 'none', theme: pageTheme } as const;
    const svg = await curvesChart(three, options);
    expect(texts(svg)).not.toContain('a');
    for (const color of pageTheme.lines.slice(0, 3)) expect(svg).toContain(`stroke="${color}"`);
    // Clip paths and the frame of a missing title have colours, but are not painted.
    const painted = svg.replace(/<clipPath[\s\S]*?<\/clipPath>|<path[^>]* stroke-width="0"[^>]*>/g, '');
    const literal = [...painted.matchAll(/(?:fill|stroke)="#[^"]+"/g)].map(([match]) => match);
    expect(literal).toEqual([]);
  });

  it('tells lines apart by dashes and markers, not only by colour', async () => {
    const svg = await curvesChart(three, { title: '', xLabel: 'x', yLabel: 'y', legend: 'none' });
    const lines = [...svg.matchAll(/<path[^>]* stroke="#(?:0072b2|d55e00|009e73)"[^>]* stroke-width="1.8"[^>]*>/g)];
    const dashes = lines.map(([line]) => /stroke-dasharray="([^"]*)"/.exec(line)?.[1]);
    expect(dashes).toHaveLength(3);
    expect(new Set(dashes).size).toBe(3);
  });

  it('keeps the legend above the plot in a narrow figure of three lines', async () => {
    const series = ['training loss', 'validation loss', 'learning rate'].map((name) => ({
      name,
      points: [
        [0, 1],
        [1, 2],
      ] as [number, number][],
    }));
    const svg = await curvesChart(series, { title: '', xLabel: 'x', yLabel: 'y', width: 410, height: 262 });
    for (const { name } of series) {
      const [, y] = new RegExp(`<text[^>]* transform="translate\\([\\d.]+ ([\\d.]+)\\)[^>]*>${name}<`).exec(svg) ?? [];
      expect(Number(y), name).toBeLessThan(40);
    }
  });

  it('escapes markup in names', async () => {
    const svg = await curvesChart([], { title: '<script>x</script>', xLabel: 'x', yLabel: 'y' });
    expect(svg).not.toContain('<script>');
  });

  it('thins long series but keeps their spikes', async () => {
    const draw = (spike: number) => {
      const points = Array.from({ length: 100_000 }, (_, i): [number, number] => [i, i === 54_321 ? spike : 1]);
      return curvesChart([{ name: 'loss', points }], { title: 't', xLabel: 'x', yLabel: 'y' });
    };
    const svg = await draw(900);
    expect(svg.length).toBeLessThan(100_000);
    expect(texts(svg)).toContain('800');
  });
});

describe('runCurves', () => {
  it('stacks loss, scores and learning rate, and marks the best F', async () => {
    const shown = texts(await runCurves(rows));
    for (const text of ['Loss', 'Scores', 'Learning rate', 'F (per image)', 'macro IoU (pooled)', 'best 0.8132']) {
      expect(shown).toContain(text);
    }
  });

  it('shows the validation loss and F on training images where the run has them', async () => {
    const scored = rows.map((row) => (row.valF === undefined ? row : { ...row, valLoss: 1.5, trainF: 0.9 }));
    const withHeads = texts(await runCurves(rows.map((row) => ({ ...row, auxiliary: 2 }))));
    expect(withHeads).toContain('auxiliary heads (unweighted)');
    const [without, shown] = [texts(await runCurves(rows)), texts(await runCurves(scored))];
    for (const text of ['training', 'validation', 'F on training images']) {
      expect(without).not.toContain(text);
      expect(shown).toContain(text);
    }
  });

  it('leaves out panels without values, and says when nothing was logged', async () => {
    const training = texts(
      await runCurves(rows.map(({ step, epoch, seconds, loss }) => ({ step, epoch, seconds, loss }))),
    );
    expect(training).toContain('Loss');
    expect(training).not.toContain('Scores');
    expect(training).not.toContain('Learning rate');
    expect(texts(await runCurves([]))).toContain('Loss (nothing logged yet)');
  });
});
