import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { cpus, platform, release, totalmem } from 'node:os';
import { resolve } from 'node:path';
import { z } from 'zod';
import type { Config } from '../../config/schema.ts';
import type { Dataset } from '../../data/dataset/dataset.ts';
import type { Fold, TrainingSet } from '../../data/dataset/folds.ts';
import type { Engine } from '../../engine/engine.ts';
import { findNative } from '../../engine/native/node.ts';
import { defaultThreads } from '../../engine/select-engine.ts';
import { writeFileAtomic } from '../../files/atomic-write.ts';
import { describeOrigin, type WeightsOrigin } from '../../models/weights-origin.ts';
import { installedPackage } from '../../packages/installed-package.ts';
import { readOwnPackage } from '../../packages/own-package.ts';
import { FaceparseError } from '../../text/errors.ts';

/** The conditions of training, which may change when a run is resumed. */
interface TrainingConditions {
  readonly faceparse: string;
  readonly cpu: string;
  readonly engine: { readonly name: string; readonly device: string; readonly threads: number };
  /** `30 epochs` or `10 minutes`; absent in runs of earlier versions. */
  readonly length?: string;
}

/** The pairs that a run held out of its training pairs. */
export interface HeldOutRecord extends Fold {
  readonly pairs: number;
  /** The hash of all stems of the folder, those of the used pairs and of the held-out ones. */
  readonly allStemsSha256: string;
}

/** The pairs of a split that a run uses. */
export interface DataRecord {
  readonly folder: string;
  /** Number of pairs that are used, and the hash of their stems. */
  readonly pairs: number;
  readonly stemsSha256: string;
  /** The fold that is held out (`data.folds`); absent if all pairs of the folder are used. */
  readonly heldOut?: HeldOutRecord;
  /** Masks whose left and right labels were exchanged, as a whole or for a single part; absent if they are not repaired. */
  readonly repaired?: { readonly whole: number; readonly part: number };
}

/** A key of the configuration that a resume changed. A value that is absent was not set. */
export interface SettingChange {
  readonly key: string;
  readonly from?: unknown;
  readonly to?: unknown;
}

/** What a resume changes besides the conditions. */
export interface ResumedWith {
  /** In the order of the configuration's keys. */
  readonly changes?: readonly SettingChange[];
  /** The training pairs from this step on, if they or their folder are others. */
  readonly trainingData?: DataRecord;
  /** The validation pairs from this step on, if they or their folder are others. */
  readonly validationData?: DataRecord;
}

/** A part of a run that was resumed under other conditions or with other settings. */
export interface ResumedPart extends TrainingConditions, ResumedWith {
  /** Number of steps before this part. */
  readonly step: number;
  readonly started: string;
}

/** The run that a run's initial weights (`train.init`) come from, as its folder described it. */
export interface InitialRun {
  readonly name: string;
  /** Steps behind the weights, and seconds of training up to the end of that run. */
  readonly step?: number;
  readonly seconds?: number;
  readonly initialWeights: string;
  /** All training pairs that it used. */
  readonly trainingData: readonly DataRecord[];
  /** Set if that run was itself started from weights of a run. */
  readonly initialRun?: InitialRun;
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
  readonly trainingData: DataRecord;
  /** Absent in runs of earlier versions. */
  readonly validationData?: DataRecord;
  /** The initial weights (`describeOrigin`); also recorded in the run's weights files. */
  readonly initialWeights: string;
  /** The same for programs; absent in runs of earlier versions, which started from random weights. */
  readonly origin?: WeightsOrigin;
  /** The run that the initial weights come from, if they come from a run. */
  readonly initialRun?: InitialRun;
  /** Later parts in the order of their steps, if any. */
  readonly resumes?: readonly ResumedPart[];
}

/** The SHA-256 of stems, sorted, one per line: by it, records tell whether they are of the same pairs. */
export function hashStems(items: Dataset['items']): string {
  return createHash('sha256')
    .update(
      items
        .map(({ stem }) => stem)
        .sort()
        .join('\n'),
    )
    .digest('hex');
}

/** The record of a split's pairs. */
export function describeData({ folder, items, heldOut }: TrainingSet, repaired?: DataRecord['repaired']): DataRecord {
  return {
    folder: resolve(folder),
    pairs: items.length,
    stemsSha256: hashStems(items),
    ...(heldOut && { heldOut: describeHeldOut(heldOut, items) }),
    ...(repaired && { repaired }),
  };
}

function describeHeldOut(
  { folds, fold, items }: NonNullable<TrainingSet['heldOut']>,
  used: Dataset['items'],
): HeldOutRecord {
  return { folds, fold, pairs: items.length, allStemsSha256: hashStems([...used, ...items]) };
}

/** All training pairs of a run, in the order in which it used them. */
export function allTrainingData({ trainingData, resumes = [] }: Pick<RunEnvironment, 'trainingData' | 'resumes'>) {
  return [trainingData, ...resumes.flatMap((part) => part.trainingData ?? [])];
}

/** The runs that a run's initial weights come from, the last one first. */
export function initialRuns({ initialRun }: Pick<RunEnvironment, 'initialRun'>): InitialRun[] {
  return initialRun ? [initialRun, ...initialRuns(initialRun)] : [];
}

/** Checks that a run used the same images in all its parts. @throws FaceparseError if their names differ */
export async function requireSameData(environmentFile: string, dataset: Dataset): Promise<void> {
  const stems = hashStems(dataset.items);
  const other = allTrainingData(await readEnvironment(environmentFile)).find(
    ({ stemsSha256 }) => stemsSha256 !== stems,
  );
  if (!other) return;
  throw new FaceparseError(
    `${dataset.folder} does not contain the ${other.pairs} images that the run was trained on (${other.folder}).`,
    { exitCode: 2 },
  );
}

const sha256 = z.string().regex(/^[0-9a-f]{64}$/, 'not a hexadecimal SHA-256');

const dataSchema = z.object({
  folder: z.string(),
  pairs: z.number().int().positive(),
  stemsSha256: sha256,
  heldOut: z
    .object({
      folds: z.number().int().min(2),
      fold: z.number().int().min(0),
      pairs: z.number().int().positive(),
      allStemsSha256: sha256,
    })
    .optional(),
});

const partSchema = z.object({
  step: z.number().int().min(0),
  changes: z.array(z.object({ key: z.string(), from: z.unknown().optional(), to: z.unknown().optional() })).optional(),
  trainingData: dataSchema.optional(),
  validationData: dataSchema.optional(),
});

const initialRunSchema: z.ZodType = z.object({
  name: z.string(),
  initialWeights: z.string(),
  trainingData: z.array(dataSchema).min(1),
  initialRun: z.lazy(() => initialRunSchema).optional(),
});

/** The fields that faceparse reads; the others are informative. */
const originSchema = z.object({
  parameters: z.number().int().positive(),
  trainingData: dataSchema,
  validationData: dataSchema.optional(),
  initialWeights: z.string(),
  initialRun: initialRunSchema.optional(),
  resumes: z.array(partSchema).optional(),
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

/** The settings that resumes of a run changed, each with its step; none if its environment.json records none. */
export async function readSettingChanges(file: string): Promise<(SettingChange & { readonly step: number })[]> {
  const environment: unknown = await readFile(file, 'utf8')
    .then((text) => JSON.parse(text))
    .catch(() => undefined);
  const found = z.object({ resumes: z.array(partSchema) }).safeParse(environment);
  const parts = found.success ? found.data.resumes : [];
  return parts.flatMap(({ step, changes = [] }) => changes.map((change) => ({ step, ...change })));
}

/** The record of a run that starts or resumes now. */
export function describeEnvironment(options: {
  config: Config;
  engine: Engine;
  trainingData: DataRecord;
  validationData: DataRecord;
  parameters: number;
  origin: WeightsOrigin;
  initialRun?: InitialRun;
}): RunEnvironment {
  const { config, engine, trainingData, validationData, parameters, origin, initialRun } = options;
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
    trainingData,
    validationData,
    initialWeights: describeOrigin(origin),
    origin,
    ...(initialRun && { initialRun }),
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

/** Records in environment.json that a run resumes at a step, if its conditions or anything else have changed. */
export async function recordResume(
  file: string,
  now: RunEnvironment,
  step: number,
  changed: ResumedWith = {},
): Promise<void> {
  const recorded = await readEnvironment(file);
  const { resumes = [] } = recorded;
  const before = partsBefore(recorded, step);
  const { faceparse, cpu, engine, length, started } = now;
  const isSame = haveSameConditions(before.at(-1) ?? recorded, now) && Object.keys(changed).length === 0;
  const after = isSame ? before : [...before, { step, started, faceparse, cpu, engine, length, ...changed }];
  if (JSON.stringify(after) === JSON.stringify(resumes)) return;
  await writeEnvironment(file, { ...recorded, resumes: after });
}

/** The resumed parts that stay if the run resumes at a step; those from this step on are repeated. */
export function partsBefore({ resumes = [] }: Pick<RunEnvironment, 'resumes'>, step: number): readonly ResumedPart[] {
  return resumes.filter((part) => part.step < step);
}
