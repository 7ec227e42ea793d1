import {
  checkPreprocessing,
  largestNetworkSide,
  type Preprocessing,
  smallestNetworkSide,
} from '../../image/preprocessing.ts';
import { getLabelSet, listLabelSets } from '../../labels/registry.ts';
import { FaceparseError } from '../../text/errors.ts';
import { joinWords } from '../../text/join-words.ts';
import type { Model } from '../model.ts';
import { createModel } from '../registry.ts';
import type { ModelSettings } from '../settings.ts';

/** The network that another program's weights belong to. Their file does not say. */
export interface ForeignNetwork extends Pick<ModelSettings, 'encoder' | 'depth' | 'outputStride'> {
  /** Name of the architecture; see `listModels`. */
  readonly model: string;
  /** Name of the label set. Its classes must be those of the network, in the same order, except with `classOrder`. */
  readonly labels: string;
  /** Side in pixels of the square input, as in training. */
  readonly size: number;
  /** Order of the network's classes, such as `face-parsing.pytorch`; they are sorted into the order of celebamask-19. */
  readonly classOrder?: string;
  /** Mean of each colour that is subtracted from pixels between 0 and 1; default: the encoder's. */
  readonly mean?: readonly [number, number, number];
  /** Standard deviation by which each colour is divided; default: the encoder's. */
  readonly std?: readonly [number, number, number];
}

const required = ['model', 'labels', 'size'] as const;

/** The options of `ForeignNetwork`. */
export const foreignNetworkOptions = [
  ...required,
  'encoder',
  'depth',
  'outputStride',
  'classOrder',
  'mean',
  'std',
] as const satisfies readonly (keyof ForeignNetwork)[];

/** The options of a foreign network among others; undefined if none is given. */
export function foreignNetworkOf(options: Partial<ForeignNetwork>): Partial<ForeignNetwork> | undefined {
  const given = foreignNetworkOptions.filter((key) => options[key] !== undefined);
  return given.length === 0 ? undefined : Object.fromEntries(given.map((key) => [key, options[key]]));
}

/** A foreign network whose description is complete and consistent. */
export interface CheckedNetwork {
  readonly model: Model;
  readonly labels: string;
  readonly preprocessing: Preprocessing;
}

/**
 * Checks the description of a foreign network.
 *
 * @throws FaceparseError (exit code 2) that names the missing or wrong option
 */
export function checkForeignNetwork(given: Partial<ForeignNetwork>, name: string): CheckedNetwork {
  const missing = required.filter((key) => given[key] === undefined);
  const { model, labels, size, encoder, depth, outputStride, mean, std } = given;
  if (model === undefined || labels === undefined || size === undefined) {
    throw wrong(
      `${name}: ${joinWords(missing, 'and')} must be given too: the network, its label set (${listLabelSets().join(', ')}) and its input size in pixels`,
    );
  }
  const created = createModel(model, {
    classes: getLabelSet(labels).classes.length,
    ...(encoder !== undefined && { encoder }),
    ...(depth !== undefined && { depth }),
    ...(outputStride !== undefined && { outputStride }),
  });
  const { multiple } = created;
  const smallest = multiple * Math.ceil(smallestNetworkSide / multiple);
  if (!Number.isInteger(size) || size < smallest || size > largestNetworkSide || size % multiple !== 0) {
    throw wrong(
      `size is ${size}, but ${model} takes multiples of ${multiple} from ${smallest} to ${largestNetworkSide}`,
    );
  }
  const rules = { ...created.trainingPreprocessing, ...(mean && { mean }), ...(std && { std }) };
  return {
    model: created,
    labels,
    preprocessing: checkPreprocessing({ ...rules, size }, `the preprocessing given for ${name}`, true),
  };
}

function wrong(message: string): FaceparseError {
  return new FaceparseError(message, { exitCode: 2 });
}
