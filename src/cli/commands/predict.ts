import { join } from 'node:path';
import type { Command } from 'commander';
import { findPhotos } from '../../data/dataset/find-photos.ts';
import { leftAloneNotes } from '../../data/dataset/list-images.ts';
import type { LabelSet } from '../../labels/label-set.ts';
import type { PredictionPaths } from '../../node/save-prediction.ts';
import { FaceparseError } from '../../text/errors.ts';
import { joinWords } from '../../text/join-words.ts';
import { type AveragingOptions, addAveragingOptions, averagingOf } from '../averaging-options.ts';
import { type JsonOption, jsonHelp, printJson, printNotice, printNotices, printText, runTask } from '../command.ts';
import { addEngineOptions, type EngineOptions, engineChoice } from '../engine-options.ts';
import { splitPredictArguments } from '../predict/arguments.ts';
import { describeFaces, type FaceSummary, faceModeOf, sharesOf, summarizeFace } from '../predict/faces.ts';
import { requireFreeTargets } from '../predict/free-targets.ts';
import { addOutputOptions, type OutputOptions, requestedOutputs, resolveOutputs } from '../predict/outputs.ts';
import { formatProfile, ProfileRecorder } from '../predict/profile.ts';

interface PredictOptions extends JsonOption, EngineOptions, AveragingOptions, OutputOptions {
  out: string;
  force?: boolean;
  recursive?: boolean;
  labels?: string;
  profile?: boolean;
  faces?: string;
}

/** A parsed photo, for `--json`. */
interface Written extends PredictionPaths {
  readonly photo: string;
  readonly milliseconds: number;
  readonly areas: Record<string, number>;
  readonly faces: readonly FaceSummary[];
}

/** What is kept of a parsed photo: little without `--json`, so that memory does not grow with the number of photos. */
interface Parsed {
  readonly photo: string;
  readonly faceCount: number;
  readonly entry?: Written;
}

const extraNames: Readonly<Record<Exclude<keyof PredictionPaths, 'mask'>, string>> = {
  overlay: 'overlays',
  probabilities: 'probabilities',
  only: 'masks of the classes',
  cutout: 'cutouts',
  crop: 'faces',
};

async function predict(first: string | undefined, others: readonly string[], options: PredictOptions): Promise<void> {
  const mode = faceModeOf(options.faces);
  const given = [...(first === undefined ? [] : [first]), ...others];
  const { outputs: requested, words } = await requestedOutputs(options, given);
  const { run, photos } = await splitPredictArguments(words);
  const found = await findPhotos(photos, { recursive: options.recursive === true, exclude: options.out });
  const inputs = found.photos;
  const [
    { ParserPool, planPool },
    { defaultThreads },
    { refuseForeignWeights },
    { extraOutputs, predictionPaths, savePrediction },
    { parsePhotos },
  ] = await Promise.all([
    import('../../node/parser-pool.ts'),
    import('../../engine/select-engine.ts'),
    import('../../node/import-weights-file.ts'),
    import('../../node/save-prediction.ts'),
    import('../predict/parse-photos.ts'),
  ]);
  await requireFreeTargets(inputs, ({ stem }) => predictionPaths(options.out, stem, requested), options.force === true);
  const averaging = await averagingOf(options);
  await refuseForeignWeights(run);
  const choice = engineChoice(options);
  // A device has no cores to share, and who asks for threads gets them.
  const shared = choice.threads === undefined && choice.device === undefined;
  const plan = shared ? planPool(inputs.length, defaultThreads()) : undefined;
  const pool = await ParserPool.load(plan?.parsers ?? 1, run, {
    ...choice,
    ...(plan && { threads: plan.threads }),
    ...(averaging && { averaging }),
    ...(mode === 'whole' && { detector: false }),
  });
  const { parser } = pool;
  printNotices(parser.notices);
  const recorder = new ProfileRecorder();
  const { results, failures: bad } = await runTask('parsing', options, async (controls) => {
    const { labelSet } = parser;
    const outputs = resolveOutputs(requested, labelSet);
    const target = await targetOf(options, labelSet);
    recorder.start();
    return parsePhotos(
      inputs,
      async ({ file: { path, stem }, photo, decode }): Promise<Parsed> => {
        const result = await pool.parse(photo, { faces: mode });
        const prediction = { folder: options.out, stem, photo, result, labelSet, target };
        const { paths, crops, encode, write } = await savePrediction(prediction, outputs);
        recorder.add({ ...result.timing, decode: decode + result.timing.decode, encode, write });
        const parsed = { photo: path, faceCount: result.faces.length };
        if (!options.json) return parsed;
        const faces = result.faces.map((face, index) => summarizeFace(face, crops.at(index)));
        const { crop: _, ...files } = paths;
        const milliseconds = Math.round(result.timing.total);
        return { ...parsed, entry: { photo: path, ...files, milliseconds, areas: sharesOf(result.areas), faces } };
      },
      controls,
    );
  }).finally(() => pool.dispose());
  // A single photo's problem is the error of the command.
  if (bad.length === 1 && inputs.length + found.problems.length === 1) throw bad[0];
  const failures = [...found.problems, ...bad].map(({ message }) => message);
  const profile = options.profile ? recorder.finish() : undefined;
  if (options.json) {
    const written = results.map(({ entry }) => entry);
    printJson({ weights: parser.file, written, failures, leftAlone: found.leftAlone, ...(profile && { profile }) });
  } else {
    const masks = `${results.length} ${results.length === 1 ? 'mask' : 'masks'}`;
    const extras = extraOutputs
      .filter((name) => requested[name])
      .map((name) => `${extraNames[name]} in ${join(options.out, name)}`);
    printText(`wrote ${masks} to ${options.out}${extras.length > 0 ? `, with ${joinWords(extras, 'and')}` : ''}`);
    if (mode !== 'whole') for (const line of describeFaces(results)) printNotice(line);
    if (profile) printText(`\n${formatProfile(profile)}`);
  }
  if (!options.json) for (const note of leftAloneNotes(found.leftAlone)) printNotice(note);
  for (const failure of failures) printNotice(failure);
  if (failures.length > 0) {
    throw new FaceparseError(
      `${failures.length} of ${inputs.length + found.problems.length} photos could not be parsed (see above)`,
    );
  }
}

/** The label set of the written masks, if it is not that of the network. */
async function targetOf({ labels }: PredictOptions, { name }: LabelSet): Promise<LabelSet | undefined> {
  const { celebamask19 } = await import('../../labels/celebamask-19.ts');
  if (labels === undefined || labels === name) return undefined;
  if (labels === celebamask19.name) return celebamask19;
  const own = name === celebamask19.name ? '' : `, or ${name}, the network's own`;
  throw new FaceparseError(
    `--labels is '${labels.slice(0, 80)}', but masks can only be written in ${celebamask19.name}${own}`,
    {
      exitCode: 2,
    },
  );
}

/** `faceparse predict [RUN] PHOTO … [--out DIR]` */
export function registerPredict(program: Command): void {
  const command = program
    .command('predict')
    .description('parse photos: write a palette PNG of class ids for each, at its original size')
    .usage('[options] [run] <photo...>')
    .argument('[run]', 'run folder or .safetensors file (default: the bundled weights)')
    .argument('[photo...]', 'photos, folders of photos, or dataset folders with images/')
    .option('--out <folder>', 'output folder; masks are named after the photos', 'masks')
    .option('--recursive', 'also search subfolders of folders; files are written to the same subfolders')
    .option('--force', 'replace existing files, but never a photo')
    .option(
      '--labels <set>',
      'label set of masks and overlays: celebamask-19 writes, for each merged class, the id of the class that represents it',
    )
    .option(
      '--faces <mode>',
      `which faces to parse: auto finds them, but parses photos in the framing of CelebA-HQ as a whole; every parses each by itself; whole parses the whole photo (default: auto)`,
    )
    .option('--profile', 'also print the time that each part of the work takes')
    .option('--json', jsonHelp);
  addOutputOptions(command);
  addAveragingOptions(command);
  addEngineOptions(command).action(predict);
}
