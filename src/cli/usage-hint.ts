import type { Command, CommanderError } from 'commander';
import { keysNamed } from '../config/suggest-key.ts';
import { joinWords } from '../text/join-words.ts';
import { commandSuggestion, findCommand } from './commands/help.ts';

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

/**
 * The message of a usage error of commander, completed with what the user probably meant.
 *
 * @param words the command line without the program
 *
 * @example usageMessage(error, program, ['eval']) // "error: unknown command 'eval' (Did you mean evaluate?)"
 */
export function usageMessage({ code, message }: CommanderError, program: Command, words: readonly string[]): string {
  const { command, rest } = findCommand(program, words);
  const [line] = message.split('\n');
  if (code === 'commander.unknownOption') {
    const hint = optionHint(message, words);
    return hint ? `${line}; ${hint}` : message;
  }
  if (code === 'commander.unknownCommand' && !/Did you mean/.test(message)) {
    return line + commandSuggestion(command, rest ?? '');
  }
  if (code === 'commander.excessArguments' && command.name() === 'evaluate') {
    return `${line} Evaluate one run at a time, or compare runs with faceparse report RUN RUN`;
  }
  return message;
}
