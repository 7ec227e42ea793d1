import { z } from 'zod';
import { FaceparseError } from '../text/errors.ts';
import { crossEntropy } from './cross-entropy.ts';
import type { LossDefinition } from './definition.ts';
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

function weightOf({ summary, defaultWeight }: Pick<Loss, 'summary' | 'defaultWeight'>) {
  return z.number().min(0).default(defaultWeight).describe(`Weight of ${summary}; 0 disables it`);
}

/** The configuration keys of a loss: its weight under its name, then its settings. */
function keysOf(loss: Pick<Loss, 'name' | 'summary' | 'defaultWeight' | 'settings'>) {
  return [[loss.name, weightOf(loss)], ...Object.entries(loss.settings)] as const;
}

/** The configuration keys of all losses. */
export const lossKeys = Object.fromEntries(losses.flatMap((loss) => keysOf(loss))) as Record<
  LossName,
  ReturnType<typeof weightOf>
> &
  Intersection<Loss['settings']>;

/**
 * Adds a loss to the table. Configurations then have its weight, under its name, and its settings. A run that uses the loss
 * can be read and resumed only after the loss has been registered.
 *
 * @throws FaceparseError (exit code 2) if a key is taken, or the default weight is not 0, which would change every
 *   configuration
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
