import { linearTicks } from '../../charts/dot-chart.ts';
import { fitText, svgImage, svgText, textWidth } from '../../charts/svg-text.ts';
import { baseLabel, type ComparedVariant } from '../facts/comparison.ts';

/** Row heights for few and for many variants. */
const rowHeights = [12, 9.5] as const;
const fontSize = 7.5;
/** Width of a tick label. */
const tickRoom = 18;
/** Width of the figure's column in the report. */
const width = 158;
const margins = { top: 3, right: 12, bottom: 26 };

/**
 * Draws the F of each finished run as a dot, with one row per variant and its mean as a bar. The line is the mean of the base,
 * which comes first. Variants with another label set than the base are left out. Undefined if fewer than two variants have a finished run.
 */
export function comparisonFigure(variants: readonly ComparedVariant[]): string | undefined {
  const shown = variants.filter(({ summary, otherLabels }) => summary.mean !== undefined && otherLabels === undefined);
  if (shown.length < 2) return undefined;
  const scoresOf = ({ summary }: ComparedVariant) =>
    summary.results.flatMap(({ state, f }) => (state === 'finished' ? [f!] : []));
  const all = shown.flatMap(scoresOf);
  const spread = Math.max(Math.max(...all) - Math.min(...all), 0.002);
  const [low, high] = [Math.min(...all) - 0.08 * spread, Math.max(...all) + 0.08 * spread];
  const labels = shown.map((variant) => (variant === variants[0] ? baseLabel(variant.name) : variant.name));
  const labelWidth = Math.min(74, Math.max(...labels.map((label) => textWidth(label, fontSize))) + 6);
  const plot = { left: labelWidth, right: width - margins.right };
  const x = (f: number) => plot.left + ((f - low) / (high - low)) * (plot.right - plot.left);
  const rowHeight = rowHeights[shown.length > 12 ? 1 : 0];
  const bottom = margins.top + shown.length * rowHeight;
  const parts = linearTicks(low, high, Math.floor((plot.right - plot.left) / tickRoom)).flatMap((tick) => [
    `<line x1="${x(tick).toFixed(2)}" x2="${x(tick).toFixed(2)}" y1="${margins.top}" y2="${bottom}" stroke="#e1e4e9" stroke-width="0.6"/>`,
    svgText(String(tick), x(tick), bottom + 9, { size: 7, anchor: 'middle', color: '#4b5563' }),
  ]);
  parts.push(svgText('F (per image)', (plot.left + plot.right) / 2, bottom + 20, { size: 7.5, anchor: 'middle' }));
  const [base] = shown;
  if (base === variants[0]) {
    const place = x(base.summary.mean!).toFixed(2);
    parts.push(
      `<line x1="${place}" x2="${place}" y1="${margins.top}" y2="${bottom}" stroke="#6b7280" stroke-width="0.8" stroke-dasharray="3 2"/>`,
    );
  }
  shown.forEach((variant, row) => {
    const y = margins.top + (row + 0.5) * rowHeight;
    const mean = x(variant.summary.mean!).toFixed(2);
    parts.push(
      svgText(fitText(labels[row], fontSize, labelWidth - 5), 0, y + 2.6, { size: fontSize, bold: row === 0 }),
      `<line x1="${mean}" x2="${mean}" y1="${y - 4}" y2="${y + 4}" stroke="#d9622b" stroke-width="1.6"/>`,
      ...scoresOf(variant).map(
        (f) => `<circle cx="${x(f).toFixed(2)}" cy="${y}" r="2.1" fill="#2f6fbb" fill-opacity="0.75"/>`,
      ),
    );
  });
  return svgImage(width, bottom + margins.bottom, parts);
}
