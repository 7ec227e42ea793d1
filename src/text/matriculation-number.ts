import { FaceparseError } from './errors.ts';

const form = /^[A-Z]\d{7,8}[A-Z]$/;

/** Whether a text is a matriculation number: a capital letter, 7 or 8 digits, a capital letter. */
export function isMatriculationNumber(text: string): boolean {
  return form.test(text);
}

/**
 * Checks a matriculation number, which names the course zip and appears in the report.
 *
 * @throws FaceparseError (exit code 2) that says what was given, the form and an example
 * @example requireMatriculationNumber('A12345678B')
 */
export function requireMatriculationNumber(id: string): void {
  if (isMatriculationNumber(id)) return;
  throw new FaceparseError(
    `${JSON.stringify(id)} is not a matriculation number; it is a capital letter, 7 or 8 digits and a capital letter, such as A12345678B`,
    { exitCode: 2 },
  );
}
