import { isAbortSignal } from '../scheduling/abortable.ts';
import { checkOptions } from '../text/check-options.ts';
import { describeValue } from '../text/describe-value.ts';
import { FaceparseError } from '../text/errors.ts';
import { suggestName } from '../text/similar-names.ts';

/** How faces are found, by name. */
export const faceModes = ['auto', 'whole', 'every'] as const;

/**
 * `auto` finds the faces of a photo and parses each where it is, but parses a photo as a whole if it already has the framing
 * that networks are trained on. `every` parses each face that is found in any photo. `whole` looks for no face: the network
 * sees the whole photo.
 */
export type FaceMode = (typeof faceModes)[number];

/** Options of one call to `parse`. */
export interface ParseOptions {
  /** How faces are found; default `auto`, or `whole` for a parser without a detector. */
  readonly faces?: FaceMode;
  /**
   * Longest side of the labels in pixels; larger images get smaller labels of the same aspect ratio. What the network sees does
   * not depend on it. Default: the size of the image.
   */
  readonly maxSide?: number;
  /** Rejects the call when aborted, also while it waits or its image is received. */
  readonly signal?: AbortSignal;
}

/**
 * Checks options for callers without a type checker.
 *
 * @param finds whether the parser has a detector
 * @throws FaceparseError (exit code 2)
 */
export function checkParseOptions(options: ParseOptions, finds: boolean): void {
  checkOptions(options, ['faces', 'maxSide', 'signal'], 'parse');
  checkSharedOptions(options, finds);
}

/** Checks the values of options that photos and frames have in common. @throws FaceparseError (exit code 2) */
export function checkSharedOptions(options: ParseOptions, finds: boolean): void {
  const { faces, maxSide, signal } = options;
  if (faces !== undefined && !faceModes.includes(faces)) {
    const known = `it takes ${faceModes.map((mode) => `'${mode}'`).join(', ')}`;
    const hint = typeof faces === 'string' ? suggestName(faces, faceModes, known) : known;
    throw usage(`faces is ${describeValue(faces)}; ${hint}`);
  }
  if (!finds && (faces === 'auto' || faces === 'every')) {
    throw usage(
      `this parser has no face detector, which faces: '${faces}' needs; load one with it, or use faces: 'whole'`,
    );
  }
  if (maxSide !== undefined && !(Number.isInteger(maxSide) && maxSide >= 1)) {
    throw usage(`maxSide is ${maxSide}, but must be a positive integer`);
  }
  if (signal !== undefined && !isAbortSignal(signal)) {
    throw usage(
      `signal is ${describeValue(signal)}, but must be an AbortSignal: the property signal of an AbortController`,
    );
  }
}

function usage(message: string): FaceparseError {
  return new FaceparseError(message, { exitCode: 2 });
}
