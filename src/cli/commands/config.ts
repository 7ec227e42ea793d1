import type { Command } from 'commander';
import { formatCount } from '../../text/counts.ts';
import { type JsonOption, jsonHelp, printJson, printNotice, printText } from '../command.ts';
import { findConfigArguments } from '../config-arguments.ts';
import { formatTable } from '../format.ts';

interface ConfigOptions extends JsonOption {
  reference?: boolean;
  list?: boolean;
}

/**
 * Bundled configs with the parameters that `train` counts, auxiliary heads included; studies and search spaces have several networks,
 * so no count.
 */
async function listConfigs(options: ConfigOptions): Promise<void> {
  const [{ listBundledConfigs }, { loadConfig }, { planTraining }] = await Promise.all([
    import('../../config/bundled-configs.ts'),
    import('../../config/load-config.ts'),
    import('../../training/plan.ts'),
  ]);
  const parametersOf = async (file: string): Promise<number> => planTraining(await loadConfig({ file })).parameters;
  const configs = [];
  for (const config of await listBundledConfigs()) {
    configs.push({ ...config, ...(config.kind === 'config' && { parameters: await parametersOf(config.path) }) });
  }
  if (options.json) return printJson({ configs });
  const table = formatTable(
    [{ title: 'name' }, { title: 'kind' }, { title: 'parameters', align: 'right' }, { title: 'description' }],
    configs.map(({ name, kind, parameters, description }) => [
      name,
      kind,
      parameters === undefined ? '' : formatCount(parameters),
      description,
    ]),
  );
  printText(
    `${table}\n\nTo train one: faceparse train NAME --data DATA. To run a study: faceparse study NAME --data DATA. ` +
      `To search a space: faceparse sweep CONFIG --space NAME --data DATA.`,
  );
}

/** `faceparse config [FILE] [key=value…]` */
export function registerConfig(program: Command): void {
  program
    .command('config')
    .description('print a configuration with its defaults, list the bundled ones, or describe every key')
    .argument('[file or key=value...]', 'a YAML file or a bundled name, and overrides such as train.lr=3e-4')
    .option('--reference', 'print every key with type, default and description as Markdown')
    .option('--list', 'list the bundled configurations')
    .option('--json', jsonHelp)
    .action(async (words: string[], options: ConfigOptions) => {
      if (options.list) return listConfigs(options);
      if (options.reference) {
        const { formatConfigReference } = await import('../../config/describe-config.ts');
        return printText(formatConfigReference());
      }
      const arguments_ = await findConfigArguments(words);
      const [{ loadConfig }, { planTraining }] = await Promise.all([
        import('../../config/load-config.ts'),
        import('../../training/plan.ts'),
      ]);
      const config = await loadConfig({ ...arguments_, notify: printNotice });
      // `train` would refuse the same.
      planTraining(config);
      if (options.json) return printJson(config);
      const { stringify } = await import('yaml');
      printText(stringify(config));
    });
}
