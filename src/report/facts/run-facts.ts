import { readFile, stat } from 'node:fs/promises';
import { basename, dirname } from 'node:path';
import { z } from 'zod';
import type { Config } from '../../config/schema.ts';
import { openDataset } from '../../data/dataset/dataset.ts';
import { holdOut, type TrainingSet } from '../../data/dataset/folds.ts';
import { exists } from '../../files/path-kind.ts';
import type { Preprocessing } from '../../image/preprocessing.ts';
import { modelTitle } from '../../models/settings.ts';
import { weightsGraph } from '../../models/weights-graph.ts';
import { loadWeights } from '../../node/face-parser.ts';
import { studyTitleOf } from '../../study/study-titles.ts';
import { FaceparseError } from '../../text/errors.ts';
import { requireSameData } from '../../training/record/environment.ts';
import { type MetricsLine, readMetrics, runFolder } from '../../training/record/run-folder.ts';
import { storedConfig } from '../../training/stored-config.ts';
import { type NetworkParts, networkParts } from './network-parts.ts';

const engineSchema = z.object({ name: z.string(), device: z.string(), threads: z.number().int().positive() });

/** Pairs of a split that a run used. */
const dataSchema = z.object({
  folder: z.string(),
  pairs: z.number().int().positive(),
  stemsSha256: z.string().optional().catch(undefined),
  heldOut: z
    .object({ folds: z.number().int(), fold: z.number().int(), pairs: z.number().int().positive() })
    .optional()
    .catch(undefined),
  repaired: z
    .object({ whole: z.number().int().min(0), part: z.number().int().min(0) })
    .optional()
    .catch(undefined),
});

/** The run that initial weights come from. */
const initialRunSchema = z.object({
  name: z.string(),
  step: z.number().int().min(0).optional(),
  initialWeights: z.string(),
  trainingData: z.array(dataSchema).min(1),
  get initialRun() {
    return initialRunSchema.optional();
  },
});

/** A part of a run that was resumed under different conditions. */
const resumedPartSchema = z.object({
  step: z.number().int().min(0),
  cpu: z.string().catch(''),
  engine: engineSchema,
  length: z.string().optional().catch(undefined),
  changes: z
    .array(z.object({ key: z.string(), from: z.unknown().optional(), to: z.unknown().optional() }))
    .optional()
    .catch(undefined),
  trainingData: dataSchema.optional().catch(undefined),
  validationData: dataSchema.optional().catch(undefined),
});

/** The fields of environment.json that a report uses; any of them may be missing. */
const environmentSchema = z.object({
  faceparse: z.string().catch(''),
  cpu: z.string().catch(''),
  cores: z.number().int().positive().optional().catch(undefined),
  memoryGiB: z.number().positive().optional().catch(undefined),
  engine: engineSchema.optional().catch(undefined),
  length: z.string().optional().catch(undefined),
  resumes: z.array(resumedPartSchema).optional().catch(undefined),
  parameters: z.number().int().positive().optional().catch(undefined),
  trainingData: dataSchema.optional().catch(undefined),
  validationData: dataSchema.optional().catch(undefined),
  initialRun: initialRunSchema.optional().catch(undefined),
  initialWeights: z.string().optional().catch(undefined),
});

export type EnvironmentFacts = z.output<typeof environmentSchema>;

type TrainingData = z.output<typeof dataSchema>;

/** The contents of a run folder; nothing is computed. */
export interface RunFacts {
  readonly folder: string;
  readonly name: string;
  readonly config: Config;
  readonly environment: EnvironmentFacts;
  readonly metrics: readonly MetricsLine[];
  /** Title of the variant in its study; absent outside a study. */
  readonly studyTitle?: string;
}

/** The trained network of a run. */
export interface NetworkFacts {
  /** The weights file. */
  readonly file: string;
  readonly model: string;
  readonly preprocessing: Preprocessing;
  /** `best` for the validation with the highest F; a run without a validation has only the last saved weights. */
  readonly weightsAre: 'best' | 'last';
  /** Step at which these weights were saved, if the file records it. */
  readonly step?: number;
  readonly network: NetworkParts;
  /** Side of the logits. */
  readonly logitsSide: number;
  /** Whether two input channels contain the coordinates of each pixel. */
  readonly coordinates: boolean;
  readonly batchNormalization: boolean;
}

const largestFile = 64 * 2 ** 20;

async function requireModest(path: string): Promise<void> {
  const { size } = await stat(path);
  if (size <= largestFile) return;
  throw new FaceparseError(
    `${path} is ${size} bytes, too large for a file of a run; check that this is a faceparse run`,
  );
}

/**
 * Reads configuration, environment and metrics of a run.
 *
 * @throws FaceparseError (exit code 2) if the folder is not a run
 */
export async function readRunFacts(folder: string): Promise<RunFacts> {
  const run = runFolder(folder);
  for (const file of [run.config, run.environment]) {
    if (!(await exists(file))) {
      throw new FaceparseError(`${folder} is not a run folder: it has no ${basename(file)}`, {
        exitCode: 2,
      });
    }
    await requireModest(file);
  }
  const studyTitle = await studyTitleOf(folder);
  return {
    folder,
    name: run.name,
    config: await storedConfig(folder),
    environment: await readEnvironmentFacts(run.environment),
    metrics: await readLines(run.metrics),
    ...(studyTitle !== undefined && { studyTitle }),
  };
}

/** A run that has just begun has no metrics yet. */
async function readLines(file: string): Promise<MetricsLine[]> {
  if (!(await exists(file))) return [];
  await requireModest(file);
  return readMetrics(file);
}

async function readEnvironmentFacts(file: string): Promise<EnvironmentFacts> {
  try {
    return environmentSchema.parse(JSON.parse(await readFile(file, 'utf8')));
  } catch (cause) {
    throw new FaceparseError(`${file} is not a valid environment file; train the run again`, { cause });
  }
}

/** Reads the best weights of a run, or else the last, and finds the parts of its network. */
export async function readNetworkFacts(folder: string): Promise<NetworkFacts> {
  const { file, weights } = await loadWeights(folder);
  const graph = weightsGraph(weights, file);
  const step = Number(weights.notes?.step);
  return {
    file,
    weightsAre: basename(file) === basename(runFolder(folder).bestWeights) ? 'best' : 'last',
    model: modelTitle(weights.model, weights.settings),
    preprocessing: weights.preprocessing,
    ...(Number.isInteger(step) && { step }),
    network: networkParts(graph),
    logitsSide: graph.outputs.get('logits')!.shape[2],
    coordinates: graph.nodes.some(({ module }) => module?.kind === 'Coordinates'),
    batchNormalization: graph.nodes.some(({ op }) => op.startsWith('batchNorm')),
  };
}

/** The training pairs of a run in the order in which it used them. */
export function trainingDataOf({ trainingData, resumes = [] }: EnvironmentFacts): TrainingData[] {
  return [trainingData, ...resumes.map((part) => part.trainingData)].filter((data) => data !== undefined);
}

/** The folder with train/ and val/ that a run was trained on last, according to its environment. */
export function dataOfRun({ environment }: RunFacts): string | undefined {
  const data = trainingDataOf(environment).at(-1);
  return data && dirname(data.folder);
}

/** The pairs of a folder that a run was trained on, compared by name; undefined if the run was trained on other pairs. */
export async function findTrainingSet(folder: string, run: RunFacts): Promise<TrainingSet | undefined> {
  const dataset = await openDataset(folder);
  try {
    const trainingSet = holdOut(dataset, run.config.data);
    await requireSameData(runFolder(run.folder).environment, trainingSet);
    return trainingSet;
  } catch (error) {
    if (error instanceof FaceparseError) return undefined;
    throw error;
  }
}
