import type { Tensor } from '../../graph/graph.ts';
import type { Scope } from '../../nn/scope.ts';
import type { EncoderOptions, Feature } from './encoder.ts';
import { getEncoder } from './registry.ts';

/** Prefix of the names of all parameters of a network's encoder. */
export const encoderPrefix = 'encoder.';

/** The settings of a network that concern its encoder. */
export interface EncoderChoice extends EncoderOptions {
  readonly encoder?: string;
}

/** Builds the encoder that the settings of a network name, at the scope `encoder`, and returns its features. */
export function encoderFeatures(scope: Scope, image: Tensor, { encoder, ...options }: EncoderChoice): Feature[] {
  if (encoder === undefined) throw new Error('the settings of the network name no encoder');
  return getEncoder(encoder).build(scope.at('encoder'), image, options);
}
