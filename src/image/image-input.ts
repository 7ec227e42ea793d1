import { describeValue } from '../text/describe-value.ts';
import { FaceparseError } from '../text/errors.ts';

/**
 * The error for something that is no image.
 *
 * @param takes what is accepted, as the end of a sentence
 */
export function unusableImage(value: unknown, takes: string): FaceparseError {
  const hint = value instanceof Promise ? ' (await it first)' : '';
  return new FaceparseError(`an image cannot be read from ${describeValue(value)}${hint}; give ${takes}`, {
    exitCode: 2,
  });
}
