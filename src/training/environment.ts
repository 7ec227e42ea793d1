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

/** How a run is trained, which may change when it is resumed. */
interface TrainingConditions {
  readonly faceparse: string;
  readonly cpu: string;
  readonly engine: { readonly name: string; readonly device: string; readonly threads: number };
  /** `30 epochs` or `10 minutes`; runs of earlier versions do not say it. */
  readonly length?: string;
}

/** The part of a run that begins where it was resumed under other conditions. */
export interface ResumedPart extends TrainingConditions {
  /** The steps before it were trained under the conditions before. */
  readonly step: number;
  readonly started: string;
}

/** What a run records of the place where it ran, and of where its data and first weights came from. */
export interface RunEnvironment extends TrainingConditions {
  readonly node: string;
  readonly onnxruntime: string;
  /** Version of oneDNN, where the native engine is built. */
  readonly oneDnn?: string;
  readonly platform: string;
  readonly cores: number;
  readonly memoryGiB: number;
  readonly started: string;
  readonly parameters: number;
  readonly trainingData: { readonly folder: string; readonly pairs: number; readonly stemsSha256: string };
  /** What the weights were before their training (`describeOrigin`); the weights files of the run say it too. */
  readonly initialWeights: string;
  /** In the order of their steps, where there are any. */
  readonly resumes?: readonly ResumedPart[];
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

/** What is recorded of a run that begins, or goes on, here and now. */
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

/** Records in the environment.json of a run that it goes on from a step, where it does so under other conditions than before. */
export async function recordResume(file: string, now: RunEnvironment, step: number): Promise<void> {
  const recorded = await readEnvironment(file);
  const { resumes = [] } = recorded;
  // Parts that were begun at this step or after it are done again from here.
  const before = resumes.filter((part) => part.step < step);
  const { faceparse, cpu, engine, length, started } = now;
  const isSame = haveSameConditions(before.at(-1) ?? recorded, now);
  const after = isSame ? before : [...before, { step, started, faceparse, cpu, engine, length }];
  if (JSON.stringify(after) === JSON.stringify(resumes)) return;
  await writeEnvironment(file, { ...recorded, resumes: after });
}
