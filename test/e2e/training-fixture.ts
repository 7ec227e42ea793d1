import { existsSync } from 'node:fs';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect } from 'vitest';
import { decodeSafetensors } from '../../src/formats/safetensors.ts';
import { writeSyntheticDataset } from '../../src/synthetic/dataset.ts';
import { type CliResult, type RunOptions, runCli } from './run-cli.ts';

/** A training that takes about two seconds: 24 images of 64², 6 steps an epoch, one thread, so that it can be repeated exactly. */
export const smallTraining = [
  '--threads',
  '1',
  'model.name=mobile-unet',
  'train.size=64',
  'data.cacheSize=64',
  'train.batchSize=4',
  'validation.limit=4',
];

/** A folder for all tests of a file. */
export async function fileFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'faceparse-'));
  afterAll(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

/** Synthetic faces of 64², in train/ and val/ of a new folder in `parent`. */
export async function writeFaces(parent: string, counts = { train: 24, val: 8 }): Promise<string> {
  const folder = join(parent, 'data');
  for (const [split, count] of Object.entries(counts)) {
    await writeSyntheticDataset({ folder, count, size: 64, seed: 3, split });
  }
  return folder;
}

/** Runs `faceparse train`, which must succeed. */
export async function train(words: readonly string[], options: RunOptions = {}): Promise<CliResult> {
  const result = await runCli(['train', ...words], options);
  expect(result.code, result.stderr).toBe(0);
  return result;
}

/** Options of a run that gets a signal after its first step, when it writes batch.png. */
export function signalAfterFirstStep(run: string, signal: NodeJS.Signals): RunOptions {
  return {
    onStart: (child) => {
      const timer = setInterval(() => {
        if (!existsSync(join(run, 'batch.png'))) return;
        clearInterval(timer);
        child.kill(signal);
      }, 10);
      child.on('close', () => clearInterval(timer));
    },
  };
}

/** All files below a folder, with `/` between the names. */
export async function listFiles(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) =>
      join(entry.parentPath, entry.name)
        .slice(folder.length + 1)
        .replaceAll('\\', '/'),
    )
    .sort();
}

/** The contents of a checkpoint or weights file. */
export async function readTensors(path: string) {
  return decodeSafetensors(await readFile(path));
}

/** The rows of metrics.csv, by column; an empty field is undefined. */
export async function readCsv(path: string): Promise<Record<string, number | undefined>[]> {
  const [header, ...rows] = (await readFile(path, 'utf8')).trimEnd().split('\n');
  const names = header.split(',');
  return rows.map((row) =>
    Object.fromEntries(row.split(',').map((text, i) => [names[i], text === '' ? undefined : Number(text)])),
  );
}
