import type { Config } from '../../config/schema.ts';
import { face8 } from '../../labels/face-8.ts';
import type { LabelSet } from '../../labels/label-set.ts';
import { formatCount } from '../../text/counts.ts';
import { formatF, formatRatio, formatShare } from '../facts/format-facts.ts';
import { borderReach, type Measurements } from '../facts/measurements.ts';
import type { ReportFacts } from '../facts/report-facts.ts';
import { isAtEnd, sizeSteps, validations, validationsAtLastSize } from '../facts/run-progress.ts';
import { occurringClasses, rowShares } from '../figures/confusion-figure.ts';
import { blocks, figure, list, markup, paragraph, sideBySide, table, typstString } from '../typst/typst-text.ts';

/** A class of the truth that is often taken for another. */
interface Mistake {
  readonly truth: number;
  readonly predicted: number;
  /** Of the pixels of the class, 0 to 1. */
  readonly share: number;
}

/** The classes that are taken for another most often, by their share; one mistake a class. */
export function worstMistakes(
  { summary, labelSet }: Pick<Measurements, 'summary' | 'labelSet'>,
  count: number,
): Mistake[] {
  const { length } = labelSet.classes;
  return occurringClasses(summary)
    .map((truth): Mistake => {
      const shares = rowShares(summary.confusion, length, truth);
      shares[truth] = 0;
      const share = Math.max(...shares);
      return { truth, predicted: shares.indexOf(share), share };
    })
    .filter(({ share }) => share >= 0.01)
    .sort((a, b) => b.share - a.share)
    .slice(0, count);
}

/** The share of the pixels of paired classes that are given to the class of the other side; undefined without such pixels. */
export function sideConfusion({ summary, labelSet }: Pick<Measurements, 'summary' | 'labelSet'>): number | undefined {
  const { length } = labelSet.classes;
  let [wrong, all] = [0, 0];
  for (const pair of labelSet.mirrorPairs) {
    for (const [own, other] of [pair, pair.toReversed() as [number, number]]) {
      wrong += summary.confusion[own * length + other];
      all += summary.perClass[own].truthPixels;
    }
  }
  return all === 0 ? undefined : wrong / all;
}

function classTable({ summary, labelSet }: Measurements): string {
  const right = 'right' as const;
  const rows = occurringClasses(summary).map((id) => {
    const { images, meanImageF1, precision, recall, f1, iou } = summary.perClass[id];
    const first = images > 0 ? `*${formatRatio(meanImageF1)}*` : '–';
    return [markup(labelSet.classes[id].name), String(images), first, ...[precision, recall, f1, iou].map(formatRatio)];
  });
  const { precision, recall, f1, iou } = summary.macro.withBackground;
  rows.push(['*mean*', '', '', ...[precision, recall, f1, iou].map((value) => `*${formatRatio(value)}*`)]);
  const columns = [{ title: 'class' }, ...['n', 'F', 'P', 'R', 'F1', 'IoU'].map((title) => ({ title, align: right }))];
  return `{\n  set text(7.8pt)\n  set table(inset: (x: 2.6pt, y: 2.3pt))\n  ${table(columns, rows).replaceAll('\n', '\n  ')}\n}`;
}

/** F of the plain prediction, where the training measured it for these weights on all of these images. */
function plainF({ run, network, hasOwnData }: ReportFacts): number | undefined {
  if (!hasOwnData || run.config.validation.limit !== undefined) return undefined;
  return validations(run).find(({ step }) => step === network.step)?.valF;
}

function scores(facts: ReportFacts): string {
  const { measured, run, averaging } = facts;
  const { summary, images } = measured!;
  const { macro } = summary;
  const plain = plainF(facts);
  const sorted = images.map(({ score }) => score.f).sort((a, b) => a - b);
  const at = (share: number) => sorted[Math.round(share * (sorted.length - 1))];
  return paragraph(
    `On the ${formatCount(summary.images)} validation pictures the network reaches *F (per image) ${formatF(summary.fPerImage)}*.`,
    averaging &&
      plain !== undefined &&
      `Without averaging over views it was ${formatF(plain)} at the validation in the training.`,
    `Pooled over all pixels instead, which is another number, the mean F1 of the classes is ${formatF(macro.withBackground.f1)}` +
      ` (${formatF(macro.withoutBackground.f1)} without the background), the mean IoU ${formatF(macro.withBackground.iou)}, and ${formatShare(summary.pixelAccuracy)} of the pixels are right.`,
    sorted.length >= 10 &&
      `Half of the pictures lie between ${formatRatio(at(0.25))} and ${formatRatio(at(0.75))} (median ${formatRatio(at(0.5))}, lowest ${formatRatio(sorted[0])}, highest ${formatRatio(sorted.at(-1)!)}).`,
    validations(run).length > 1 && '@fig-curves shows how the training went.',
  );
}

/** A change of F that is smaller than what seeds do. */
const levelledOff = 0.003;

/** How the last tenth of a finished run went, at one size of the images: whether a longer training would help. */
export function convergence({ run }: Pick<ReportFacts, 'run'>): string | undefined {
  const scored = validationsAtLastSize(run);
  if (!isAtEnd(run) || scored.length < 3) return undefined;
  const last = scored.at(-1)!;
  const before = scored.findLast(({ epoch }) => epoch <= 0.9 * last.epoch);
  if (!before) return undefined;
  const gain = last.valF - before.valF;
  const [from, to] = [before, last].map(({ epoch }) => Number(epoch.toFixed(1)));
  const scores = `${gain < 0 ? 'fell' : 'rose'} from ${formatF(before.valF)} to ${formatF(last.valF)}`;
  return `From epoch ${from} to ${to}, the end of the training, F ${scores}${verdict(gain, run.config.train)}.`;
}

/** What a gain says: with a learning rate of 0 at the end, any training levels off, however short it is. */
function verdict(gain: number, { schedule, finalShare }: Config['train']): string {
  const isLevel = Math.abs(gain) < levelledOff;
  if (schedule !== 'constant' && finalShare < 0.02) {
    return `${isLevel ? ': it levelled off' : ','} as the learning rate fell to ${finalShare > 0 ? 'nearly ' : ''}0`;
  }
  if (isLevel) return ': the training had levelled off';
  return gain > 0 ? ': a longer training might still help' : ': a shorter training would have been enough';
}

function classes(measured: Measurements): string {
  const { summary, labelSet } = measured;
  const name = (id: number) => markup(labelSet.classes[id].name);
  const scored = summary.perClass.filter(({ images }) => images > 0);
  const byF = scored.toSorted((a, b) => a.meanImageF1 - b.meanImageF1);
  const tell = ({ id, meanImageF1 }: (typeof scored)[number]) => `${name(id)} ${meanImageF1.toFixed(2)}`;
  const missed = scored.filter(({ precision, recall }) => precision - recall > 0.08).map(({ id }) => name(id));
  const invented = scored.filter(({ precision, recall }) => recall - precision > 0.08).map(({ id }) => name(id));
  return paragraph(
    `@tab-classes gives the classes one by one${byF.length > 6 ? `: the best are ${list(byF.slice(-3).reverse().map(tell))}, the weakest ${list(byF.slice(0, 3).map(tell))}` : ''}.`,
    missed.length > 0 &&
      `Precision is well above recall for ${list(missed)}: the network misses more of them than it invents.`,
    invented.length > 0 &&
      `Recall is well above precision for ${list(invented)}: the network finds more of them than there is.`,
    accessories(measured),
  );
}

/** What images with an accessory score, against the others. */
function accessories({ labelSet, images }: Measurements): string | undefined {
  const rare = rareClasses(labelSet);
  if (rare.length === 0) return undefined;
  const has = ({ score }: Measurements['images'][number]) => score.perClass.some(({ id }) => rare.includes(id));
  const [withOne, without] = [images.filter(has), images.filter((image) => !has(image))];
  if (withOne.length < 3 || without.length < 3) return undefined;
  const mean = (list: Measurements['images']) => list.reduce((sum, { score }) => sum + score.f, 0) / list.length;
  const names = list(rare.map((id) => markup(labelSet.classes[id].name)));
  return `The ${withOne.length} pictures with one of ${names} have a mean F of ${formatRatio(mean(withOne))}, the other ${without.length} one of ${formatRatio(mean(without))}.`;
}

/** Ids of what is worn and not part of a face. */
function rareClasses({ name, classes }: LabelSet): number[] {
  const worn = name === face8.name ? ['glasses'] : ['eye_g', 'hat', 'ear_r', 'neck_l'];
  return classes.filter((entry) => worn.includes(entry.name)).map(({ id }) => id);
}

function errors(measured: Measurements): string {
  const { labelSet, wrongNearBorders, summary } = measured;
  const name = (id: number) => markup(labelSet.classes[id].name);
  const mistakes = worstMistakes(measured, 4).map(
    ({ truth, predicted, share }) => `${name(truth)} for ${name(predicted)} (${formatShare(Number(share.toFixed(2)))})`,
  );
  const sides = sideConfusion(measured);
  return paragraph(
    mistakes.length > 0 &&
      `By the confusion matrix (@fig-confusion) the network most often takes ${list(mistakes)}, in percent of the pixels of the true class.`,
    sides !== undefined && `Left and right are mixed up in ${formatShare(sides)} of the pixels of paired parts.`,
    summary.pixelAccuracy < 1 &&
      `Of the wrong pixels ${formatShare(wrongNearBorders)} lie within ${borderReach} pixels of a border between classes, where annotators differ too; the others lie deeper inside of a part.`,
  );
}

function curves({ figures: { loss, score }, run }: ReportFacts): string {
  const files = [loss, ...(score === undefined ? [] : [score])];
  const images = files.map((file) => `  image(${typstString(file)}, width: 100%),`);
  const validated = ` (left), F (per image) on the validation pictures${sizeSteps(run).length > 1 ? ' and the side of the training pictures' : ''} (right)`;
  return figure(
    `grid(\n  columns: (50%,) * ${files.length},\n${images.join('\n')}\n)`,
    `The training: loss and learning rate${score === undefined ? '' : validated}.`,
    'fig-curves',
    'auto',
  );
}

/** Scores, curves, classes and confusions. */
export function resultsSection(facts: ReportFacts): string {
  const { measured, figures } = facts;
  if (!measured) {
    const text =
      'The validation pictures were not at hand when this report was made, so there are no scores by class; the curves are those of the training.';
    return blocks('= Results', paragraph(text, convergence(facts)), curves(facts));
  }
  return blocks(
    '= Results',
    paragraph(scores(facts), convergence(facts)),
    curves(facts),
    classes(measured),
    errors(measured),
    sideBySide(
      ['7.4cm', '1fr'],
      [
        figure(
          classTable(measured),
          'Scores by class: pictures with it (n), mean F over them; precision, recall, F1, IoU of all pixels.',
          'tab-classes',
        ),
        figure(
          `image(${typstString(figures.confusion!)}, width: 100%)`,
          'Confusion matrix: percent of the pixels of each true class.',
          'fig-confusion',
        ),
      ],
    ),
  );
}
