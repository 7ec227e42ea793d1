import type { Command } from 'commander';
import { type JsonOption, jsonHelp, printJson, printNotice, printText } from '../command.ts';
import { splitConfigArguments } from '../config-arguments.ts';

interface ConfigOptions extends JsonOption {
  reference?: boolean;
}

/** `faceparse config [FILE] [key=value…]` */
export function registerConfig(program: Command): void {
  program
    .command('config')
    .description('print a configuration with all defaults filled in, or the reference of all keys')
    .argument('[file or key=value...]', 'a YAML file and overrides such as train.lr=3e-4')
    .option('--reference', 'print all keys with types, defaults and meaning as Markdown')
    .option('--json', jsonHelp)
    .action(async (words: string[], options: ConfigOptions) => {
      if (options.reference) {
        const { formatConfigReference } = await import('../../config/describe-config.ts');
        return printText(formatConfigReference());
      }
      const arguments_ = splitConfigArguments(words);
      const { loadConfig } = await import('../../config/load-config.ts');
      const config = await loadConfig({ ...arguments_, notify: printNotice });
      if (options.json) return printJson(config);
      const { stringify } = await import('yaml');
      printText(stringify(config));
    });
}
