import { stat } from 'node:fs/promises';
import { unfinishedNote } from '../comparison/runs/unfinished-run.ts';
import { readHead } from '../files/read-head.ts';
import { countParameters } from '../graph/cost.ts';
import { labelSetName } from '../labels/label-table.ts';
import { trainingGraph } from '../models/describe-architecture.ts';
import { foreignModelError, isOwnExport } from '../models/foreign-weights.ts';
import type { Weights } from '../models/weights-file.ts';
import { modelOf, weightsGraph } from '../models/weights-graph.ts';
import { loadWeights } from '../node/face-parser.ts';
import type { Averaging } from '../parser/grid/averaging.ts';
import { FaceparseError } from '../text/errors.ts';
import { type RunEnvironment, readEnvironment } from '../training/record/environment.ts';
import { runFolder } from '../training/record/run-folder.ts';
import { openQuestions, refusals } from './provenance.ts';

/** A run that may be submitted. */
export interface Entry {
  /** Folder of the run. */
  readonly run: string;
  /** The weights file. */
  readonly file: string;
  readonly weights: Weights;
  readonly environment: RunEnvironment;
  /** Trainable parameters of the submitted network, without the auxiliary heads used in training. */
  readonly parameters: number;
  /** The views to average over; undefined without averaging. */
  readonly averaging?: Averaging;
  /** That the run is unfinished, and questions that its records leave open. */
  readonly notes: readonly string[];
}

/**
 * Reads a run for submission and checks it against the rules of the challenge.
 *
 * @throws FaceparseError that lists every broken rule, or (exit code 2) if there is no run
 */
export async function readEntry(run: string, averaging?: Averaging): Promise<Entry> {
  const found = await stat(run).catch(() => undefined);
  if (found?.isFile()) throw await fileError(run);
  const refused = `${run} cannot be submitted`;
  const { file, weights } = await loadWeights(run);
  const parameters = countParameters(weightsGraph(weights, file));
  const parametersWithHeads = countWithHeads(weights);
  const environment = await readEnvironment(runFolder(run).environment, refused);
  const { origin } = weights;
  const labels = labelSetName(weights.labels);
  const reasons = refusals({ environment, parameters, parametersWithHeads, labels, ...(origin && { origin }) });
  if (reasons.length > 0) throw new FaceparseError(`${refused}: ${reasons.join('; ')}.`);
  const unfinished = await unfinishedNote(run);
  const notes = [...(unfinished === undefined ? [] : [unfinished]), ...openQuestions(environment)];
  return { run, file, weights, environment, parameters, notes, ...(averaging && { averaging }) };
}

/** The error for a file in place of a run folder. Only the folder records how the weights came about. */
async function fileError(path: string): Promise<FaceparseError> {
  const takes = `${path} is a file, but submit takes the folder of a run, which records what its weights were trained on`;
  const head = await readHead(path);
  if (isOwnExport(head)) return usage(`${takes}. Pass the run from which faceparse exported the file.`);
  const forbidden = 'The challenge forbids weights that were trained elsewhere, also after `faceparse import`';
  if (foreignModelError(head, path) === undefined) return usage(`${takes}. Pass the run folder. ${forbidden}.`);
  const train = 'Train a network with `faceparse train flagship --data DATA`, and pass the folder of that run';
  return usage(`${takes}. ${forbidden}. ${train}.`);
}

function usage(message: string): FaceparseError {
  return new FaceparseError(message, { exitCode: 2 });
}

/** Trainable parameters of the network, including auxiliary heads if the architecture supports them. */
function countWithHeads(weights: Weights): number {
  const { size } = weights.preprocessing;
  return countParameters(trainingGraph(modelOf(weights), size));
}
