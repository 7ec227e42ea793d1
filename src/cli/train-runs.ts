import type { RunResult } from '../comparison/runs/run-result.ts';
import type { RunsTraining } from '../comparison/runs/train-runs.ts';
import type { EngineChoice } from '../engine/select-engine.ts';
import { formatCount } from '../text/counts.ts';
import { FaceparseError } from '../text/errors.ts';
import { withInterrupt } from './command.ts';
import { formatDuration } from './format.ts';
import { formatScore } from './score-table.ts';
import { TrainingDisplay } from './training-display.ts';

/** How runs are trained. */
export interface PendingTraining {
  /** Folder of the runs. */
  readonly out: string;
  /** Folder with train/ and val/, if it was given. */
  readonly data?: string | undefined;
  readonly engine: EngineChoice;
  /** Whether stdout is for machines. */
  readonly json: boolean;
}

/**
 * Trains the runs that are not finished, with their progress on stderr.
 *
 * @throws FaceparseError (exit code 2) if no data was given
 */
export async function trainPending(
  results: readonly RunResult[],
  { out, data, engine, json }: PendingTraining,
): Promise<RunsTraining> {
  const pending = results.filter(({ state }) => state !== 'finished');
  if (pending.length === 0) return { interrupted: false, failures: [] };
  if (data === undefined) {
    throw new FaceparseError(
      `${pending.length} ${pending.length === 1 ? 'run needs' : 'runs need'} training; pass --data FOLDER, a folder with train/ and val/ ` +
        '(or --no-train)',
      { exitCode: 2 },
    );
  }
  const { trainRuns } = await import('../comparison/runs/train-runs.ts');
  let display: TrainingDisplay | undefined;
  const say = (line: string): void => {
    display?.finish();
    process.stderr.write(`${line}\n`);
  };
  return withInterrupt((signal) =>
    trainRuns({
      results,
      out,
      data,
      engine,
      signal,
      onRun: ({ name }, index) => {
        say(`${name}: run ${index + 1} of ${pending.length}`);
        display = new TrainingDisplay(json);
      },
      onProgress: (progress) => display?.update(progress),
      onResult: ({ name }, { steps, seconds, bestF }) =>
        say(`${name}: ${formatCount(steps)} steps in ${formatDuration(seconds)}, best F ${formatScore(bestF)}`),
      onFailure: ({ name }, message) => say(`${name} failed: ${message}`),
      onNotice: say,
    }),
  ).finally(() => display?.finish());
}

/** The error of runs that failed while others were trained. */
export function trainingFailure({ failures }: RunsTraining, trained: number): FaceparseError {
  const [first] = failures;
  const more = failures.length > 1 ? ` (and ${failures.length - 1} more, see above)` : '';
  return new FaceparseError(`${failures.length} of ${trained} runs failed: ${first.run}: ${first.message}${more}`);
}
