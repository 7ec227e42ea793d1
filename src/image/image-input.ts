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

/** The error for a stream that cannot be read. `what` is the start of the sentence. */
export function alreadyRead(what: string, cause?: unknown): FaceparseError {
  return new FaceparseError(`${what} has been read, or is locked by another reader; pass one that is unread`, {
    exitCode: 2,
    cause,
  });
}
