import type { Distribution } from './distribution.ts';

/** One searched key. */
export interface Dimension {
  /** Path of a configuration key: `train.lr`. */
  readonly key: string;
  readonly distribution: Distribution;
}

/** A search space: the keys that a sweep varies, in the order of its file. */
export type Space = readonly Dimension[];

/** Values of the keys of a space, in its order. */
export type Settings = ReadonlyMap<string, unknown>;
