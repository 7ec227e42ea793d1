import { z } from 'zod';
import { FaceparseError } from '../text/errors.ts';
import { crossEntropy } from './cross-entropy.ts';
import type { LossDefinition } from './definition.ts';
import { dice } from './dice.ts';
import { lovasz } from './lovasz.ts';

/** All losses, in the order in which their weighted values are added and in which reports describe them. */
export const losses = [crossEntropy, dice, lovasz] as const;

type Loss = (typeof losses)[number];

/** The name of a loss, which is the key of its weight. */
export type LossName = Loss['name'];

type Intersection<Union> = (Union extends unknown ? (member: Union) => void : never) extends (all: infer All) => void
  ? All
  : never;

function weightOf({ summary, defaultWeight }: Pick<Loss, 'summary' | 'defaultWeight'>) {
  return z.number().min(0).default(defaultWeight).describe(`Weight of ${summary}; 0 leaves it out`);
}

/** The keys that a loss has in a configuration: its weight under its name, then its settings. */
function keysOf(loss: Pick<Loss, 'name' | 'summary' | 'defaultWeight' | 'settings'>) {
  return [[loss.name, weightOf(loss)], ...Object.entries(loss.settings)] as const;
}

/** The keys that all losses have in a configuration. */
export const lossKeys = Object.fromEntries(losses.flatMap((loss) => keysOf(loss))) as Record<
  LossName,
  ReturnType<typeof weightOf>
> &
  Intersection<Loss['settings']>;

/**
 * Adds a loss of one's own to the table: from then on configurations have its weight, under its name, and its settings. Runs
 * that use it can be read and resumed only where it has been added.
 *
 * @throws FaceparseError (exit code 2) for a name or a setting that is taken, or a default weight above 0, which would change
 *   every configuration
 *
 * @example
 * registerLoss(defineLoss({ name: 'tversky', defaultWeight: 0, … }));
 * const config = parseConfig('loss: {dice: 0, tversky: 1}');
 */
export function registerLoss<Name extends string, Settings extends z.ZodRawShape>(
  loss: LossDefinition<Name, Settings>,
): void {
  if (loss.defaultWeight !== 0) {
    throw new FaceparseError(`the default weight of the loss '${loss.name}' is ${loss.defaultWeight}, but must be 0`, {
      exitCode: 2,
    });
  }
  const entries = keysOf(loss as unknown as Loss);
  for (const [key] of entries) {
    if (key in lossKeys || key === 'auxiliary') {
      throw new FaceparseError(
        `the loss '${loss.name}' needs the key loss.${key}, which is taken; choose another name`,
        {
          exitCode: 2,
        },
      );
    }
  }
  Object.assign(lossKeys, Object.fromEntries(entries));
  (losses as unknown as unknown[]).push(loss);
}
