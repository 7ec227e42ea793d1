import { describeValue } from '../../text/describe-value.ts';
import { FaceparseError } from '../../text/errors.ts';
import { ofSameNumbers, suggestName } from '../../text/similar-names.ts';
import { checkEntry } from '../registry-entry.ts';
import { efficientnetB0, efficientnetLite0, timmEfficientnetB0, timmEfficientnetLite0 } from './efficientnet.ts';
import type { Encoder } from './encoder.ts';
import { mobilenetV2 } from './mobilenet-v2.ts';
import { mobilenetV3Large, timmMobilenetV3Large, tuMobilenetV3Large } from './mobilenet-v3.ts';
import { resnet18, resnet34, resnet50 } from './resnet.ts';

const encoders: Encoder[] = [
  resnet18,
  resnet34,
  resnet50,
  mobilenetV2,
  mobilenetV3Large,
  efficientnetB0,
  efficientnetLite0,
  timmMobilenetV3Large,
  tuMobilenetV3Large,
  timmEfficientnetB0,
  timmEfficientnetLite0,
];

/** Lists the names of the encoders, or also those of variants with other paddings or epsilons. */
export function listEncoders({ variants = false }: { readonly variants?: boolean } = {}): string[] {
  return encoders.filter(({ variantOf }) => variants || variantOf === undefined).map(({ name }) => name);
}

/** Returns the encoder with that name. @throws FaceparseError (exit code 2) that lists the valid names */
export function getEncoder(name: string): Encoder {
  const found = encoders.find((encoder) => encoder.name === name);
  if (found) return found;
  const names = listEncoders({ variants: true });
  throw refused(
    `unknown encoder '${name}'; ${suggestName(name, ofSameNumbers(name, names), `the encoders are ${listEncoders().join(', ')}`)}`,
  );
}

/**
 * Adds an encoder to the registry. Every architecture that takes an encoder can then be built on it.
 *
 * @throws FaceparseError (exit code 2) if the name is taken or invalid, or another property is unusable
 *
 * @example registerEncoder({ name: 'tiny', summary: 'Five convolutions.', stochasticDepth: 0, preprocessing, build: (scope, image, options) => … });
 */
export function registerEncoder(encoder: Encoder): void {
  const { name, preprocessing, stochasticDepth, variantOf, build } = encoder;
  checkEntry(encoder, 'an encoder', listEncoders({ variants: true }));
  if (typeof stochasticDepth !== 'number' || !(stochasticDepth >= 0 && stochasticDepth < 1)) {
    throw refused(`stochasticDepth of the encoder '${name}' must be a number from 0 to below 1`);
  }
  const isTriple = (values: unknown, isUsable: (value: number) => boolean) =>
    Array.isArray(values) && values.length === 3 && values.every((value) => Number.isFinite(value) && isUsable(value));
  if (!isTriple(preprocessing?.mean, () => true) || !isTriple(preprocessing?.std, (value) => value > 0)) {
    throw refused(
      `preprocessing of the encoder '${name}' must have mean and std of three numbers, std above 0; imagenetPreprocessing is usual`,
    );
  }
  if (variantOf !== undefined) getEncoder(variantOf);
  if (typeof build !== 'function') {
    throw refused(`build of the encoder '${name}' must be a function, not ${describeValue(build)}`);
  }
  encoders.push(encoder);
}

function refused(message: string): FaceparseError {
  return new FaceparseError(message, { exitCode: 2 });
}
