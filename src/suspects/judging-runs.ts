import type { Config } from '../config/schema.ts';
import type { Dataset } from '../data/dataset/dataset.ts';
import { exists, isFolder } from '../files/path-kind.ts';
import { isSameLabelSet, labelSetName } from '../labels/label-table.ts';
import { resolveWeights } from '../node/face-parser.ts';
import { missingRun } from '../node/missing-run.ts';
import { FaceparseError } from '../text/errors.ts';
import { allTrainingData, type HeldOutRecord, readEnvironment } from '../training/record/environment.ts';
import { runFolder } from '../training/record/run-folder.ts';
import { storedConfig } from '../training/stored-config.ts';
import { findSeenPairs } from './seen-pairs.ts';

/** A run whose network never saw some pairs of a dataset. */
export interface JudgingRun {
  readonly folder: string;
  readonly config: Config;
  /** The weights file. */
  readonly file: string;
  /** Stems that it never saw. */
  readonly unseen: ReadonlySet<string>;
  /** The fold that it holds out, if it does. */
  readonly heldOut?: HeldOutRecord;
}

/** A run that judges no pair. */
export interface UnusedRun {
  readonly folder: string;
  readonly config: Config;
  readonly reason: string;
}

/** The runs of a check. */
export interface JudgingRuns {
  readonly judging: readonly JudgingRun[];
  readonly unused: readonly UnusedRun[];
}

async function requireRun(run: string): Promise<void> {
  if (!(await exists(run))) throw await missingRun(run);
  const fail = (reason: string) => new FaceparseError(`--runs ${run}: ${reason}`, { exitCode: 2 });
  if (!(await isFolder(run))) {
    throw fail(
      'it is a file; weights alone do not say which pairs they were trained on, so they cannot be proven unseen. Give the ' +
        'folder of a run, as faceparse train writes it',
    );
  }
  const { config, environment } = runFolder(run);
  for (const file of [config, environment]) {
    if (!(await exists(file))) throw fail(`it is not the folder of a run: ${file} is missing`);
  }
}

/**
 * Finds which pairs of a dataset each run never saw.
 *
 * @throws FaceparseError (exit code 2) if a path is not the folder of a trained run, or the runs have different label sets
 */
export async function readJudgingRuns(runs: readonly string[], dataset: Dataset): Promise<JudgingRuns> {
  const judging: JudgingRun[] = [];
  const unused: UnusedRun[] = [];
  for (const folder of new Set(runs)) {
    await requireRun(folder);
    const config = await storedConfig(folder);
    const environment = await readEnvironment(runFolder(folder).environment);
    const found = await findSeenPairs(environment, dataset);
    const unseen = new Set(
      'seen' in found ? dataset.items.flatMap(({ stem }) => (found.seen.has(stem) ? [] : [stem])) : [],
    );
    if (unseen.size === 0) {
      const reason = 'unknown' in found ? found.unknown : `it was trained on all pairs of ${dataset.folder}`;
      unused.push({ folder, config, reason });
      continue;
    }
    const { heldOut } = allTrainingData(environment).at(-1)!;
    judging.push({ folder, config, unseen, file: await resolveWeights(folder), ...(heldOut && { heldOut }) });
  }
  requireOneLabelSet(judging);
  return { judging, unused };
}

function requireOneLabelSet([first, ...others]: readonly JudgingRun[]): void {
  const other = others.find(({ config }) => !isSameLabelSet(config.data.labels, first!.config.data.labels));
  if (!other) return;
  const [a, b] = [first!, other].map(({ folder, config }) => `${folder} has ${labelSetName(config.data.labels)}`);
  throw new FaceparseError(`the runs have different label sets: ${a}, ${b}; check with the runs of one set at a time`, {
    exitCode: 2,
  });
}
