import { readFile } from 'node:fs/promises';
import { type Notify, parseRunConfig } from '../config/parse-config.ts';
import type { Config } from '../config/schema.ts';
import type { EngineChoice } from '../engine/select-engine.ts';
import { findRun } from './earlier-run/find-run.ts';
import { requirePossible } from './earlier-run/setting-changes.ts';
import { runFolder } from './record/run-folder.ts';

/** Settings that change when a run is resumed. */
export interface ResumeChanges {
  readonly engine?: EngineChoice;
  readonly minutes?: number;
  /** Dotted overrides such as `train.lr=5e-4`. `train.epochs=N` also replaces a length in minutes. */
  readonly overrides?: readonly string[];
  /** Receives a line for every key under a former name. */
  readonly notify?: Notify;
}

/** Overrides in which a length in epochs takes the place of one in minutes. */
function withLength({ minutes, overrides = [] }: ResumeChanges): string[] {
  if (minutes !== undefined) return [...overrides, `train.minutes=${minutes}`];
  const sets = (key: string) => overrides.some((override) => override.split('=')[0].trim() === key);
  return sets('train.epochs') && !sets('train.minutes') ? [...overrides, 'train.minutes=null'] : [...overrides];
}

/**
 * The current configuration of a run, with changes for its next part. Pass it to `train` to resume the run.
 *
 * @param path the run folder, or a file in it
 * @throws FaceparseError if the run is not found, its config.yaml is damaged, or a setting cannot change in a resumed run
 *
 * @example await storedConfig('runs/a', { overrides: ['train.epochs=200', 'train.lr=5e-4'] })
 */
export async function storedConfig(path: string, changes: ResumeChanges = {}): Promise<Config> {
  const run = runFolder(await findRun(path));
  const text = await readFile(run.config, 'utf8');
  const stored = parseRunConfig(text, run.config);
  const changed = parseRunConfig(text, run.config, withLength(changes), changes.notify);
  requirePossible(stored, changed, run.path);
  return { ...changed, engine: { ...changed.engine, ...changes.engine } };
}
