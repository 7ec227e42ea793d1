import type { Config } from '../../config/schema.ts';
import { FaceparseError } from '../../text/errors.ts';

/** A run that a comparison, a study or a sweep wants. */
export interface RunSpec {
  /** Unique among the runs; also the path of the run in their folder, such as `recipe/sgd-s0`. */
  readonly name: string;
  readonly config: Config;
  /** The folder of a run that is elsewhere; default: the name, in the folder of the runs. */
  readonly folder?: string;
}

/** Throws an error again, with the name of its run before the message of a FaceparseError. */
export function rethrowNamed(run: RunSpec, error: unknown): never {
  if (!(error instanceof FaceparseError)) throw error;
  throw new FaceparseError(`${run.name}: ${error.message}`, { exitCode: error.exitCode, cause: error });
}
