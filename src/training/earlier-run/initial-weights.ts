import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { basename, dirname, extname } from 'node:path';
import type { Config } from '../../config/schema.ts';
import { exists, isFolder } from '../../files/path-kind.ts';

import { inferenceGraph, type Model } from '../../models/model.ts';
import { settingNames } from '../../models/settings.ts';
import { checkWeightsFit, decodeWeights, type Weights } from '../../models/weights-file.ts';
import { modelOf } from '../../models/weights-graph.ts';
import type { WeightsOrigin } from '../../models/weights-origin.ts';
import { averageState, packAverage } from '../../optim/moving-average.ts';
import { countOf } from '../../text/counts.ts';
import { FaceparseError } from '../../text/errors.ts';
import { allTrainingData, type InitialRun, readEnvironment } from '../record/environment.ts';
import { readMetrics, runFolder } from '../record/run-folder.ts';
import type { TrainingStep } from '../step/training-step.ts';

/** The initial weights of a run that does not start from random ones. */
export interface InitialWeights {
  readonly file: string;
  readonly weights: Weights;
  readonly origin: WeightsOrigin;
  /** The run that made the file; undefined if the file lies outside of a run folder. */
  readonly run?: InitialRun;
}

function fail(init: string, reason: string, cause?: unknown): never {
  throw new FaceparseError(`train.init=${init}: ${reason}`, { exitCode: 2, cause });
}

/** The weights file that `train.init` means: a file, or the best weights of a run folder, or else its last. */
async function findFile(init: string): Promise<string> {
  if (!(await exists(init))) fail(init, 'no such file or folder; give a run folder or a weights file (.safetensors)');
  if (!(await isFolder(init))) {
    const ending = extname(init).toLowerCase();
    if (['.pth', '.pt', '.ckpt', '.bin', '.onnx'].includes(ending)) {
      const what = ending === '.onnx' ? 'an ONNX network' : 'a PyTorch checkpoint';
      fail(init, `it is ${what}, which cannot be trained on here; give a run folder or a weights file (.safetensors)`);
    }
    return init;
  }
  const { bestWeights, lastWeights } = runFolder(init);
  for (const file of [bestWeights, lastWeights]) if (await exists(file)) return file;
  return fail(init, 'the folder contains no weights (weights/best.safetensors); give the folder of a trained run');
}

/** The folder of the run that contains a weights file, if any. */
async function runOf(file: string): Promise<string | undefined> {
  const weights = dirname(file);
  const folder = dirname(weights);
  const isInRun = basename(weights) === 'weights' && (await exists(runFolder(folder).environment));
  return isInRun ? folder : undefined;
}

/** What the folder of a run says of its weights. */
async function describeRun(folder: string, { notes = {} }: Weights): Promise<InitialRun> {
  const run = runFolder(folder);
  const environment = await readEnvironment(run.environment, `the origin of train.init=${folder} is unknown`);
  const step = Number(notes.step);
  const lines = (await exists(run.metrics)) ? await readMetrics(run.metrics) : [];
  const seconds = lines.at(-1)?.seconds;
  const { initialWeights, initialRun } = environment;
  return {
    name: notes.run ?? basename(folder),
    ...(Number.isInteger(step) && { step }),
    ...(seconds !== undefined && { seconds }),
    initialWeights,
    trainingData: allTrainingData(environment),
    ...(initialRun && { initialRun }),
  };
}

/**
 * Reads the weights that `train.init` names, and what is recorded about their origin.
 *
 * @returns undefined if the configuration has no `train.init`
 * @throws FaceparseError (exit code 2) if they are not found, or belong to another network or label set
 */
export async function loadInitialWeights(config: Config, model: Model): Promise<InitialWeights | undefined> {
  const { init, size } = config.train;
  if (init === undefined) return undefined;
  const file = await findFile(init);
  const bytes = await readFile(file);
  let weights: Weights;
  try {
    weights = decodeWeights(bytes, file);
  } catch (error) {
    if (error instanceof FaceparseError) fail(init, error.message, error);
    throw error;
  }
  if (weights.model !== model.name) {
    const choices = `train with model.name=${weights.model}, or give weights of ${model.name}`;
    fail(init, `${file} holds weights of the network ${weights.model}, but model.name is ${model.name}; ${choices}`);
  }
  const own = modelOf(weights).settings;
  for (const setting of settingNames) {
    // Dropout and stochastic depth have no parameters.
    if (own[setting] === model.settings[setting] || setting === 'dropout' || setting === 'stochasticDepth') continue;
    const choices = `train with model.${setting}=${own[setting]}, or give weights of a network with ${setting} ${model.settings[setting]}`;
    fail(
      init,
      `${file} holds weights of ${weights.model} with ${setting} ${own[setting]}, but model.${setting} is ${model.settings[setting]}; ${choices}`,
    );
  }
  if (weights.labels !== config.data.labels) {
    const choices = `train with data.labels=${weights.labels}, or give weights for ${config.data.labels}`;
    fail(
      init,
      `${file} holds weights for the label set ${weights.labels}, but data.labels is ${config.data.labels}; ${choices}`,
    );
  }
  checkWeightsFit(weights, inferenceGraph(model, { batch: 1, height: size, width: size }), file);
  const folder = await runOf(file);
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  return {
    file,
    weights,
    origin: { kind: 'file', file: basename(file), sha256, ...(weights.origin && { before: weights.origin }) },
    ...(folder !== undefined && { run: await describeRun(folder, weights) }),
  };
}

/** A line about the start of a new run, for the console; undefined if there is nothing to say. */
export function describeStart(initial: InitialWeights | undefined, { train }: Config): string | undefined {
  if (initial) return describeInitialWeights(initial);
  const { encoder, batchNorm } = train.freeze;
  const because = 'because train.init is not set';
  if (encoder) return `train.freeze.encoder=true: the encoder stays at its random initial weights, ${because}`;
  if (batchNorm === 'none') return undefined;
  return `train.freeze.batchNorm=${batchNorm}: batch normalisation stays at mean 0 and variance 1, ${because}`;
}

function describeInitialWeights({ file, run }: InitialWeights): string {
  const start = `the run starts from the weights of ${file}`;
  if (!run)
    return `${start}, which is in no run folder: how they were trained is unknown, so the challenge forbids them`;
  const { name, step, initialWeights, trainingData } = run;
  const steps = step === undefined ? '' : `, after ${countOf(step, 'step')}`;
  const pairs = trainingData.map((data) => countOf(data.pairs, 'pair')).join(', then ');
  return `${start} (run ${name}${steps} on ${pairs}, from ${initialWeights})`;
}

/**
 * The states of a training program that starts from given weights: the network's, and the moving average of them. The
 * optimiser and auxiliary heads, which weights files do not hold, start as in any new run.
 */
export function startingStates({ states }: Weights, step: TrainingStep): Map<string, Float32Array> {
  const initial = new Map(states);
  if (step.states.has(averageState)) initial.set(averageState, packAverage(step.networkStates, states));
  return initial;
}
