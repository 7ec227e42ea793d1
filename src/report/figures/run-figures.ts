import { type CurveSeries, curvesChart } from '../../charts/curves.ts';
import { errorImage } from '../../charts/error-image.ts';
import { imageGrid } from '../../charts/image-grid.ts';
import { figureFont } from '../../charts/svg-text.ts';
import type { Config } from '../../config/schema.ts';
import type { ScoredImage } from '../../evaluation/evaluate-parser.ts';
import { blendOverlay, colorize } from '../../image/overlay.ts';
import type { LabelSet } from '../../labels/label-set.ts';
import { learningRateAt } from '../../optim/schedule.ts';
import type { MetricsLine } from '../../training/record/run-folder.ts';
import type { SizeStep } from '../facts/run-progress.ts';

type Points = (readonly [number, number])[];

function pointsOf(lines: readonly MetricsLine[], key: 'loss' | 'learningRate' | 'valF' | 'valLoss' | 'trainF'): Points {
  return lines.flatMap((line) => (line[key] === undefined ? [] : [[line.epoch, line[key]] as const]));
}

async function drawCurves(
  series: readonly CurveSeries[],
  yLabel: string,
  rightLabel: string,
  markBest?: string,
): Promise<string> {
  const options = { title: '', xLabel: 'epoch', xFrom: 0, yLabel, rightLabel, width: 410, height: 262 };
  const svg = await curvesChart(series, { ...options, ...(markBest !== undefined && { markBest }) });
  // The report includes its own typeface; it must not depend on installed fonts.
  return svg.replaceAll('sans-serif', figureFont);
}

/** Draws losses (left axis) and learning rate (right axis, from the first step) over epochs as an SVG. */
export function lossFigure(lines: readonly MetricsLine[], { train }: Config): Promise<string> {
  const first = learningRateAt(0, train);
  const valLoss = pointsOf(lines, 'valLoss');
  const series: CurveSeries[] = [
    { name: valLoss.length > 0 ? 'training loss' : 'loss', points: pointsOf(lines, 'loss') },
    ...(valLoss.length > 0 ? [{ name: 'validation loss', points: valLoss }] : []),
    { name: 'learning rate', points: [[0, first], ...pointsOf(lines, 'learningRate')], axis: 'right' },
  ];
  return drawCurves(series, 'loss', 'learning rate');
}

/** Draws F on validation and training images (left axis) and, if it changes, the image size (right axis) as an SVG. */
export function scoreFigure(lines: readonly MetricsLine[], sizes: readonly SizeStep[]): Promise<string> {
  const trainF = pointsOf(lines, 'trainF');
  const name = trainF.length > 0 ? 'validation F' : 'F (per image)';
  const last = lines.at(-1)?.epoch ?? 0;
  const steps: Points = sizes.flatMap(({ epoch, size }, index) => {
    const until = Math.min(sizes[index + 1]?.epoch ?? last, last);
    return epoch >= last ? [] : [[epoch, size] as const, [until, size] as const];
  });
  const series: CurveSeries[] = [{ name, points: pointsOf(lines, 'valF') }];
  if (trainF.length > 0) series.push({ name: 'training F', points: trainF });
  if (sizes.length > 1) series.push({ name: 'image size', points: steps, axis: 'right' });
  return drawCurves(series, 'F (per image)', 'pixels', name);
}

/** Photo, ground truth, prediction and errors of one image side by side, as a PNG. */
export function failureFigure({ photo, truth, prediction }: ScoredImage, set: LabelSet): Promise<Buffer> {
  const panels = [
    photo,
    colorize(truth, set),
    blendOverlay(photo, prediction, set),
    errorImage(photo, truth, prediction),
  ];
  return imageGrid([panels], { cellSize: 240 });
}
