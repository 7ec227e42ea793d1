import { describeValue } from './describe-value.ts';
import { FaceparseError } from './errors.ts';
import { suggestName } from './similar-names.ts';

/**
 * Checks the names of options, for callers without a type checker.
 *
 * @param call the function, as users write it
 * @throws FaceparseError (exit code 2) for a value that is not an object, and for an unknown option
 * @example checkOptions({ maxside: 9 }, ['maxSide'], 'parse') // unknown option 'maxside' of parse; did you mean 'maxSide'?
 */
export function checkOptions(options: unknown, known: readonly string[], call: string): void {
  if (typeof options !== 'object' || options === null) {
    throw new FaceparseError(`the options of ${call} must be an object, not ${describeValue(options)}`, {
      exitCode: 2,
    });
  }
  for (const name of Object.keys(options)) {
    if (known.includes(name)) continue;
    throw new FaceparseError(`unknown option '${name.slice(0, 80)}' of ${call}; ${suggestName(name, known)}`, {
      exitCode: 2,
    });
  }
}
