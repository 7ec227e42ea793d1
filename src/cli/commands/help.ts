import type { Command } from 'commander';
import { nearestName } from '../../text/similar-names.ts';

/** The command that the words name, and the first word that is none of its commands. */
export function findCommand(program: Command, words: readonly string[]): { command: Command; rest?: string } {
  let command = program;
  for (const word of words.filter((one) => !one.startsWith('-'))) {
    const next = command.commands.find((one) => one.name() === word);
    if (!next) return { command, rest: word };
    command = next;
  }
  return { command };
}

/** ` (Did you mean evaluate?)` for a command that is misspelt or cut short; empty if none is similar. */
export function commandSuggestion(parent: Command, given: string): string {
  const names = parent.commands.map((command) => command.name());
  const found = names.find((name) => given.length > 1 && name.startsWith(given)) ?? nearestName(given, names);
  return found === undefined ? '' : ` (Did you mean ${found}?)`;
}

/** `faceparse help [command]`; unlike commander's own, it refuses an unknown command. */
export function registerHelp(program: Command): void {
  program
    .command('help')
    .description('print the help of a command')
    .argument('[command...]')
    .action((words: string[]) => {
      const { command, rest } = findCommand(program, words);
      if (rest === undefined) return command.help();
      program.error(`error: unknown command '${rest}'${commandSuggestion(command, rest)}`, {
        code: 'commander.unknownCommand',
      });
    });
}
