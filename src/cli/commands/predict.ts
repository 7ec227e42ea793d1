import { realpath } from 'node:fs/promises';
import { join } from 'node:path';
import type { Command } from 'commander';
import { findPhotos, type PhotoFile } from '../../data/dataset/find-photos.ts';
import { leftAloneNotes } from '../../data/dataset/list-images.ts';
import { FaceparseError } from '../../text/errors.ts';
import { type AveragingOptions, addAveragingOptions, averagingOf } from '../averaging-options.ts';
import { type JsonOption, jsonHelp, printJson, printNotice, printText, runTask } from '../command.ts';
import { addEngineOptions, type EngineOptions, engineChoice } from '../engine-options.ts';
import { splitPredictArguments } from '../predict-arguments.ts';

interface PredictOptions extends JsonOption, EngineOptions, AveragingOptions {
  out: string;
  overlay?: boolean;
  force?: boolean;
  recursive?: boolean;
}

/** The files written for one photo. */
function targetsOf(stem: string, { out, overlay }: PredictOptions): string[] {
  return [join(out, `${stem}.png`), ...(overlay ? [join(out, 'overlay', `${stem}.png`)] : [])];
}

/** Refuses to replace a photo, and refuses to replace a mask without `--force`. */
async function requireFreeTargets(inputs: readonly PhotoFile[], options: PredictOptions): Promise<void> {
  const sources = new Set(await Promise.all(inputs.map(({ path }) => realpath(path).catch(() => path))));
  for (const target of inputs.flatMap(({ stem }) => targetsOf(stem, options))) {
    const found = await realpath(target).catch(() => undefined);
    if (found !== undefined && (sources.has(found) || !options.force)) {
      const problem = sources.has(found)
        ? 'is an input photo; choose another --out'
        : 'already exists; choose another --out, or use --force to replace it';
      throw new FaceparseError(`${target} ${problem}`, { exitCode: 2 });
    }
  }
}

async function predict(first: string | undefined, others: readonly string[], options: PredictOptions): Promise<void> {
  const { run, photos } = await splitPredictArguments([...(first === undefined ? [] : [first]), ...others]);
  const found = await findPhotos(photos, { recursive: options.recursive === true, exclude: options.out });
  const inputs = found.photos;
  await requireFreeTargets(inputs, options);
  const [{ FaceParser }, { savePrediction }, { ImageError, readPhoto }] = await Promise.all([
    import('../../node/face-parser.ts'),
    import('../../node/save-prediction.ts'),
    import('../../image/read-image.ts'),
  ]);
  const averaging = await averagingOf(options);
  const parser = await FaceParser.load(run, { ...engineChoice(options), ...(averaging && { averaging }) });
  const failures = found.problems.map(({ message }) => message);
  const written: { photo: string; mask: string; milliseconds: number; areas: Record<string, number> }[] = [];
  try {
    await runTask('parsing', options, async ({ signal, onProgress }) => {
      for (const [index, { path, stem }] of inputs.entries()) {
        signal.throwIfAborted();
        try {
          const photo = await readPhoto(path);
          const result = await parser.parse(photo);
          const mask = await savePrediction(
            options.out,
            stem,
            photo,
            result,
            parser.labelSet,
            options.overlay === true,
          );
          const areas = Object.fromEntries(result.areas.map(({ name, share }) => [name, Number(share.toPrecision(4))]));
          written.push({ photo: path, mask, milliseconds: Math.round(result.timing.total), areas });
        } catch (error) {
          // A bad photo is reported and skipped; any other error ends the work.
          if (!(error instanceof ImageError) || inputs.length + found.problems.length === 1) throw error;
          failures.push(error.message);
        }
        onProgress(index + 1, inputs.length);
      }
    });
  } finally {
    await parser.dispose();
  }
  if (options.json) printJson({ weights: parser.file, written, failures, leftAlone: found.leftAlone });
  else {
    const masks = `${written.length} ${written.length === 1 ? 'mask' : 'masks'}`;
    printText(`wrote ${masks} to ${options.out}${options.overlay ? ', with overlays in overlay/' : ''}`);
  }
  if (!options.json) for (const note of leftAloneNotes(found.leftAlone)) printNotice(note);
  for (const failure of failures) process.stderr.write(`faceparse: ${failure}\n`);
  if (failures.length > 0) {
    throw new FaceparseError(
      `${failures.length} of ${inputs.length + found.problems.length} photos could not be parsed (see above)`,
    );
  }
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
    .option('--recursive', 'also search subfolders of folders; masks are written to the same subfolders')
    .option('--overlay', 'also write the photos overlaid with the class colours')
    .option('--force', 'replace existing masks')
    .option('--json', jsonHelp);
  addAveragingOptions(command);
  addEngineOptions(command).action(predict);
}
