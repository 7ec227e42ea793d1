import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'vitest';
import { encodeWeights } from '../../src/models/weights-file.ts';
import { randomWeights } from '../random-weights.ts';
import { askCli } from './run-cli.ts';

/** Writes untrained weights into a folder and gives their path. */
export async function writeRandomWeights(folder: string, size: number): Promise<string> {
  const path = join(folder, 'random.safetensors');
  const { weights, graph } = randomWeights({ size });
  await writeFile(path, encodeWeights(weights, graph));
  return path;
}

/** Runs a command that must end with exit code 0, and gives what it printed. */
export async function succeed(words: readonly string[], cwd?: string): Promise<string> {
  const { code, stdout, stderr } = await askCli(words, cwd === undefined ? {} : { cwd });
  expect({ code, stderr: code === 0 ? '' : stderr }).toEqual({ code: 0, stderr: '' });
  return stdout;
}
