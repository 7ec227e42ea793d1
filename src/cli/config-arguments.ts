import { findConfigFile } from '../config/bundled-configs.ts';
import { FaceparseError } from '../text/errors.ts';

/**
 * The config file and the overrides among the arguments of a command; the file may be the name of a bundled config.
 *
 * @throws FaceparseError (exit code 2) if the config is not found, or more than one is given
 *
 * @example await findConfigArguments(['compact', 'train.lr=1'])
 */
export async function findConfigArguments(words: readonly string[]): Promise<{ file?: string; overrides: string[] }> {
  const { file, overrides } = splitConfigArguments(words);
  return file === undefined ? { overrides } : { file: await findConfigFile(file), overrides };
}

/**
 * Separates the config from the overrides among the arguments of a command. Arguments of the form `key=value` are overrides.
 *
 * @throws FaceparseError (exit code 2) if more than one file is given
 *
 * @example splitConfigArguments(['a.yaml', 'train.lr=1']) // { file: 'a.yaml', overrides: ['train.lr=1'] }
 */
export function splitConfigArguments(words: readonly string[]): { file?: string; overrides: string[] } {
  const { words: files, overrides } = splitWords(words);
  if (files.length > 1) {
    throw new FaceparseError(`two configs given, ${files[0]} and ${files[1]}; give one, and overrides as key=value`, {
      exitCode: 2,
    });
  }
  return files[0] === undefined ? { overrides } : { file: files[0], overrides };
}

/** Separates overrides of the form `key=value` from the other words. */
export function splitWords(given: readonly string[]): { words: string[]; overrides: string[] } {
  // A path may contain "=", but then a slash precedes it, as in ./a=b.yaml.
  const isOverride = (word: string): boolean => /^[^/\\=]*=/.test(word);
  return { words: given.filter((word) => !isOverride(word)), overrides: given.filter(isOverride) };
}
