import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { cpus, platform, release, totalmem } from 'node:os';
import { resolve } from 'node:path';
import { z } from 'zod';
import type { Dataset } from '../data/dataset/dataset.ts';
import type { Engine } from '../engine/engine.ts';
import { findNative } from '../engine/native/node.ts';
import { installedPackage } from '../packages/installed-package.ts';
import { readOwnPackage } from '../packages/own-package.ts';
import { FaceparseError } from '../text/errors.ts';

/** What a run records of the place where it ran, and of where its data and first weights came from. */
export interface RunEnvironment {
  readonly faceparse: string;
  readonly node: string;
  readonly onnxruntime: string;
  /** Version of oneDNN, where the native engine is built. */
  readonly oneDnn?: string;
  readonly platform: string;
  readonly cpu: string;
  readonly cores: number;
  readonly memoryGiB: number;
  readonly engine: { readonly name: string; readonly device: string; readonly threads: number };
  readonly started: string;
  readonly parameters: number;
  readonly trainingData: { readonly folder: string; readonly pairs: number; readonly stemsSha256: string };
  /** Training from scratch is all there is: no pretrained weights, no other data. */
  readonly initialWeights: string;
}

/** Tells whether two datasets hold images of the same names. */
function hashStems(dataset: Dataset): string {
  return createHash('sha256')
    .update(dataset.items.map(({ stem }) => stem).join('\n'))
    .digest('hex');
}

/** Checks that a run goes on with the images that it began with. @throws FaceparseError where their names differ */
export async function requireSameData(environmentFile: string, dataset: Dataset): Promise<void> {
  const { trainingData } = await readEnvironment(environmentFile);
  if (trainingData.stemsSha256 === hashStems(dataset)) return;
  throw new FaceparseError(
    `${dataset.folder} does not hold the ${trainingData.pairs} images that the run began with (${trainingData.folder}).`,
    { exitCode: 2 },
  );
}

/** What is relied upon; the rest is for people. */
const originSchema = z.object({
  parameters: z.number().int().positive(),
  trainingData: z.object({
    folder: z.string(),
    pairs: z.number().int().positive(),
    stemsSha256: z.string().regex(/^[0-9a-f]{64}$/, 'no SHA-256 in hexadecimal digits'),
  }),
  initialWeights: z.string(),
});

/**
 * Reads the environment.json of a run.
 *
 * @param consequence how the error begins, as only the caller knows what cannot be done: `runs/x cannot be resumed`
 * @throws FaceparseError (exit code 2) where there is none, or where it does not say what the run was trained on
 */
export async function readEnvironment(file: string, consequence?: string): Promise<RunEnvironment> {
  const fail = (reason: string, cause: unknown) => {
    const what = `${file} does not tell where the run comes from (${reason})`;
    return new FaceparseError(`${consequence ? `${consequence}: ` : ''}${what}; restore the file, or train anew`, {
      exitCode: 2,
      cause,
    });
  };
  const environment = await readFile(file, 'utf8')
    .then((text) => JSON.parse(text) as RunEnvironment)
    .catch((cause: NodeJS.ErrnoException) => {
      throw fail(cause.code === 'ENOENT' ? 'there is no such file' : cause.message, cause);
    });
  const { error } = originSchema.safeParse(environment);
  const issue = error?.issues[0];
  if (issue) throw fail(`${issue.path.join('.') || 'its content'}: ${issue.message}`, error);
  return environment;
}

export function describeEnvironment(options: {
  engine: Engine;
  threads: number;
  dataset: Dataset;
  parameters: number;
  seed: number;
}): RunEnvironment {
  const { engine, threads, dataset, parameters, seed } = options;
  const native = findNative();
  return {
    faceparse: readOwnPackage().version,
    node: process.version,
    onnxruntime: installedPackage('onnxruntime-node')?.version ?? 'unknown',
    ...(native.available && { oneDnn: native.facts.oneDnn }),
    platform: `${platform()} ${release()}`,
    cpu: cpus()[0]?.model ?? 'unknown',
    cores: cpus().length,
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    engine: { name: engine.name, device: engine.device, threads },
    started: new Date().toISOString(),
    parameters,
    trainingData: {
      folder: resolve(dataset.folder),
      pairs: dataset.items.length,
      stemsSha256: hashStems(dataset),
    },
    initialWeights: `random, seed ${seed}`,
  };
}
