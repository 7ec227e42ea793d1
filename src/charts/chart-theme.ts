/** The colours and the typeface of a chart. */
export interface ChartTheme {
  readonly background: string;
  /** Titles and emphasised lines. */
  readonly ink: string;
  /** Labels of axes. */
  readonly muted: string;
  readonly axis: string;
  readonly grid: string;
  /** Colour of the full cells of a heat map, and of text on them. */
  readonly heat: string;
  readonly onHeat: string;
  readonly font: string;
  /** Colours of lines, in turn. */
  readonly lines: readonly string[];
}

/** For files: dark on white. The colours of lines are those of Okabe and Ito, darkened where they are pale on white. */
export const paperTheme: ChartTheme = {
  background: '#ffffff',
  ink: '#1f2430',
  muted: '#5f6673',
  axis: '#9aa1ab',
  grid: '#e6e8ec',
  heat: '#0b3a78',
  onHeat: '#ffffff',
  font: 'sans-serif',
  lines: ['#0072b2', '#d55e00', '#009e73', '#b85c92', '#7a4b00', '#333333'],
};

const darkTheme: ChartTheme = {
  ...paperTheme,
  background: '#14171c',
  ink: '#e8eaed',
  muted: '#a3abb8',
  axis: '#5b6472',
  grid: '#2a2f38',
  heat: '#8cc2ff',
  onHeat: '#0b1420',
  lines: ['#56b4e9', '#e8793a', '#35c79b', '#d98cbd', '#f0e442', '#f2ebd5'],
};

const names = ['ink', 'muted', 'axis', 'grid', 'heat', 'onHeat'] as const;

/** For charts within a page that defines `themeVariables`; they are light or dark with it. */
export const pageTheme: ChartTheme = {
  background: 'none',
  ink: 'var(--ink)',
  muted: 'var(--muted)',
  axis: 'var(--axis)',
  grid: 'var(--grid)',
  heat: 'var(--heat)',
  onHeat: 'var(--onHeat)',
  font: 'inherit',
  lines: paperTheme.lines.map((_, index) => `var(--line-${index + 1})`),
};

/** The CSS variables of `pageTheme`, for light and for dark pages. */
export const themeVariables: Readonly<Record<'light' | 'dark', string>> = {
  light: variablesOf(paperTheme),
  dark: variablesOf(darkTheme),
};

function variablesOf(theme: ChartTheme): string {
  const own = [...names.map((name) => [name, theme[name]] as const), ['background', theme.background] as const];
  const lines = theme.lines.map((color, index) => [`line-${index + 1}`, color] as const);
  return [...own, ...lines].map(([name, value]) => `--${name}:${value};`).join('');
}

/** Lengths of the dashes and gaps of lines, in turn; none for a solid line. */
const dashes: readonly (readonly number[])[] = [[], [7, 3], [2, 2.5], [9, 3, 2, 3], [12, 4]];

/** Markers of lines, in turn. */
const markers = ['circle', 'rect', 'triangle', 'diamond'] as const;
export type Marker = (typeof markers)[number];

/** The look of a line. Colour, dashes and marker change with each line, so that no two are told apart by colour alone. */
export interface LineLook {
  readonly color: string;
  readonly dash: readonly number[];
  readonly marker: Marker;
}

/** The look of the `index`-th line of a chart. Sixty lines look different. */
export function lineLook(index: number, { lines }: ChartTheme): LineLook {
  return {
    color: lines[index % lines.length],
    dash: dashes[index % dashes.length],
    marker: markers[index % markers.length],
  };
}

/** The path data of a marker about x, y; all markers look equally large. */
export function markerPath(marker: Marker, x: number, y: number, radius: number): string {
  const at = (dx: number, dy: number) => `${(x + dx * radius).toFixed(2)} ${(y + dy * radius).toFixed(2)}`;
  if (marker === 'rect') return `M${at(-0.9, -0.9)}L${at(0.9, -0.9)}L${at(0.9, 0.9)}L${at(-0.9, 0.9)}Z`;
  if (marker === 'triangle') return `M${at(0, -1.15)}L${at(1.1, 0.85)}L${at(-1.1, 0.85)}Z`;
  if (marker === 'diamond') return `M${at(0, -1.3)}L${at(1.3, 0)}L${at(0, 1.3)}L${at(-1.3, 0)}Z`;
  const r = radius.toFixed(2);
  return `M${at(-1, 0)}A${r} ${r} 0 1 1 ${at(1, 0)}A${r} ${r} 0 1 1 ${at(-1, 0)}Z`;
}
