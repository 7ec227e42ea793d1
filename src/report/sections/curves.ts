import type { Config } from '../../config/schema.ts';
import { countOf } from '../../text/counts.ts';
import { describeEarlyStop } from '../../training/score-watch.ts';
import { firstImages, formatF, formatPoints } from '../facts/format-facts.ts';
import type { ReportFacts } from '../facts/report-facts.ts';
import { isAtEnd, scoredFirst, sizeSteps, validationsAtLastSize } from '../facts/run-progress.ts';
import { figure, paragraph, typstString } from '../typst/typst-text.ts';

/** A change in F smaller than typical differences between seeds. */
const levelledOff = 0.003;

/** Largest gap between training and validation F without overfitting, and smallest gap with clear overfitting. */
const gaps = { small: 0.01, large: 0.05 };

/** How far above its minimum a validation loss counts as risen. */
const risenLoss = 1.02;

/** How F changed in the last tenth of a finished run, at one image size: whether longer training would help. */
export function convergence({ run }: Pick<ReportFacts, 'run'>): string | undefined {
  const scored = validationsAtLastSize(run);
  if (!isAtEnd(run) || scored.length < 3) return undefined;
  const last = scored.at(-1)!;
  const before = scored.findLast(({ epoch }) => epoch <= 0.9 * last.epoch);
  if (!before) return undefined;
  const gain = last.valF - before.valF;
  const stoppedEarly = describeEarlyStop(last, run.config) !== undefined;
  const [from, to] = [before, last].map(({ epoch }) => Number(epoch.toFixed(1)));
  const change = `${gain < 0 ? 'fell' : 'rose'} from ${formatF(before.valF)} to ${formatF(last.valF)}`;
  return `From epoch ${from} to ${to}, the end of training, validation F ${change}${verdict(gain, run.config.train, stoppedEarly)}.`;
}

/** Schedules that end at `finalShare`. */
const decaying: readonly Config['train']['schedule'][] = ['cosine', 'polynomial', 'cosine-restarts'];

/** Interprets a gain. If the learning rate decays to 0, every run levels off, however short it is. */
function verdict(gain: number, { schedule, finalShare }: Config['train'], stoppedEarly: boolean): string {
  const isLevel = Math.abs(gain) < levelledOff;
  if (schedule === 'onecycle' && !stoppedEarly) {
    return `${isLevel ? ': it levelled off' : ''} as the learning rate decayed to nearly 0`;
  }
  if (decaying.includes(schedule) && finalShare < 0.02 && !stoppedEarly) {
    return `${isLevel ? ': it levelled off' : ''} as the learning rate decayed to ${finalShare > 0 ? 'nearly ' : ''}0`;
  }
  if (isLevel) return ': training had levelled off';
  return gain > 0 ? ': longer training might still help' : ': shorter training would have sufficed';
}

/** Validation images that every validation scored. */
function validationImages(facts: Pick<ReportFacts, 'run' | 'measured'>): string {
  const first = scoredFirst(facts);
  return first === undefined ? 'the validation images' : firstImages(first);
}

/** Training images that every validation scored. */
function trainImages({ run, measured }: Pick<ReportFacts, 'run' | 'measured'>): string {
  const { trainImages, limit } = run.config.validation;
  const known = [trainImages, limit, measured?.summary.images, run.environment.trainingData?.pairs];
  return countOf(Math.min(...known.filter((count) => count !== undefined)), 'training image');
}

/** Whether the network fits the training images better than unseen ones; undefined if the run did not record it. */
export function overfitting(facts: Pick<ReportFacts, 'run' | 'measured'>): string | undefined {
  const { run } = facts;
  const scored = validationsAtLastSize(run);
  const last = scored.at(-1);
  if (last?.trainF === undefined) return undefined;
  const gap = last.trainF - last.valF;
  const when = isAtEnd(run) ? 'At the end of training' : 'At the last validation';
  return paragraph(
    `${when}, F is ${formatF(last.trainF)} on ${trainImages(facts)} without augmentation and ${formatF(last.valF)} on ${validationImages(facts)}, a gap of ${formatPoints(gap).replace('+', '')} points.`,
    gap < gaps.small && 'This is no sign of overfitting.',
    gap >= gaps.large && 'The network overfits the training images.',
    lossTrend(scored),
  );
}

function lossTrend(scored: readonly { readonly epoch: number; readonly valLoss?: number }[]): string | undefined {
  const points = scored.flatMap(({ epoch, valLoss }) => (valLoss === undefined ? [] : [{ epoch, valLoss }]));
  if (points.length < 3) return undefined;
  const last = points.at(-1)!;
  const lowest = points.reduce((best, point) => (point.valLoss < best.valLoss ? point : best));
  const [low, end] = [lowest, last].map(({ valLoss }) => valLoss.toFixed(3));
  if (last.valLoss > risenLoss * lowest.valLoss) {
    return `The validation loss was lowest at epoch ${Number(lowest.epoch.toFixed(1))} (${low}) and rose to ${end} afterwards, which is a sign of overfitting.`;
  }
  return lowest === last
    ? `The validation loss was lowest at the last validation (${end}).`
    : `The validation loss stayed close to its minimum of ${low}.`;
}

/** The training figure: losses and learning rate, F and image size. */
export function curves(facts: ReportFacts): string {
  const { figures, run } = facts;
  const { loss, score } = figures;
  const files = [loss, ...(score === undefined ? [] : [score])];
  const images = files.map((file) => `  image(${typstString(file)}, width: 100%),`);
  const has = (key: 'valLoss' | 'trainF') => run.metrics.some((line) => line[key] !== undefined);
  const left = has('valLoss') ? 'losses and learning rate' : 'loss and learning rate';
  const right = `F (per image) on ${validationImages(facts)}${has('trainF') ? ` and on ${trainImages(facts)} without augmentation` : ''}`;
  const size = sizeSteps(run).length > 1 ? ', with the side of the training images' : '';
  const { auxiliary } = run.config.loss;
  const caption = [
    score === undefined ? `Training: ${left}.` : `Training: ${left} (left), ${right}${size} (right).`,
    has('valLoss') &&
      `The training loss is computed on augmented batches${auxiliary > 0 ? ', including auxiliary heads' : ''}, the validation loss on unaugmented images. Compare their trends, not their levels.`,
  ];
  return figure(
    `grid(\n  columns: (50%,) * ${files.length},\n${images.join('\n')}\n)`,
    caption.filter(Boolean).join(' '),
    'fig-curves',
    'auto',
  );
}
