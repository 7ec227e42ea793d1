import { type Command, Option } from 'commander';
import type { Dataset } from '../../data/dataset/dataset.ts';
import { leftAloneNotes } from '../../data/dataset/list-images.ts';
import { exists, isFolder } from '../../files/path-kind.ts';
import type { LabelSet } from '../../labels/label-set.ts';
import type { ScoreSummary } from '../../metrics/face-score.ts';
import type { FaceParser } from '../../parser/face-parser.ts';
import type { Averaging } from '../../parser/grid/averaging.ts';
import { countOf } from '../../text/counts.ts';
import { FaceparseError } from '../../text/errors.ts';
import { firstFaults } from '../../text/first-faults.ts';
import { type AveragingOptions, addAveragingOptions, averagingOf } from '../averaging-options.ts';
import { type JsonOption, jsonHelp, printJson, printNotice, printNotices, printText, runTask } from '../command.ts';
import { addEngineOptions, type EngineOptions, engineChoice } from '../engine-options.ts';
import { evaluateReadyMasks } from '../evaluate-masks.ts';
import { formatScore, formatScores, formatScoresMarkdown } from '../score-table.ts';

interface EvaluateOptions extends JsonOption, EngineOptions, AveragingOptions {
  data?: string;
  masks?: string;
  labels?: string;
  markdown?: boolean;
}

/** The scores of one way of predicting. */
interface Scored {
  readonly flip: boolean;
  readonly sides: readonly number[];
  readonly summary: ScoreSummary;
  /** Mean time of the network per image. */
  readonly networkMilliseconds: number;
  /** Why pairs are not in the scores, one text each. */
  readonly failures: readonly string[];
}

async function score(label: string, parser: FaceParser, dataset: Dataset, options: JsonOption): Promise<Scored> {
  const { evaluateParser } = await import('../../evaluation/evaluate-parser.ts');
  let network = 0;
  const failures: string[] = [];
  const summary = await runTask(label, options, ({ signal, onProgress }) =>
    evaluateParser(parser, dataset, {
      signal,
      onFailure: ({ message }) => void failures.push(message),
      onImage: ({ timing }, done, total) => {
        network += timing.network;
        onProgress(done, total);
      },
    }),
  );
  if (summary.images === 0) {
    throw new FaceparseError(`no pair of ${dataset.folder} can be scored`, {
      faults: firstFaults(failures),
    });
  }
  const { flip, sides } = parser;
  return { flip, sides, summary, networkMilliseconds: network / summary.images, failures };
}

/** The same network, averaged. */
async function scoreAveraged(
  { weights, engine }: FaceParser,
  averaging: Averaging,
  dataset: Dataset,
  options: JsonOption,
): Promise<Scored> {
  const { FaceParser } = await import('../../parser/face-parser.ts');
  const { pixelKernels } = await import('../../native-pixels/pixel-kernels.ts');
  const parser = await FaceParser.create(weights, engine, { averaging, kernels: pixelKernels() });
  try {
    return await score('scoring with averaging', parser, dataset, options);
  } finally {
    await parser.dispose();
  }
}

function toJson({ summary, networkMilliseconds }: Scored): object {
  return { ...summary, confusion: [...summary.confusion], networkMilliseconds };
}

/** `averaged over photo and mirror image at 256 and 320 pixels, network 180 ms per image` */
function describeAveraging({ flip, sides, networkMilliseconds }: Scored): string {
  const images = flip ? 'photo and mirror image' : 'photo';
  return `averaged over ${images} at ${sides.join(' and ')} pixels, ${formatSpeed(networkMilliseconds)}`;
}

function formatSpeed(milliseconds: number): string {
  return `network ${milliseconds.toFixed(0)} ms per image`;
}

/** The tables; with headings if there are two. */
function formatReport(set: LabelSet, plain: Scored, averaged: Scored | undefined, markdown: boolean): string {
  const format = markdown ? formatScoresMarkdown : formatScores;
  if (!averaged) return format(plain.summary, set);
  const heading = markdown ? '### ' : '';
  return [
    `${heading}Plain prediction`,
    format(plain.summary, set),
    `${heading}With --tta: ${describeAveraging(averaged)}`,
    format(averaged.summary, set),
    `F (per image): plain ${formatScore(plain.summary.fPerImage)}, with --tta ${formatScore(averaged.summary.fPerImage)}`,
  ].join('\n\n');
}

/** The validation set recorded by a run. */
async function validationFolder(run: string | undefined): Promise<string> {
  if (run !== undefined && !(await exists(run)))
    throw await (await import('../../node/missing-run.ts')).missingRun(run);
  if (run === undefined || !(await isFolder(run))) {
    throw new FaceparseError(
      `no data given, and ${run ?? 'the bundled network'} records none; pass --data FOLDER, a folder with images/ and masks/`,
      { exitCode: 2 },
    );
  }
  const [{ resolveSplit }, { recordedData }] = await Promise.all([
    import('../../data/dataset/dataset.ts'),
    import('../../training/record/recorded-data.ts'),
  ]);
  return resolveSplit(await recordedData(run, `${run} cannot be scored without --data`), 'val');
}

async function evaluate(run: string | undefined, options: EvaluateOptions): Promise<void> {
  const { masks } = options;
  if (masks !== undefined) return evaluateReadyMasks(run, { ...options, masks });
  if (options.labels !== undefined) {
    throw new FaceparseError('--labels applies only to --masks: a network has its own label set; remove it', {
      exitCode: 2,
    });
  }
  const [{ FaceParser }, { refuseForeignWeights }, { openDataset }] = await Promise.all([
    import('../../node/face-parser.ts'),
    import('../../node/import-weights-file.ts'),
    import('../../data/dataset/dataset.ts'),
  ]);
  const incomplete: string[] = [];
  const dataset = await openDataset(options.data ?? (await validationFolder(run)), {
    onFailure: ({ message }) => void incomplete.push(message),
  });
  await refuseForeignWeights(run);
  const parser = await FaceParser.load(run, { ...engineChoice(options), detector: false });
  printNotices(parser.notices);
  const unfinished =
    run === undefined ? undefined : await (await import('../../comparison/runs/unfinished-run.ts')).unfinishedNote(run);
  if (unfinished !== undefined) printNotice(unfinished);
  try {
    const plain = await score('scoring', parser, dataset, options);
    const averaging = await averagingOf(options);
    const averaged = averaging && (await scoreAveraged(parser, averaging, dataset, options));
    if (options.json) {
      const { flip, sides } = averaged ?? plain;
      printJson({
        weights: parser.file,
        data: dataset.folder,
        ...toJson(plain),
        ...(averaged && { averaged: { flip, sides, ...toJson(averaged) } }),
        failures: [...incomplete, ...plain.failures],
        leftAlone: dataset.leftAlone,
      });
      return requireAllScored([...incomplete, ...plain.failures]);
    }
    const { model, preprocessing } = parser.weights;
    // A Markdown table is published, so it contains no path of this machine.
    if (!options.markdown) {
      printText(
        `${parser.file}: ${model} at ${preprocessing.size}×${preprocessing.size}, ${formatSpeed(plain.networkMilliseconds)}\n`,
      );
    }
    printText(formatReport(parser.labelSet, plain, averaged, options.markdown === true));
    for (const note of leftAloneNotes(dataset.leftAlone)) printNotice(note);
    for (const failure of [...incomplete, ...plain.failures]) printNotice(failure);
    requireAllScored([...incomplete, ...plain.failures]);
  } finally {
    await parser.dispose();
  }
}

function requireAllScored(failures: readonly string[]): void {
  if (failures.length === 0) return;
  throw new FaceparseError(`not all pairs are in the scores: ${countOf(failures.length, 'problem')} (see above)`);
}

/** What the output means, in lines as short as those of the help. */
const scoresHelp = `Scores:
  F (per image)   mean over the images of the mean F1 of the classes in each
                  ground truth; the score of the challenge
  pixel accuracy  fraction of the pixels with the right class
  images          images whose ground truth contains the class
  F/image         mean F1 of the class over these images
  precision, recall, F1 (Dice), IoU
                  over the pixels of all images together
  mean            mean of the classes that occur, with and without background
Pixels with label 255 are ignored. Masks are scored at their own size.`;

/** `faceparse evaluate [RUN] [--data FOLDER]`, `faceparse evaluate --masks FOLDER --data FOLDER` */
export function registerEvaluate(program: Command): void {
  const command = program
    .command('evaluate')
    .description('score a trained network, or a folder of masks, on photos with masks')
    .argument('[run]', 'run folder, whose best weights are scored, or weights file (default: the bundled weights)')
    .option('--data <folder>', "folder with images/ and masks/, such as DATA/val (default: the run's validation set)")
    .addOption(
      new Option(
        '--masks <folder>',
        'score the masks in this folder (PNG files of class ids, from any program) instead of a network; requires --data',
      ).conflicts(['tta', 'scales', 'engine', 'device', 'threads']),
    )
    .option(
      '--labels <set>',
      'label set of --masks: a name, or a configuration or run with its own (default: celebamask-19)',
    )
    .addOption(new Option('--markdown', 'print the scores as a Markdown table').conflicts('json'))
    .option('--json', jsonHelp);
  addAveragingOptions(command, '; reported separately from the plain prediction');
  addEngineOptions(command).action(evaluate);
  command.addHelpText('after', `\n${scoresHelp}`);
}
