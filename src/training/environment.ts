import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { cpus, platform, release, totalmem } from 'node:os';
import { resolve } from 'node:path';
import { z } from 'zod';
import type { Config } from '../config/schema.ts';
import type { Dataset } from '../data/dataset/dataset.ts';
import type { Engine } from '../engine/engine.ts';
import { findNative } from '../engine/native/node.ts';
import { defaultThreads } from '../engine/select-engine.ts';
import { writeFileAtomic } from '../files/atomic-write.ts';
import { describeOrigin, type WeightsOrigin } from '../models/weights-origin.ts';
import { installedPackage } from '../packages/installed-package.ts';
import { readOwnPackage } from '../packages/own-package.ts';
import { FaceparseError } from '../text/errors.ts';

/** The conditions of training, which may change when a run is resumed. */
interface TrainingConditions {
  readonly faceparse: string;
  readonly cpu: string;
  readonly engine: { readonly name: string; readonly device: string; readonly threads: number };
  /** `30 epochs` or `10 minutes`; absent in runs of earlier versions. */
  readonly length?: string;
}

/** A part of a run that was resumed under other conditions. */
export interface ResumedPart extends TrainingConditions {
  /** Number of steps before this part. */
  readonly step: number;
  readonly started: string;
}

/** A run's record of its machine, its data and the origin of its weights. */
export interface RunEnvironment extends TrainingConditions {
  readonly node: string;
  readonly onnxruntime: string;
  /** Version of oneDNN, if the native engine is built. */
  readonly oneDnn?: string;
  readonly platform: string;
  readonly cores: number;
  readonly memoryGiB: number;
  readonly started: string;
  readonly parameters: number;
  readonly trainingData: { readonly folder: string; readonly pairs: number; readonly stemsSha256: string };
  /** The initial weights (`describeOrigin`); also recorded in the run's weights files. */
  readonly initialWeights: string;
  /** Later parts in the order of their steps, if any. */
  readonly resumes?: readonly ResumedPart[];
}

/** Whether two datasets contain images of the same names. */
function hashStems(dataset: Dataset): string {
  return createHash('sha256')
    .update(dataset.items.map(({ stem }) => stem).join('\n'))
    .digest('hex');
}

/** Checks that a resumed run uses the same images. @throws FaceparseError if their names differ */
export async function requireSameData(environmentFile: string, dataset: Dataset): Promise<void> {
  const { trainingData } = await readEnvironment(environmentFile);
  if (trainingData.stemsSha256 === hashStems(dataset)) return;
  throw new FaceparseError(
    `${dataset.folder} does not contain the ${trainingData.pairs} images that the run started with (${trainingData.folder}).`,
    { exitCode: 2 },
  );
}

/** The fields that faceparse reads; the others are informative. */
const originSchema = z.object({
  parameters: z.number().int().positive(),
  trainingData: z.object({
    folder: z.string(),
    pairs: z.number().int().positive(),
    stemsSha256: z.string().regex(/^[0-9a-f]{64}$/, 'not a hexadecimal SHA-256'),
  }),
  initialWeights: z.string(),
});

/**
 * Reads the environment.json of a run.
 *
 * @param consequence beginning of the error, such as `runs/x cannot be resumed`
 * @throws FaceparseError (exit code 2) if it is missing, or does not record the training data
 */
export async function readEnvironment(file: string, consequence?: string): Promise<RunEnvironment> {
  const fail = (reason: string, cause: unknown) => {
    const what = `${file} does not record the origin of the run (${reason})`;
    return new FaceparseError(`${consequence ? `${consequence}: ` : ''}${what}; restore the file, or train again`, {
      exitCode: 2,
      cause,
    });
  };
  const environment = await readFile(file, 'utf8')
    .then((text) => JSON.parse(text) as RunEnvironment)
    .catch((cause: NodeJS.ErrnoException) => {
      throw fail(cause.code === 'ENOENT' ? 'no such file' : cause.message, cause);
    });
  const { error } = originSchema.safeParse(environment);
  const issue = error?.issues[0];
  if (issue) throw fail(`${issue.path.join('.') || 'its content'}: ${issue.message}`, error);
  return environment;
}

/** The record of a run that starts or resumes now. */
export function describeEnvironment(options: {
  config: Config;
  engine: Engine;
  dataset: Dataset;
  parameters: number;
  origin: WeightsOrigin;
}): RunEnvironment {
  const { config, engine, dataset, parameters, origin } = options;
  const { minutes, epochs } = config.train;
  const threads = config.engine.threads ?? defaultThreads();
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
    length: minutes ? `${minutes} minutes` : `${epochs} epochs`,
    started: new Date().toISOString(),
    parameters,
    trainingData: {
      folder: resolve(dataset.folder),
      pairs: dataset.items.length,
      stemsSha256: hashStems(dataset),
    },
    initialWeights: describeOrigin(origin),
  };
}

/** Writes the environment.json of a run. */
export async function writeEnvironment(file: string, environment: RunEnvironment): Promise<void> {
  await writeFileAtomic(file, `${JSON.stringify(environment, null, 2)}\n`);
}

function haveSameConditions(a: TrainingConditions, b: TrainingConditions): boolean {
  const conditions = ({ faceparse, cpu, engine }: TrainingConditions) => JSON.stringify([faceparse, cpu, engine]);
  return conditions(a) === conditions(b) && (a.length ?? b.length) === b.length;
}

/** Records in environment.json that a run resumes at a step, if its conditions have changed. */
export async function recordResume(file: string, now: RunEnvironment, step: number): Promise<void> {
  const recorded = await readEnvironment(file);
  const { resumes = [] } = recorded;
  // Parts from this step on are repeated.
  const before = resumes.filter((part) => part.step < step);
  const { faceparse, cpu, engine, length, started } = now;
  const isSame = haveSameConditions(before.at(-1) ?? recorded, now);
  const after = isSame ? before : [...before, { step, started, faceparse, cpu, engine, length }];
  if (JSON.stringify(after) === JSON.stringify(resumes)) return;
  await writeEnvironment(file, { ...recorded, resumes: after });
}
