import type { LabelSet } from '../labels/label-set.ts';
import type { ScoreSummary } from '../metrics/face-score.ts';
import { type ChartTheme, paperTheme } from './chart-theme.ts';
import { fitText, svgImage, svgText, textWidth } from './svg-text.ts';

const cell = 12.4;
const fontSize = 8.4;
const numberSize = 7;

/** The classes that occur in the ground truth or the prediction. */
export function occurringClasses({ perClass }: ScoreSummary): number[] {
  return perClass.filter(({ truthPixels, predictedPixels }) => truthPixels + predictedPixels > 0).map(({ id }) => id);
}

/** Shares of a true class's pixels (row) by predicted class; zeros if the ground truth lacks the class. */
export function rowShares(confusion: Float64Array, classes: number, id: number): Float64Array {
  const row = confusion.slice(id * classes, (id + 1) * classes);
  const total = row.reduce((sum, pixels) => sum + pixels, 0);
  return total === 0 ? row : row.map((pixels) => pixels / total);
}

/**
 * The confusion matrix as an SVG heat map with one row per true class, normalised to 1. Cells of at least half a percent show
 * their percentage.
 */
export function confusionMatrix(
  summary: ScoreSummary,
  { classes }: LabelSet,
  { ink, grid, heat, onHeat }: ChartTheme = paperTheme,
): string {
  const ids = occurringClasses(summary);
  const names = ids.map((id) => fitText(classes[id].name, fontSize, 60));
  const margin = Math.max(...names.map((name) => textWidth(name, fontSize))) + 5;
  const left = margin + 10;
  const parts: string[] = [];
  ids.forEach((truth, row) => {
    const shares = rowShares(summary.confusion, classes.length, truth);
    const y = margin + row * cell;
    parts.push(svgText(names[row], left - 4, y + cell / 2 + 2.6, { size: fontSize, anchor: 'end', color: ink }));
    ids.forEach((predicted, column) => {
      const share = shares[predicted];
      const x = left + column * cell;
      parts.push(
        // The square root makes small shares visible.
        `<rect x="${x.toFixed(2)}" y="${y.toFixed(2)}" width="${cell}" height="${cell}" fill="${heat}" fill-opacity="${Math.sqrt(share).toFixed(3)}" stroke="${grid}" stroke-width="0.4"/>`,
      );
      if (share < 0.005) return;
      const color = share > 0.36 ? onHeat : ink;
      parts.push(
        svgText((share * 100).toFixed(0), x + cell / 2, y + cell / 2 + 2.2, {
          size: numberSize,
          anchor: 'middle',
          color,
        }),
      );
    });
  });
  names.forEach((name, column) => {
    const x = left + (column + 0.5) * cell + 2.4;
    parts.push(svgText(name, x, margin - 4, { size: fontSize, turn: -90, color: ink }));
  });
  const side = ids.length * cell;
  parts.push(
    svgText('truth', 7, margin + side / 2, { size: fontSize, anchor: 'middle', bold: true, turn: -90, color: ink }),
  );
  parts.push(
    svgText('predicted', left + side / 2, margin + side + 10, {
      size: fontSize,
      anchor: 'middle',
      bold: true,
      color: ink,
    }),
  );
  return svgImage(left + side + 1, margin + side + 14, parts);
}
