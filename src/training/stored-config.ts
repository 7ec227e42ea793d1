import { readFile } from 'node:fs/promises';
import { parseConfig } from '../config/parse-config.ts';
import type { Config } from '../config/schema.ts';
import type { EngineChoice } from '../engine/select-engine.ts';
import { exists } from '../files/path-kind.ts';
import { FaceparseError } from '../text/errors.ts';
import { runFolder } from './run-folder.ts';

/** What may change between the parts of a run: where and how long it is trained, never what. */
export interface ResumeChanges {
  readonly engine?: EngineChoice;
  readonly minutes?: number;
}

/**
 * The configuration that is in force in a run, with changes for the part that is to come: what `train` is given to resume it,
 * and records then.
 *
 * @throws FaceparseError where there is no run, or its config.yaml is damaged
 */
export async function storedConfig(path: string, { engine = {}, minutes }: ResumeChanges = {}): Promise<Config> {
  const run = runFolder(path);
  if (!(await exists(run.config))) throw new FaceparseError(`there is no run to resume at ${path}.`, { exitCode: 2 });
  const stored = parseConfig(await readFile(run.config, 'utf8'), run.config);
  return {
    ...stored,
    engine: { ...stored.engine, ...engine },
    train: { ...stored.train, ...(minutes && { minutes }) },
  };
}
