import { join } from 'node:path';
import type { CompareOptions } from '../comparison/compare.ts';
import type { Comparison, MeasuredCost } from '../comparison/comparison.ts';
import type { RunResult } from '../comparison/runs/run-result.ts';
import { FaceparseError } from '../text/errors.ts';
import { type JsonOption, printNotice, withInterrupt } from './command.ts';
import { type EngineOptions, engineChoice } from './engine-options.ts';
import { Progress } from './progress.ts';

/** What to compare, and how commands show it. */
export interface ShownComparison
  extends JsonOption,
    EngineOptions,
    Pick<CompareOptions, 'data' | 'out' | 'title' | 'question' | 'command' | 'labelSet' | 'splits' | 'images'> {
  /** Whether to measure time and memory of the networks. */
  readonly measure: boolean;
}

/** The options of `bench` that choose the engine. */
function engineWords({ engine, device, threads }: EngineOptions): string[] {
  return [
    ...(engine === undefined ? [] : ['--engine', engine]),
    ...(device === undefined ? [] : ['--device', device]),
    ...(threads === undefined ? [] : ['--threads', String(threads)]),
  ];
}

/** Runs that can be scored: those with weights. The others are named. */
async function scorable(results: readonly RunResult[]): Promise<RunResult[]> {
  const [{ exists }, { runFolder }] = await Promise.all([
    import('../files/path-kind.ts'),
    import('../training/record/run-folder.ts'),
  ]);
  const found: RunResult[] = [];
  for (const result of results) {
    const hasWeights = result.state !== 'missing' && (await exists(runFolder(result.folder).bestWeights));
    if (hasWeights) found.push(result);
    else printNotice(`${result.run.name} has no weights yet and is left out`);
  }
  if (found.length > 0) return found;
  throw new FaceparseError('no run has weights, so there is nothing to compare; train the runs first', { exitCode: 2 });
}

/**
 * Compares the runs that have weights, with progress on stderr. Ctrl-C keeps the scores that are complete.
 *
 * @throws FaceparseError (exit code 2) if no run has weights
 */
export async function compareShown(results: readonly RunResult[], options: ShownComparison): Promise<Comparison> {
  const [{ compareRuns }, { measureCost }] = await Promise.all([
    import('../comparison/compare.ts'),
    import('../comparison/facts/measured-cost.ts'),
  ]);
  const { data, out, title, question, command, labelSet, splits, images } = options;
  const shown = await scorable(results);
  let progress: Progress | undefined;
  let label = '';
  const show = (next: string): Progress => {
    if (next === label && progress) return progress;
    progress?.finish();
    label = next;
    progress = new Progress(next, { plain: options.json === true });
    return progress;
  };
  const measure = async (result: RunResult, signal: AbortSignal): Promise<MeasuredCost | undefined> => {
    show(`measuring ${result.run.name}`);
    return measureCost(result, {
      program: process.argv[1],
      file: join(out, 'evaluations', result.run.name, 'cost.json'),
      engine: engineWords(options),
      signal,
    }).catch((error: unknown) => {
      if (signal.aborted || !(error instanceof FaceparseError)) throw error;
      printNotice(error.message);
      return undefined;
    });
  };
  try {
    return await withInterrupt((signal) =>
      compareRuns({
        results: shown,
        data,
        out,
        title,
        command,
        ...(question !== undefined && { question }),
        ...(labelSet && { labelSet }),
        ...(splits && { splits }),
        ...(images && { images }),
        engine: engineChoice(options),
        ...(options.measure && { measure: (result) => measure(result, signal) }),
        signal,
        onScore: (run, split, done, total) => show(`scoring ${run} on ${split}`).update(done, total),
        onNotice: printNotice,
      }),
    );
  } finally {
    progress?.finish();
  }
}
