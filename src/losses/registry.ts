import { z } from 'zod';
import { describeValue } from '../text/describe-value.ts';
import { FaceparseError } from '../text/errors.ts';
import { crossEntropy } from './cross-entropy.ts';
import type { LossDefinition } from './definition.ts';
import { dice } from './dice.ts';
import { focal } from './focal.ts';
import { jaccard } from './jaccard.ts';
import { lovasz } from './lovasz.ts';
import { tversky } from './tversky.ts';

/** All losses, in the order of summation and of the report. */
export const losses = [crossEntropy, dice, lovasz, jaccard, focal, tversky] as const;

type Loss = (typeof losses)[number];

/** The name of a loss, also the key of its weight. */
export type LossName = Loss['name'];

type Intersection<Union> = (Union extends unknown ? (member: Union) => void : never) extends (all: infer All) => void
  ? All
  : never;

/** Greatest weight of a loss. Far greater ones would overflow the gradients, which are 32-bit. */
export const maxWeight = 1000;

function weightOf({ summary, defaultWeight }: Pick<Loss, 'summary' | 'defaultWeight'>) {
  return z.number().min(0).max(maxWeight).default(defaultWeight).describe(`Weight of ${summary}; 0 disables it`);
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
 * @throws FaceparseError (exit code 2) if a key is taken or invalid, a setting has no default, or the default weight is not
 *   0, which would change every configuration
 *
 * @example
 * registerLoss(defineLoss({ name: 'logCoshDice', defaultWeight: 0, … }));
 * const config = parseConfig('loss: {dice: 0, logCoshDice: 1}');
 */
export function registerLoss<Name extends string, Settings extends z.ZodRawShape>(
  loss: LossDefinition<Name, Settings>,
): void {
  checkDefinition(loss as unknown as Loss);
  const entries = keysOf(loss as unknown as Loss);
  for (const [index, [key]] of entries.entries()) {
    if (key in lossKeys || key === 'auxiliary' || entries.findIndex(([other]) => other === key) < index) {
      throw refused(`the loss '${loss.name}' needs the key loss.${key}, which is taken; choose another name`);
    }
  }
  Object.assign(lossKeys, Object.fromEntries(entries));
  (losses as unknown as unknown[]).push(loss);
}

/** Checks a user's definition at once: a wrong one would otherwise break every configuration later. */
function checkDefinition({ name, summary, defaultWeight, settings, mean, build }: Loss): void {
  for (const key of [name, ...Object.keys(settings ?? {})]) {
    if (typeof key !== 'string' || !/^[A-Za-z][A-Za-z0-9]{0,63}$/.test(key)) {
      throw refused(`a loss cannot have the key '${key}'; use letters and digits, as in focalPower`);
    }
  }
  if (defaultWeight !== 0) {
    throw refused(`the default weight of the loss '${name}' is ${defaultWeight}, but must be 0`);
  }
  if (typeof summary !== 'string') throw refused(`the summary of the loss '${name}' must be text`);
  if (mean !== 'pixels' && mean !== 'images') {
    throw refused(`mean of the loss '${name}' is '${mean}', but must be 'pixels' or 'images'`);
  }
  if (typeof build !== 'function') throw refused(`build of the loss '${name}' must be a function`);
  for (const [key, schema] of Object.entries<unknown>(settings ?? {})) {
    if (!(schema instanceof z.ZodType)) {
      throw refused(`the setting ${key} of the loss '${name}' must be a schema of zod 4, not ${describeValue(schema)}`);
    }
    if (!schema.safeParse(undefined).success) {
      throw refused(`the setting ${key} of the loss '${name}' needs a default value: add .default(…) to its schema`);
    }
  }
}

function refused(message: string): FaceparseError {
  return new FaceparseError(message, { exitCode: 2 });
}
