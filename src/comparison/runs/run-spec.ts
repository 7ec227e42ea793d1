import type { Config } from '../../config/schema.ts';

/** A run that a comparison, a study or a sweep wants. */
export interface RunSpec {
  /** Unique among the runs; also the path of the run in their folder, such as `recipe/sgd-s0`. */
  readonly name: string;
  readonly config: Config;
  /** The folder of a run that is elsewhere; default: the name, in the folder of the runs. */
  readonly folder?: string;
}
