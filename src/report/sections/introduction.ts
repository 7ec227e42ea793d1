import { face8 } from '../../labels/face-8.ts';
import { formatCount } from '../../text/counts.ts';
import { formatF, formatShare, formatTime } from '../facts/format-facts.ts';
import { type ReportFacts, viewsOf } from '../facts/report-facts.ts';
import { validations } from '../facts/run-progress.ts';
import { blocks, list, markup, paragraph } from '../typst/typst-text.ts';

/** F (per image): measured here, or the best of the training where the images are not there. */
function headline({ measured, run }: ReportFacts): { f: number; where: string } | undefined {
  if (measured)
    return { f: measured.summary.fPerImage, where: `${formatCount(measured.summary.images)} validation pictures` };
  const scores = validations(run).map(({ valF }) => valF);
  const { limit } = run.config.validation;
  const where = `the ${limit === undefined ? '' : `first ${limit} `}validation pictures during training`;
  return scores.length > 0 ? { f: Math.max(...scores), where } : undefined;
}

type Environment = ReportFacts['run']['environment'];

/** `2 threads of a CPU (AMD EPYC), without a GPU` */
function machineOf({ cpu, engine }: Pick<Environment, 'cpu' | 'engine'>): string | undefined {
  if (!engine) return cpu ? markup(cpu) : undefined;
  const threads = `${engine.threads} ${engine.threads === 1 ? 'thread' : 'threads'}`;
  return engine.device === 'cpu'
    ? `${threads} of a CPU${cpu ? ` (${markup(cpu)})` : ''}, without a GPU`
    : `${markup(engine.device)} beside ${threads}${cpu ? ` of a CPU (${markup(cpu)})` : ''}`;
}

/** The machine, or all machines and engines of a run that went on with others when it was resumed. */
function machinesOf({ resumes = [], ...first }: Environment): string | undefined {
  const parts = [{ step: 0, ...first }, ...resumes].map((part) => {
    const name = part.engine ? `the engine ${markup(part.engine.name)}` : 'an engine that is not recorded';
    return { step: part.step, text: [machineOf(part), `with ${name}`].filter(Boolean).join(', ') };
  });
  const changes = parts.filter(({ text }, index) => text !== parts[index - 1]?.text);
  if (changes.length === 1) return machineOf(first);
  return changes
    .map(({ step, text }, index) => (index === 0 ? text : `from step ${formatCount(step)} on ${text}`))
    .join('; ');
}

/** Where a resumed run was given another length, which the schedule of the learning rate follows. */
function lengthsOf({ length, resumes = [] }: Environment): string | undefined {
  const lengths = [{ step: 0, length }, ...resumes].filter((part) => part.length !== undefined);
  const changes = lengths.filter((part, index) => index > 0 && part.length !== lengths[index - 1].length);
  if (changes.length === 0) return undefined;
  const told = changes.map((part) => `${markup(part.length!)} from step ${formatCount(part.step)} on`);
  return `Its length was changed when it was resumed: first ${markup(lengths[0].length!)}, ${list(told)}.`;
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
    tile(formatTime(run.metrics.at(-1)!.seconds), 'of training'),
  ];
  return [`#grid(`, `  columns: (1fr,) * ${entries.length},`, '  column-gutter: 8pt,', ...entries, ')'].join('\n');
}

/** What the training began with, as its environment says: `from random weights on 1,000 pairs alone, …, `. */
function provenance({ initialWeights, trainingData }: Environment): string {
  const pairs = trainingData ? `on ${formatCount(trainingData.pairs)} pairs ` : '';
  if (initialWeights === undefined) return pairs;
  if (!/^random, seed \d+$/.test(initialWeights)) {
    return `${pairs}from initial weights that its record calls “${markup(initialWeights)}”, `;
  }
  const alone = trainingData ? `${pairs}alone, ` : '';
  return `from random weights ${alone ? `${alone}without pretrained parts or other data, ` : 'without pretrained parts, '}`;
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
      `This report describes a convolutional network that gives every pixel of a face photo one of ${classes} classes.`,
      score &&
        `It reaches an F (per image) of *${formatF(score.f)}* on ${score.where} with ${formatCount(parameters)} trainable parameters` +
          `${limit ? ` (fewer than ${formatCount(limit)} are allowed)` : ''}.`,
      `It was trained ${provenance(environment)}in ${formatTime(run.metrics.at(-1)!.seconds)}${machine ? ` on ${machine}` : ''}.`,
      lengthsOf(environment),
      `For a picture of ${network.preprocessing.size} × ${network.preprocessing.size} pixels it takes ${macs.toPrecision(2)} · 10#super[9] multiply-accumulates.`,
      averaging && `Predictions are the mean of ${viewsOf(averaging)} views of the photo.`,
      weakest,
    ),
    tiles(facts),
  );
}

function weakClasses({ measured }: ReportFacts): string | undefined {
  const { summary, labelSet } = measured!;
  const scored = summary.perClass.filter(({ images }) => images > 0).sort((a, b) => a.meanImageF1 - b.meanImageF1);
  if (scored.length < 4) return undefined;
  const names = scored
    .slice(0, 3)
    .map(({ id, meanImageF1 }) => `${markup(labelSet.classes[id].name)} (${meanImageF1.toFixed(2)})`);
  return `The weakest classes by their mean F are ${list(names)}.`;
}

/** The score, the data, and what is done to the masks. */
export function taskSection(facts: ReportFacts): string {
  const { measured, run, data, hasOwnData } = facts;
  const { config, environment } = run;
  const pairs = environment.trainingData?.pairs;
  const isMerged = config.data.labels === face8.name;
  return blocks(
    '= Task and data',
    paragraph(
      isMerged
        ? 'The masks are those of CelebAMask-HQ @celebamask, whose 19 classes are merged into 8: background, skin, brows, eyes, nose, mouth, ears, glasses.'
        : 'The masks have the 19 classes of CelebAMask-HQ @celebamask. ' +
            'Names with `l_` and `r_` are parts on the left and right of the person; `eye_g` are glasses, `ear_r` earrings, `neck_l` a necklace, `u_lip` and `l_lip` the lips.',
      `${pairs ? `There are ${formatCount(pairs)} pairs to train on` : 'The network is trained on pairs of photo and mask'}` +
        `${measured ? `${hasOwnData ? ' and' : '; the scores are from other data, with'} ${formatCount(measured.summary.images)} to validate on` : ''}.`,
      data && imbalance(data),
    ),
    data && swaps(facts),
    paragraph(
      'The score compares the pixels of each class $c$ that the truth of an image holds, background included, with those that are predicted:',
      '$ P_c = "tp"_c / ("tp"_c + "fp"_c), quad R_c = "tp"_c / ("tp"_c + "fn"_c), quad F_c = (2 P_c R_c) / (P_c + R_c), quad ' +
        'F_"image" = 1 / abs(C) sum_(c in C) F_c, $',
      'where $C$ are the classes in the truth of the image; F (per image) is the mean of $F_"image"$ over the images.',
      `A class of a few pixels counts as much there as the ${isMerged ? 'skin' : 'hair'}, so that rare and small classes decide the score.`,
    ),
  );
}

function imbalance({ statistics }: NonNullable<ReportFacts['data']>): string | undefined {
  const occurring = statistics.classes.filter(({ pixels }) => pixels > 0).sort((a, b) => b.share - a.share);
  if (occurring.length < 6) return undefined;
  const [largest, rarest] = [occurring.slice(0, 3), occurring.toSorted((a, b) => a.images - b.images).slice(0, 3)];
  const share = ({ name, share }: (typeof occurring)[number]) => `${markup(name)} (${formatShare(share)})`;
  const count = ({ name, images }: (typeof occurring)[number]) => `${markup(name)} (${formatCount(images)})`;
  return (
    `The classes are far from balanced: ${list(largest.map(share))} cover most of the pixels of the training masks, ` +
    `while the fewest of the ${formatCount(statistics.images)} masks hold ${list(rarest.map(count))}.`
  );
}

function swaps({ data, run }: ReportFacts): string | undefined {
  const { swapped, statistics } = data!;
  if (swapped === 0) return undefined;
  const masks = `In ${formatCount(swapped)} of the ${formatCount(statistics.images)} training masks left and right are swapped, as the order of eyes and brows shows.`;
  return run.config.data.repair
    ? paragraph(
        masks,
        'They are mended before the training by exchanging the labels; validation masks stay as they are.',
      )
    : paragraph(masks, 'They were used as they are.');
}
