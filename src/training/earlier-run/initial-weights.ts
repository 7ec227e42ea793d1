import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { basename, dirname, extname } from 'node:path';
import type { Config } from '../../config/schema.ts';
import { type ByteFile, openByteFile } from '../../files/byte-file.ts';
import { hashFile } from '../../files/hash-file.ts';
import { exists, isFolder } from '../../files/path-kind.ts';
import { readStateDict, type StateDict } from '../../formats/state-dict/read-state-dict.ts';
import { isSameLabelSet, labelSetName } from '../../labels/label-table.ts';
import type { WeightsPart } from '../../models/foreign/fit.ts';
import { isForeign } from '../../models/foreign/import-weights.ts';
import { matchWeights } from '../../models/foreign/match-weights.ts';
import { inferenceGraph, type Model } from '../../models/model.ts';
import { settingNames } from '../../models/settings.ts';
import { checkWeightsFit, decodeWeights, type Weights } from '../../models/weights-file.ts';
import { modelOf } from '../../models/weights-graph.ts';
import { originChain, type WeightsOrigin } from '../../models/weights-origin.ts';
import { averageState, packAverage } from '../../optim/moving-average.ts';
import { countOf } from '../../text/counts.ts';
import { FaceparseError } from '../../text/errors.ts';
import { allTrainingData, type InitialRun, readEnvironment } from '../record/environment.ts';
import { readMetrics, runFolder } from '../record/run-folder.ts';
import type { TrainingStep } from '../step/training-step.ts';

/** The initial weights of a run that does not start from random ones. */
export interface InitialWeights {
  readonly file: string;
  /** Values by names of the network; the others start from random ones. */
  readonly states: ReadonlyMap<string, Float32Array>;
  readonly origin: Extract<WeightsOrigin, { kind: 'file' }>;
  /** The run that made the file; undefined if the file lies outside of a run folder. */
  readonly run?: InitialRun;
  /** Lines for the user: what was read, and what was left out and why. */
  readonly notices: readonly string[];
}

function fail(init: string, reason: string, cause?: unknown): never {
  throw new FaceparseError(`train.init=${init}: ${reason}`, { exitCode: 2, cause });
}

const wanted = 'a run folder, a weights file (.safetensors), or weights of PyTorch (.pth)';

/** The weights file that `train.init` means: a file, or the best weights of a run folder, or else its last. */
async function findFile(init: string): Promise<string> {
  if (!(await exists(init))) fail(init, `no such file or folder; give ${wanted}`);
  if (!(await isFolder(init))) {
    if (extname(init).toLowerCase() === '.onnx') {
      fail(init, `it is an ONNX network, which cannot be trained on here; give ${wanted}`);
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
  const { init, initPart: part } = config.train;
  if (init === undefined) return undefined;
  const file = await findFile(init);
  return atInit(init, async () => {
    const source = openByteFile(file);
    try {
      const foreign = foreignTensors(source, file);
      if (foreign) return fromTensors(foreign, model, { file, part, sha256: await hashFile(file) });
    } finally {
      source.close();
    }
    return fromOwnWeights(file, config, model);
  });
}

/** Puts the key and its value in front of an error. */
async function atInit<T>(init: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof FaceparseError)) throw error;
    const options = { exitCode: 2, cause: error, faults: error.faults } as const;
    const [message] = error.message.split('\n  ');
    throw new FaceparseError(`train.init=${init}: ${message}`, options);
  }
}

/** The tensors of weights that another program wrote; undefined for those of faceparse, which describe themselves. */
function foreignTensors(source: ByteFile, file: string): StateDict | undefined {
  try {
    const found = readStateDict(source, file);
    return isForeign(found) ? found : undefined;
  } catch (error) {
    // The reader of weights files says what is wrong with one.
    if (error instanceof FaceparseError && extname(file).toLowerCase() === '.safetensors') return undefined;
    throw error;
  }
}

function fromTensors(
  found: StateDict,
  model: Model,
  { file, part, sha256 }: { file: string; part: WeightsPart; sha256: string },
): InitialWeights {
  const { states, content, notices } = matchWeights(found, model, {
    name: file,
    part,
    headAdvice,
    caller: 'configuration',
  });
  const taken: WeightsPart = content === 'encoder' ? content : part;
  const origin = {
    kind: 'file',
    file: basename(file),
    sha256,
    ...(isForeign(found) && { elsewhere: true as const }),
    ...(taken !== 'all' && { part: taken }),
  } as const;
  return { file, states, origin, notices };
}

const headAdvice = 'leave it out with train.initPart=body, or train with a label set that has as many classes';

async function fromOwnWeights(file: string, config: Config, model: Model): Promise<InitialWeights> {
  const { initPart: part, size } = config.train;
  const bytes = await readFile(file);
  const weights = decodeWeights(bytes, file);
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  const folder = await runOf(file);
  const run = folder === undefined ? {} : { run: await describeRun(folder, weights) };
  const before = weights.origin && { before: weights.origin };
  if (part !== 'all') {
    const found = fromTensors(readStateDict(bytes, file), model, { file, part, sha256 });
    return { ...found, ...run, origin: { ...found.origin, ...before } };
  }
  requireSameNetwork(weights, config, model, file);
  checkWeightsFit(weights, inferenceGraph(model, { batch: 1, height: size, width: size }), file);
  const origin = { kind: 'file', file: basename(file), sha256, ...before } as const;
  return { file, states: weights.states, origin, notices: [], ...run };
}

/** Checks that weights are of the network and the label set of a configuration. @throws FaceparseError that says what to change */
function requireSameNetwork(weights: Weights, config: Config, model: Model, file: string): void {
  const fail = (what: string, choices: string) => {
    throw new FaceparseError(`${file} holds weights ${what}; ${choices}`, { exitCode: 2 });
  };
  if (weights.model !== model.name) {
    const choices = `train with model.name=${weights.model}, or give weights of ${model.name}`;
    fail(`of the network ${weights.model}, but model.name is ${model.name}`, choices);
  }
  const own = modelOf(weights).settings;
  for (const setting of settingNames) {
    // Dropout and stochastic depth have no parameters.
    if (own[setting] === model.settings[setting] || setting === 'dropout' || setting === 'stochasticDepth') continue;
    fail(
      `of ${weights.model} with ${setting} ${own[setting]}, but model.${setting} is ${model.settings[setting]}`,
      `train with model.${setting}=${own[setting]}, or give weights of a network with ${setting} ${model.settings[setting]}`,
    );
  }
  if (isSameLabelSet(weights.labels, config.data.labels)) return;
  const [given, wanted] = [weights.labels, config.data.labels].map(labelSetName);
  const leaveOut = 'leave the head out with train.initPart=body';
  if (given === wanted) {
    fail(
      `for another table named ${given} than data.labels`,
      `train with the table of the run that made them, ${leaveOut}, or give other weights`,
    );
  }
  const change =
    typeof weights.labels === 'string' ? `data.labels=${given}` : `the table ${given} of the run that made them`;
  fail(
    `for the label set ${given}, but data.labels is ${wanted}`,
    `train with ${change}, ${leaveOut}, or give weights for ${wanted}`,
  );
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

function describeInitialWeights({ file, run, origin }: InitialWeights): string {
  const part =
    origin.part === undefined ? '' : { encoder: 'the encoder of ', body: 'all but the head of ' }[origin.part];
  const start = `the run starts from ${part}the weights of ${file}`;
  if (originChain(origin).some((link) => link.kind === 'file' && link.elsewhere)) {
    return `${start}, which were trained elsewhere: the challenge forbids them`;
  }
  if (!run)
    return `${start}, which is in no run folder: how they were trained is unknown, so the challenge forbids them`;
  const { name, step, initialWeights, trainingData } = run;
  const steps = step === undefined ? '' : `, after ${countOf(step, 'step')}`;
  const pairs = trainingData.map((data) => countOf(data.pairs, 'pair')).join(', then ');
  return `${start} (run ${name}${steps} on ${pairs}, from ${initialWeights})`;
}

/**
 * The states of a training program that starts from given weights: the network's, and the moving average of them. The
 * optimiser, auxiliary heads and whatever the weights lack start as in any new run.
 */
export function startingStates({ states }: InitialWeights, step: TrainingStep): Map<string, Float32Array> {
  const initial = new Map(states);
  if (step.states.has(averageState)) initial.set(averageState, packAverage(step.networkStates, states));
  return initial;
}
