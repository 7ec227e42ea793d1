import { FaceparseError } from './errors.ts';

/**
 * The message of the error that a check throws, or undefined if it passes.
 *
 * @example faultOf(() => getLabelSet('face-9')) // "unknown label set 'face-9'; …"
 */
export function faultOf(check: () => unknown): string | undefined {
  try {
    check();
    return undefined;
  } catch (error) {
    if (error instanceof FaceparseError) return error.message;
    throw error;
  }
}
