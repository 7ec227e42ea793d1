import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { isFile } from '../files/path-kind.ts';
import { readHead } from '../files/read-head.ts';
import { foreignModelError } from '../models/foreign-weights.ts';
import type { FaceparseError } from '../text/errors.ts';

/**
 * Refuses a model file of another format where a run, weights or a photo is expected. Any other path is accepted.
 *
 * @throws FaceparseError (exit code 2) that names the format and what to pass instead
 */
export async function refuseForeignModel(path: string): Promise<void> {
  const error = await foreignModelAt(path);
  if (error) throw error;
}

/** The error for the first model file of another format in a folder, if any. */
export async function foreignModelIn(folder: string): Promise<FaceparseError | undefined> {
  for (const name of (await readdir(folder).catch(() => [])).sort()) {
    const error = /\.(pth|pt|ckpt|onnx|h5|keras|tflite|pkl)$/i.test(name) && (await foreignModelAt(join(folder, name)));
    if (error) return error;
  }
  return undefined;
}

async function foreignModelAt(path: string): Promise<FaceparseError | undefined> {
  if (!(await isFile(path))) return undefined;
  // A file that cannot be read is reported by what reads it.
  const head = await readHead(path).catch(() => undefined);
  return head && foreignModelError(head, path);
}
