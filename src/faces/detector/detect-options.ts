import { isAbortSignal } from '../../scheduling/abortable.ts';
import { checkOptions } from '../../text/check-options.ts';
import { describeValue } from '../../text/describe-value.ts';
import { FaceparseError } from '../../text/errors.ts';

/** Options of one call to `detect`. */
export interface DetectOptions {
  /** Minimum confidence of a face, above 0 and below 1; default 0.7. */
  readonly minConfidence?: number;
  /** Minimum side of a face's box in pixels; default 0. A larger minimum saves time in photos without faces. */
  readonly minSize?: number;
  /** Maximum number of faces; the largest are kept. Default 20. */
  readonly maxFaces?: number;
  /** Rejects the call when aborted. */
  readonly signal?: AbortSignal;
}

/** The options with their defaults. @throws FaceparseError (exit code 2) for unknown options and values out of range */
export function readDetectOptions(options: DetectOptions): Required<Omit<DetectOptions, 'signal'>> {
  checkOptions(options, ['minConfidence', 'minSize', 'maxFaces', 'signal'], 'detect');
  const { minConfidence = 0.7, minSize = 0, maxFaces = 20, signal } = options;
  if (!(minConfidence > 0 && minConfidence < 1)) {
    throw invalid('minConfidence', minConfidence, 'a number above 0 and below 1');
  }
  if (!(minSize >= 0 && minSize < Number.POSITIVE_INFINITY)) {
    throw invalid('minSize', minSize, 'a number of pixels of at least 0');
  }
  if (!(Number.isInteger(maxFaces) && maxFaces >= 1)) throw invalid('maxFaces', maxFaces, 'a positive integer');
  if (signal !== undefined && !isAbortSignal(signal)) throw invalid('signal', signal, 'an AbortSignal');
  return { minConfidence, minSize, maxFaces };
}

function invalid(name: string, value: unknown, wanted: string): FaceparseError {
  const given = typeof value === 'number' ? String(value) : describeValue(value);
  return new FaceparseError(`${name} is ${given}, but must be ${wanted}`, { exitCode: 2 });
}
