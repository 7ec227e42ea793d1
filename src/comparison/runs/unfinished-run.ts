import { exists } from '../../files/path-kind.ts';
import { isFinished } from '../../training/earlier-run/run-state.ts';
import { readMetrics, runFolder } from '../../training/record/run-folder.ts';
import { storedConfig } from '../../training/stored-config.ts';

/**
 * A note on a run that was stopped before its end: where it stopped and how to resume it. Undefined for a finished run and for a
 * path without the records of a run, such as a weights file.
 *
 * @example await unfinishedNote('runs/a') // 'the run runs/a is unfinished: it stopped at step 12 (0.1 of 8 epochs); …'
 */
export async function unfinishedNote(path: string): Promise<string | undefined> {
  const run = runFolder(path);
  if (!(await exists(run.config)) || !(await exists(run.metrics))) return undefined;
  const config = await storedConfig(path);
  const last = (await readMetrics(run.metrics)).at(-1);
  if (!last || isFinished(last, config)) return undefined;
  const { minutes, epochs } = config.train;
  const extent = minutes
    ? `${(last.seconds / 60).toFixed(1)} of ${minutes} minutes`
    : `${Number(last.epoch.toFixed(1))} of ${epochs} epochs`;
  return `the run ${path} is unfinished: it stopped at step ${last.step} (${extent}); resume it with faceparse train --resume ${path}`;
}
