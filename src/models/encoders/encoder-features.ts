import { formatShape, type Tensor } from '../../graph/graph.ts';
import type { Scope } from '../../nn/scope.ts';
import { describeValue } from '../../text/describe-value.ts';
import { FaceparseError } from '../../text/errors.ts';
import { type EncoderOptions, type Feature, levelGeometry } from './encoder.ts';
import { getEncoder } from './registry.ts';

/** Prefix of the names of all parameters of a network's encoder. */
export const encoderPrefix = 'encoder.';

/** The settings of a network that concern its encoder. */
export interface EncoderChoice extends EncoderOptions {
  readonly encoder?: string;
}

/**
 * Builds the encoder that the settings of a network name, at the scope `encoder`, and returns its features.
 *
 * @throws FaceparseError (exit code 2) if the encoder returns features of other levels, strides or sizes
 */
export function encoderFeatures(scope: Scope, image: Tensor, { encoder, ...options }: EncoderChoice): Feature[] {
  if (encoder === undefined) throw new Error('the settings of the network name no encoder');
  const features: unknown = getEncoder(encoder).build(scope.at('encoder'), image, options);
  checkFeatures(encoder, features, image, options);
  return features;
}

/** Checks what an encoder built, which may be a user's own: decoders rely on strides and sizes. */
function checkFeatures(
  encoder: string,
  features: unknown,
  image: Tensor,
  options: EncoderOptions,
): asserts features is Feature[] {
  const fault = Array.isArray(features)
    ? featuresFault(features, image, options)
    : `must return a list of features, not ${describeValue(features)}`;
  if (fault) throw new FaceparseError(`build of the encoder '${encoder}' ${fault}`, { exitCode: 2 });
}

function featuresFault(features: readonly unknown[], image: Tensor, options: EncoderOptions): string | undefined {
  const levels = levelGeometry(options);
  if (features.length !== levels.length) {
    return `returned ${features.length} features, but must return one for each of the ${levels.length} levels`;
  }
  const faults = levels.map(({ featureStride }, level) => {
    const place = `features at level ${level + 1}`;
    const { tensor, stride } = (features[level] ?? {}) as Partial<Feature>;
    if (tensor?.shape === undefined) return `returned no tensor as ${place}; give { tensor, stride }`;
    if (stride !== featureStride)
      return `gives ${stride} as the stride of the ${place}, but must give ${featureStride}`;
    const [batch, , ...sides] = image.shape;
    const sizes = sides.map((side) => side / featureStride);
    const [images, channels, ...own] = tensor.shape;
    // Sides that are no multiple of the stride may be rounded either way.
    if (images === batch && own.length === 2 && own.every((side, axis) => Math.abs(side - sizes[axis]) < 1))
      return undefined;
    const wanted = formatShape([batch, channels, ...sizes.map(Math.ceil)]);
    return `returned ${formatShape(tensor.shape)} as ${place}, but must return ${wanted} for this image`;
  });
  return faults.find((fault) => fault !== undefined);
}
