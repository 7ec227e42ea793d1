import { dirname, extname } from 'node:path';
import { exists, isFolder } from '../../files/path-kind.ts';
import { refuseForeignModel } from '../../node/foreign-model.ts';
import { FaceparseError } from '../../text/errors.ts';
import { runFolder } from '../../training/record/run-folder.ts';

/** Whether a path is a weights file, by its ending, or a run folder. */
export async function isRun(path: string): Promise<boolean> {
  if (isWeightsFile(path)) return true;
  const { bestWeights, config } = runFolder(path);
  return (await isFolder(path)) && ((await isFolder(dirname(bestWeights))) || (await exists(config)));
}

function isWeightsFile(path: string): boolean {
  return extname(path).toLowerCase() === '.safetensors';
}

/**
 * Separates the run from the photos among the arguments of `predict`. The first is a run if it is a folder with weights/ or
 * config.yaml, or a .safetensors file. Its contents are not checked.
 *
 * @throws FaceparseError (exit code 2) if no photo is given, the first argument does not exist, a run is not first, or a
 * path is a model file of another format
 *
 * @example await splitPredictArguments(['runs/a', 'photo.jpg']) // { run: 'runs/a', photos: ['photo.jpg'] }
 */
export async function splitPredictArguments(words: readonly string[]): Promise<{ run?: string; photos: string[] }> {
  const [first, ...rest] = words;
  const wrong = (message: string) => new FaceparseError(message, { exitCode: 2 });
  for (const word of words) await refuseForeignModel(word);
  if (first === undefined) throw wrong('no photo given; pass photos or folders of photos');
  for (const word of rest) {
    if (await isRun(word)) throw wrong(`${word} is a run; give one run or weights file, before the photos`);
  }
  if (await isRun(first)) {
    if (rest.length === 0) throw wrong(`no photo given; pass photos or folders of photos after the run ${first}`);
    return { run: first, photos: rest };
  }
  if (!(await exists(first))) throw wrong(`${first} not found; it must be a run, a photo or a folder of photos`);
  return { photos: [first, ...rest] };
}
