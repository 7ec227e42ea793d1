import { dirname, extname } from 'node:path';
import { exists, isFolder } from '../files/path-kind.ts';
import { FaceparseError } from '../text/errors.ts';
import { runFolder } from '../training/run-folder.ts';

/** Whether a path means weights rather than photos: a weights file by its ending, or a folder that a training made. */
async function isRun(path: string): Promise<boolean> {
  if (isWeightsFile(path)) return true;
  const { bestWeights, config } = runFolder(path);
  return (await isFolder(path)) && ((await isFolder(dirname(bestWeights))) || (await exists(config)));
}

function isWeightsFile(path: string): boolean {
  return extname(path).toLowerCase() === '.safetensors';
}

/**
 * Tells the run from the photos among the arguments of `predict`: the first is a run when it is a folder with weights/ or
 * config.yaml, or a .safetensors file. Whether there are weights in it is not looked at.
 *
 * @throws FaceparseError (exit code 2) where no photo is named, the first argument does not exist, or weights come later
 *
 * @example await splitPredictArguments(['runs/a', 'photo.jpg']) // { run: 'runs/a', photos: ['photo.jpg'] }
 */
export async function splitPredictArguments(words: readonly string[]): Promise<{ run?: string; photos: string[] }> {
  const [first, ...rest] = words;
  const wrong = (message: string) => new FaceparseError(message, { exitCode: 2 });
  if (first === undefined) throw wrong('name the photos to parse, or folders of photos');
  for (const word of rest) {
    if (await isRun(word)) throw wrong(`${word} is a run; give one run or weights file, before the photos`);
  }
  if (await isRun(first)) {
    if (rest.length === 0) throw wrong(`name the photos to parse, or folders of photos, after the run ${first}`);
    return { run: first, photos: rest };
  }
  if (!(await exists(first))) throw wrong(`there is no run, photo or folder of photos at ${first}`);
  return { photos: [first, ...rest] };
}
