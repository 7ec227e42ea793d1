import { describe, expect, it } from 'vitest';
import { lineLook, markerPath, pageTheme, paperTheme, themeVariables } from './chart-theme.ts';

type Color = readonly [number, number, number];

/** Linear RGB of `#rrggbb`. */
function linear(hex: string): Color {
  const [r, g, b] = [1, 3, 5].map((at) => Number.parseInt(hex.slice(at, at + 2), 16) / 255);
  const one = (value: number) => (value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4);
  return [one(r), one(g), one(b)];
}

/** Contrast of WCAG 2. */
function contrast(a: string, b: string): number {
  const [low, high] = [a, b]
    .map((color) => linear(color).reduce((sum, value, index) => sum + value * [0.2126, 0.7152, 0.0722][index], 0))
    .sort((x, y) => x - y);
  return (high + 0.05) / (low + 0.05);
}

/** Machado, Oliveira and Fernandes (2009), severity 1. */
const visions: Readonly<Record<string, readonly Color[]>> = {
  normal: [
    [1, 0, 0],
    [0, 1, 0],
    [0, 0, 1],
  ],
  protanopia: [
    [0.152286, 1.052583, -0.204868],
    [0.114503, 0.786281, 0.099216],
    [-0.003882, -0.048116, 1.051998],
  ],
  deuteranopia: [
    [0.367322, 0.860646, -0.227968],
    [0.280085, 0.672501, 0.047413],
    [-0.01182, 0.04294, 0.968881],
  ],
  tritanopia: [
    [1.255528, -0.076749, -0.178779],
    [-0.078411, 0.930809, 0.147602],
    [0.004733, 0.691367, 0.3039],
  ],
};

/** CIELAB of a colour as a kind of vision sees it. */
function lab(hex: string, matrix: readonly Color[]): Color {
  const seen = matrix.map((row) =>
    Math.min(1, Math.max(0, row[0] * linear(hex)[0] + row[1] * linear(hex)[1] + row[2] * linear(hex)[2])),
  );
  const toXyz: readonly Color[] = [
    [0.4124 / 0.9505, 0.3576 / 0.9505, 0.1805 / 0.9505],
    [0.2126, 0.7152, 0.0722],
    [0.0193 / 1.089, 0.1192 / 1.089, 0.9505 / 1.089],
  ];
  const [x, y, z] = toXyz.map((row) => {
    const t = row[0] * seen[0] + row[1] * seen[1] + row[2] * seen[2];
    return t > 0.008856 ? Math.cbrt(t) : 7.787 * t + 16 / 116;
  });
  return [116 * y - 16, 500 * (x - y), 200 * (y - z)];
}

/** The values of the CSS variables of a theme. */
function variables(css: string): Map<string, string> {
  return new Map([...css.matchAll(/--([\w-]+):([^;]+);/g)].map(([, name, value]) => [name, value]));
}

const themes = Object.entries(themeVariables).map(([name, css]) => [name, variables(css)] as const);

describe('the theme of charts', () => {
  it.each(themes)('has all variables of a page, %s', (_, values) => {
    for (const value of [...Object.values(pageTheme), ...pageTheme.lines].filter((one) => typeof one === 'string')) {
      const [, name] = /^var\(--([\w-]+)\)$/.exec(value) ?? [];
      if (name !== undefined) expect(values.get(name), name).toMatch(/^#[0-9a-f]{6}$/);
    }
  });

  it.each(themes)('has lines and texts that stand out from the background, %s', (_, values) => {
    const background = values.get('background')!;
    for (const [name, color] of values) {
      if (name.startsWith('line-')) expect(contrast(color, background), name).toBeGreaterThan(3);
      if (name === 'ink' || name === 'muted') expect(contrast(color, background), name).toBeGreaterThan(4.5);
    }
  });

  it.each(themes.flatMap(([theme, values]) => Object.keys(visions).map((vision) => [theme, vision, values] as const)))(
    'has lines that differ in colour, %s, %s',
    (_, vision, values) => {
      const colors = [...values]
        .filter(([name]) => name.startsWith('line-'))
        .map(([, color]) => lab(color, visions[vision]));
      expect(colors).toHaveLength(6);
      for (const [index, a] of colors.entries()) {
        for (const b of colors.slice(0, index))
          expect(Math.hypot(a[0] - b[0], a[1] - b[1], a[2] - b[2])).toBeGreaterThan(10);
      }
    },
  );

  it('gives sixty lines a look of their own, and neighbours three differences', () => {
    const looks = Array.from({ length: 60 }, (_, index) => lineLook(index, paperTheme));
    expect(new Set(looks.map((look) => JSON.stringify(look))).size).toBe(60);
    for (const [index, look] of looks.slice(1).entries()) {
      expect(look.color).not.toBe(looks[index].color);
      expect(look.dash).not.toEqual(looks[index].dash);
      expect(look.marker).not.toBe(looks[index].marker);
    }
  });

  it('draws markers about their point', () => {
    expect(markerPath('rect', 10, 20, 2)).toBe('M8.20 18.20L11.80 18.20L11.80 21.80L8.20 21.80Z');
  });
});
