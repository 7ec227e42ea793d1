import { z } from 'zod';
import { crossEntropy } from './cross-entropy.ts';
import { dice } from './dice.ts';
import { lovasz } from './lovasz.ts';

/** All losses, in the order of summation and of the report. */
export const losses = [crossEntropy, dice, lovasz] as const;

type Loss = (typeof losses)[number];

/** The name of a loss, also the key of its weight. */
export type LossName = Loss['name'];

type Intersection<Union> = (Union extends unknown ? (member: Union) => void : never) extends (all: infer All) => void
  ? All
  : never;

function weightOf({ summary, defaultWeight }: Loss) {
  return z.number().min(0).default(defaultWeight).describe(`Weight of ${summary}; 0 disables it`);
}

/** The configuration keys of the losses: for each, its weight under its name, then its settings. */
export const lossKeys = Object.fromEntries(
  losses.flatMap((loss) => [[loss.name, weightOf(loss)], ...Object.entries(loss.settings)]),
) as Record<LossName, ReturnType<typeof weightOf>> & Intersection<Loss['settings']>;
