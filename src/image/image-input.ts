import { describeValue } from '../text/describe-value.ts';
import { FaceparseError } from '../text/errors.ts';

/**
 * The error for a value that is not an image.
 *
 * @param takes the accepted values, as the end of a sentence
 */
export function unusableImage(value: unknown, takes: string): FaceparseError {
  const hint = value instanceof Promise ? ' (await it first)' : '';
  return new FaceparseError(`cannot read an image from ${describeValue(value)}${hint}; pass ${takes}`, {
    exitCode: 2,
  });
}
