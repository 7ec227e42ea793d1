import { FaceparseError } from '../text/errors.ts';

/** What every entry of a registry has. */
interface Entry {
  readonly name: string;
  readonly summary: string;
}

/**
 * Checks the name and the summary of an entry that a user registers.
 *
 * @param noun what it is, with its article: `an encoder`
 * @param taken the names that the registry has
 * @throws FaceparseError (exit code 2) if the name is invalid or taken, or the summary is not one line
 */
export function checkEntry({ name, summary }: Entry, noun: string, taken: readonly string[]): void {
  if (typeof name !== 'string' || !/^[a-z0-9][a-z0-9_-]{0,63}$/.test(name)) {
    throw refused(`${noun} cannot be called '${name}'; use lower-case letters, digits, dashes and underscores`);
  }
  if (taken.includes(name)) throw refused(`there is ${noun} '${name}' already; choose another name`);
  if (typeof summary !== 'string' || !/^[^\p{Cc}]+$/u.test(summary)) {
    throw refused(`the summary of the ${noun.replace(/^an? /, '')} '${name}' must be one line of text`);
  }
}

function refused(message: string): FaceparseError {
  return new FaceparseError(message, { exitCode: 2 });
}
