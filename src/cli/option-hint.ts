import { keysNamed } from '../config/suggest-key.ts';
import { joinWords } from '../text/join-words.ts';

/** Commands that take `key=value`. */
const commands = ['train', 'bench', 'config'];

/**
 * A hint for an unknown option that is a configuration key; undefined otherwise.
 *
 * @param message commander's message, such as `error: unknown option '--lr'`
 * @param words the command line without the program
 *
 * @example optionHint("unknown option '--lr'", ['train', '--lr', '1e-3']) // 'to set a configuration key, write train.lr=1e-3'
 */
export function optionHint(message: string, words: readonly string[]): string | undefined {
  const option = /unknown option '(--([^'=]+)(?:=([^']*))?)'/.exec(message);
  if (!option || !words.some((word) => commands.includes(word))) return undefined;
  const [, flag, name, given] = option;
  const next = words[words.indexOf(flag) + 1];
  const value = given ?? (next === undefined || next.startsWith('--') ? 'VALUE' : next);
  const keys = keysNamed(name).slice(0, 3);
  if (keys.length === 0) return undefined;
  return `to set a configuration key, write ${joinWords(
    keys.map((key) => `${key}=${value}`),
    'or',
  )}`;
}
