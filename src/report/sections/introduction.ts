import { ignoreLabel } from '../../labels/label-set.ts';
import { getLabelSet } from '../../labels/registry.ts';
import { countOf, formatCount } from '../../text/counts.ts';
import { showSetting } from '../../training/earlier-run/setting-changes.ts';
import { firstImages, formatF, formatShare, formatTime } from '../facts/format-facts.ts';
import { type ReportFacts, viewsOf } from '../facts/report-facts.ts';
import { trainingDataOf } from '../facts/run-facts.ts';
import { validations } from '../facts/run-progress.ts';
import { blocks, code, keepTogether, list, markup, paragraph } from '../typst/typst-text.ts';
import { countNotFound, listScores, rankClasses } from './class-ranking.ts';

/** F (per image): measured for the report, or the best during training where the images are not available. */
function headline({ measured, run }: ReportFacts): { f: number; where: string } | undefined {
  if (measured) return { f: measured.summary.fPerImage, where: countOf(measured.summary.images, 'validation image') };
  const scores = validations(run).map(({ valF }) => valF);
  const { limit } = run.config.validation;
  const where = `${limit === undefined ? 'the validation images' : firstImages(limit)} during training`;
  return scores.length > 0 ? { f: Math.max(...scores), where } : undefined;
}

type Environment = ReportFacts['run']['environment'];

/** `2 threads of a CPU (AMD EPYC), without a GPU` */
function machineOf({ cpu, engine }: Pick<Environment, 'cpu' | 'engine'>): string | undefined {
  if (!engine) return cpu ? markup(cpu) : undefined;
  const threads = countOf(engine.threads, 'thread');
  return engine.device === 'cpu'
    ? `${threads} of a CPU${cpu ? ` (${markup(cpu)})` : ''}, without a GPU`
    : `${markup(engine.device)} with ${threads}${cpu ? ` of a CPU (${markup(cpu)})` : ''}`;
}

/** The machine, or all machines and engines if a run was resumed with different ones. */
function machinesOf({ resumes = [], ...first }: Environment): string | undefined {
  const parts = [{ step: 0, ...first }, ...resumes].map((part) => {
    const name = part.engine ? `the ${markup(part.engine.name)} engine` : 'an unrecorded engine';
    return { step: part.step, text: [machineOf(part), `with ${name}`].filter(Boolean).join(', ') };
  });
  const changes = parts.filter(({ text }, index) => text !== parts[index - 1]?.text);
  if (changes.length === 1) return machineOf(first);
  return changes
    .map(({ step, text }, index) => (index === 0 ? text : `from step ${formatCount(step)} on: ${text}`))
    .join('; ');
}

/** Changes of the run's length, which the learning-rate schedule follows. */
function lengthsOf({ length, resumes = [] }: Environment): string | undefined {
  const lengths = [{ step: 0, length }, ...resumes].filter((part) => part.length !== undefined);
  const changes = lengths.filter((part, index) => index > 0 && part.length !== lengths[index - 1].length);
  if (changes.length === 0) return undefined;
  const later = changes.map((part) => `${markup(part.length!)} from step ${formatCount(part.step)} on`);
  return `Its length was changed when it was resumed: ${markup(lengths[0].length!)} at first, ${list(later)}.`;
}

function tile(value: string, name: string): string {
  return `  box(width: 100%, inset: 6pt, radius: 3pt, fill: rgb("#eef2f8"), align(center)[#text(13pt)[*${value}*] \\ #text(8.5pt)[${name}]]),`;
}

function tiles(facts: ReportFacts): string {
  const { parameters, run } = facts;
  const score = headline(facts);
  const { limit } = run.config.parameters;
  const entries = [
    ...(score ? [tile(formatF(score.f), 'F (per image), validation')] : []),
    tile(formatCount(parameters), `trainable parameters${limit ? ` (limit ${formatCount(limit)})` : ''}`),
    tile(formatTime(run.metrics.at(-1)!.seconds), 'training time'),
  ];
  return [`#grid(`, `  columns: (1fr,) * ${entries.length},`, '  column-gutter: 8pt,', ...entries, ')'].join('\n');
}

/** Settings and data that were changed when the run was resumed; its length has a sentence of its own. */
function changesOf({ resumes = [] }: Environment): string | undefined {
  const sentences = resumes.flatMap(({ step, changes = [], trainingData, validationData }) => {
    const what = [
      ...changes.filter(({ key }) => !['train.epochs', 'train.minutes'].includes(key)).map(describeSetting),
      ...(trainingData
        ? [`the training pairs were read from another folder (${countOf(trainingData.pairs, 'pair')})`]
        : []),
      ...(validationData ? [`the validation pairs were too (${countOf(validationData.pairs, 'pair')})`] : []),
    ];
    return what.length > 0 ? [`From step ${formatCount(step)} on, ${list(what)}.`] : [];
  });
  if (sentences.length === 0) return undefined;
  return `${sentences.join(' ')} The tables below show the last settings.`;
}

function describeSetting({ key, from, to }: { key: string; from?: unknown; to?: unknown }): string {
  return `${code(key)} was ${markup(showSetting(to))} instead of ${markup(showSetting(from))}`;
}

/** `first (24 steps)`, after the run that it started from */
function earlierRuns({ name, step, initialRun }: NonNullable<Environment['initialRun']>): string {
  const before = initialRun ? `${earlierRuns(initialRun)}, then ` : '';
  return `${before}“${markup(name)}”${step === undefined ? '' : ` (${countOf(step, 'step')})`}`;
}

/** How the first of the earlier runs started. */
function firstStart({ initialWeights, initialRun }: NonNullable<Environment['initialRun']>): string {
  return initialRun ? firstStart(initialRun) : initialWeights;
}

/** A record with short SHA-256 sums: 12 digits identify a file. */
function shortenSums(record: string): string {
  return record.replace(/\b([0-9a-f]{12})[0-9a-f]{52}\b/g, '$1');
}

const randomStart = /^random, seed \d+$/;

/** Data and initial weights of the training: `from random weights on 1,000 pairs only, …, `. */
function provenance(environment: Environment): string {
  const { initialWeights, initialRun } = environment;
  const data = trainingDataOf(environment);
  const pairs = data.length > 0 ? `on ${list([...new Set(data.map((one) => countOf(one.pairs, 'pair')))])} ` : '';
  if (initialWeights === undefined) return pairs;
  if (initialRun) {
    const start = firstStart(initialRun);
    const from = randomStart.test(start)
      ? 'started from random weights'
      : `started from “${markup(shortenSums(start))}”`;
    return `${pairs}from the weights of an earlier run, ${earlierRuns(initialRun)}, which ${from}; this run was trained `;
  }
  if (!randomStart.test(initialWeights)) {
    return `${pairs}from initial weights recorded as “${markup(shortenSums(initialWeights))}”, `;
  }
  return `from random weights ${pairs ? `${pairs}only, without pretraining or other data, ` : 'without pretraining, '}`;
}

/** Title, author line and summary. */
export function summarySection(facts: ReportFacts): string {
  const { measured, network, parameters, run, averaging } = facts;
  const { config, environment } = run;
  const score = headline(facts);
  const classes = measured?.labelSet.classes.length ?? facts.network.network.parts.at(-1)!.shape[0];
  const macs = network.network.parts.reduce((sum, part) => sum + part.multiplyAccumulates, 0) / 1e9;
  const { limit } = config.parameters;
  const machine = machinesOf(environment);
  const weakest = measured && weakClasses(facts);
  return blocks(
    '= Summary',
    paragraph(
      `This report describes a convolutional network that labels every pixel of a face photo with one of ${classes} classes.`,
      score &&
        `With ${countOf(parameters, 'trainable parameter')}${limit ? ` (the limit is ${formatCount(limit)})` : ''}, it reaches an F (per image) of *${formatF(score.f)}* on ${score.where}.`,
      `It was trained ${provenance(environment)}in ${formatTime(run.metrics.at(-1)!.seconds)}${machine ? ` on ${machine}` : ''}.`,
      lengthsOf(environment),
      changesOf(environment),
      `A forward pass on an image of ${network.preprocessing.size} × ${network.preprocessing.size} pixels takes ${macs.toPrecision(2)} · 10#super[9] multiply-accumulates.`,
      averaging && `Predictions are averaged over ${countOf(viewsOf(averaging), 'view')} of the photo.`,
      weakest,
    ),
    tiles(facts),
  );
}

function weakClasses({ measured }: ReportFacts): string | undefined {
  const ranking = rankClasses(measured!);
  const { found } = ranking;
  const count = countNotFound(ranking);
  if (found.length < 4) return count && `${count}.`;
  const weakest = `weakest by mean F are ${listScores(found.slice(0, 3), measured!.labelSet)}`;
  return count ? `${count}; of the others, the ${weakest}.` : `The ${weakest.replace('weakest', 'weakest classes')}.`;
}

/** The data, how masks are repaired, and the metric. */
export function taskSection(facts: ReportFacts): string {
  const { measured, run, data, hasOwnData } = facts;
  const { config, environment } = run;
  const { pairs, heldOut } = environment.trainingData ?? {};
  const { classes, mergeFrom } = getLabelSet(config.data.labels);
  const dropped = mergeFrom?.filter((id) => id === ignoreLabel).length ?? 0;
  return blocks(
    '= Task and data',
    paragraph(
      mergeFrom
        ? `The masks come from CelebAMask-HQ @celebamask; its 19 classes are merged into ${classes.length}: ${classes.map(({ name }) => markup(name)).join(', ')}.` +
            (dropped > 0 ? ` The pixels of ${countOf(dropped, 'class', 'classes')} are ignored.` : '')
        : 'The masks have the 19 classes of CelebAMask-HQ @celebamask. ' +
            'The prefixes `l_` and `r_` mark the left and right parts of the person; `eye_g` is glasses, `ear_r` earrings, `neck_l` a necklace, `u_lip` and `l_lip` the upper and lower lip.',
      `The training set has ${pairs ? countOf(pairs, 'pair') : 'pairs'} of photo and mask` +
        `${measured ? (hasOwnData ? `, the validation set ${formatCount(measured.summary.images)}` : `; the scores are from other data of ${countOf(measured.summary.images, 'pair')}`) : ''}.`,
      heldOut &&
        `${countOf(heldOut.pairs, 'further pair')} of the training data, fold ${heldOut.fold} of ${heldOut.folds}, ${heldOut.pairs === 1 ? 'was' : 'were'} held out: the network never saw ${heldOut.pairs === 1 ? 'it' : 'them'}.`,
      data && imbalance(data),
    ),
    data && swaps(facts),
    keepTogether(
      paragraph(
        'The metric compares true and predicted pixels of each class $c$ in the ground truth of an image, background included:',
        '$ P_c = "tp"_c / ("tp"_c + "fp"_c), quad R_c = "tp"_c / ("tp"_c + "fn"_c), quad F_c = (2 P_c R_c) / (P_c + R_c), quad ' +
          'F_"image" = 1 / abs(C) sum_(c in C) F_c, $',
        'where $C$ is the set of classes in the ground truth of the image. F (per image) is the mean of $F_"image"$ over all images.',
        `A class of a few pixels weighs as much as ${['hair', 'skin'].find((name) => classes.some((entry) => entry.name === name)) ?? 'the background'}, so small and rare classes decide the score.`,
      ),
    ),
  );
}

function imbalance({ statistics }: NonNullable<ReportFacts['data']>): string | undefined {
  const occurring = statistics.classes.filter(({ pixels }) => pixels > 0).sort((a, b) => b.share - a.share);
  if (occurring.length < 6) return undefined;
  const [largest, rarest] = [
    occurring.slice(0, 3),
    occurring.toSorted((a, b) => a.images - b.images || a.pixels - b.pixels).slice(0, 3),
  ];
  const share = ({ name, share }: (typeof occurring)[number]) => `${markup(name)} (${formatShare(share)})`;
  const count = ({ name, images }: (typeof occurring)[number]) => `${markup(name)} (${formatCount(images)})`;
  return (
    `The classes are imbalanced: ${list(largest.map(share))} cover most pixels of the training masks, ` +
    `while the rarest classes occur in few of the ${formatCount(statistics.images)} masks: ${list(rarest.map(count))}.`
  );
}

function swaps({ data, run }: ReportFacts): string | undefined {
  const { swapped, statistics } = data!;
  const part = trainingDataOf(run.environment).at(-1)?.repaired?.part ?? 0;
  if (swapped === 0) return undefined;
  const masks = `In ${formatCount(swapped)} of the ${formatCount(statistics.images)} training masks, left and right labels are swapped, as the order of eyes and brows shows.`;
  return run.config.data.repair
    ? paragraph(
        masks,
        part > 0 && `In ${formatCount(part)} more, a single part is on the wrong side of the nose.`,
        'These labels were swapped back before training; validation masks were left unchanged.',
      )
    : paragraph(masks, 'They were used unchanged.');
}
