import { findConfigFile } from '../config/bundled-configs.ts';
import { FaceparseError } from '../text/errors.ts';

/**
 * The config file and the overrides among the arguments of a command; the file may be the name of a bundled config.
 *
 * @throws FaceparseError (exit code 2) when there is no such config, or more than one is given
 *
 * @example await findConfigArguments(['compact', 'train.lr=1'])
 */
export async function findConfigArguments(words: readonly string[]): Promise<{ file?: string; overrides: string[] }> {
  const { file, overrides } = splitConfigArguments(words);
  return file === undefined ? { overrides } : { file: await findConfigFile(file), overrides };
}

/**
 * Separates the config from the overrides among the arguments of a command: what has the form `key=value` is an override.
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
