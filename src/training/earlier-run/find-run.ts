import { open, readdir } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { exists, isFolder } from '../../files/path-kind.ts';
import { FaceparseError } from '../../text/errors.ts';
import { nameSome } from '../../text/name-some.ts';
import { runFolder } from '../record/run-folder.ts';

/** Whether a folder holds a run. */
async function isRun(folder: string): Promise<boolean> {
  return exists(runFolder(folder).config);
}

/** The run folder that a path belongs to: the folder itself, a file in it, its folder weights/ or a file there. */
async function enclosingRun(path: string): Promise<string | undefined> {
  const folder = (await isFolder(path)) ? path : dirname(path);
  if (await isRun(folder)) return folder;
  // Only its folder of weights belongs to a run, not every folder that somebody put there.
  const isWeights = basename(resolve(folder)) === basename(dirname(runFolder('').bestWeights));
  const parent = join(folder, '..');
  return isWeights && (await isRun(parent)) ? parent : undefined;
}

/** What a file is, by its first bytes and its ending, in words for an error. */
async function describeFile(path: string): Promise<string> {
  const start = Buffer.alloc(16);
  const file = await open(path, 'r');
  try {
    await file.read(start, 0, start.length, 0);
  } finally {
    await file.close();
  }
  const name = basename(path).toLowerCase();
  const isZip = start.subarray(0, 4).equals(Buffer.from('PK\u0003\u0004', 'latin1'));
  if (/\.(pth|pt|ckpt|bin)$/.test(name) && (isZip || start[0] === 0x80)) return 'a PyTorch checkpoint';
  if (/\.(pth|pt)$/.test(name)) return 'named like a PyTorch checkpoint';
  if (name.endsWith('.onnx')) return 'an ONNX network';
  if (isZip) return 'a zip file';
  if (name.endsWith('.safetensors')) return 'a weights file outside of a run folder';
  if (/\.ya?ml$/.test(name)) return 'a YAML file outside of a run folder';
  return 'a file outside of a run folder';
}

/** The runs directly in a folder. */
async function runsIn(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true });
  const found: string[] = [];
  for (const { name } of entries) if (await isRun(join(folder, name))) found.push(join(folder, name));
  return found.sort();
}

/**
 * The folder of the run that a path means: the folder, its `weights/`, or any file in them.
 *
 * @throws FaceparseError (exit code 2) that says what the path is instead, and what to do with it
 *
 * @example await findRun('runs/a/weights/last.safetensors') // 'runs/a'
 */
export async function findRun(path: string): Promise<string> {
  const fail = (reason: string) => new FaceparseError(`no run to resume at ${path}: ${reason}`, { exitCode: 2 });
  if (!(await exists(path))) throw fail('no such file or folder');
  const run = await enclosingRun(path);
  if (run !== undefined) return run;
  if (await isFolder(path)) {
    const runs = await runsIn(path);
    if (runs.length === 0) throw fail('the folder has no config.yaml, so it is not a run folder');
    throw fail(`it contains the runs ${nameSome(runs)}; give one of them`);
  }
  const what = await describeFile(path);
  const start = what.startsWith('a weights file')
    ? `to start a new run from it: faceparse train CONFIG train.init=${path} --data DATA`
    : 'give the folder that `faceparse train` wrote, such as runs/NAME';
  throw fail(`it is ${what}; ${start}`);
}
