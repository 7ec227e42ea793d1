import { FaceparseError } from '../text/errors.ts';

/**
 * Tells the config file from the overrides among the arguments of a command: what has the form `key=value` is an override.
 *
 * Throws a FaceparseError (exit code 2) when more than one file is named.
 *
 * @example splitConfigArguments(['a.yaml', 'train.lr=1']) // { file: 'a.yaml', overrides: ['train.lr=1'] }
 */
export function splitConfigArguments(words: readonly string[]): { file?: string; overrides: string[] } {
  // A path may hold "=", but then it has a slash before it or is written ./a=b.yaml.
  const isOverride = (word: string): boolean => /^[^/\\=]*=/.test(word);
  const files = words.filter((word) => !isOverride(word));
  const overrides = words.filter(isOverride);
  if (files.length > 1) {
    throw new FaceparseError(
      `two config files are given, ${files[0]} and ${files[1]}; give one, and overrides as key=value`,
      { exitCode: 2 },
    );
  }
  return files[0] === undefined ? { overrides } : { file: files[0], overrides };
}
