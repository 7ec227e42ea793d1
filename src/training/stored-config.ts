import { readFile } from 'node:fs/promises';
import { parseConfig } from '../config/parse-config.ts';
import type { Config } from '../config/schema.ts';
import type { EngineChoice } from '../engine/select-engine.ts';
import { exists } from '../files/path-kind.ts';
import { FaceparseError } from '../text/errors.ts';
import { runFolder } from './run-folder.ts';

/** Settings that may change when a run is resumed: engine and length. */
export interface ResumeChanges {
  readonly engine?: EngineChoice;
  readonly minutes?: number;
}

/**
 * The current configuration of a run, with changes for its next part. Pass it to `train` to resume the run.
 *
 * @throws FaceparseError if the run is not found, or its config.yaml is damaged
 */
export async function storedConfig(path: string, { engine = {}, minutes }: ResumeChanges = {}): Promise<Config> {
  const run = runFolder(path);
  if (!(await exists(run.config))) throw new FaceparseError(`no run to resume at ${path}`, { exitCode: 2 });
  const stored = parseConfig(await readFile(run.config, 'utf8'), run.config);
  return {
    ...stored,
    engine: { ...stored.engine, ...engine },
    train: { ...stored.train, ...(minutes && { minutes }) },
  };
}
