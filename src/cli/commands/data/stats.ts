import { extname, join } from 'node:path';
import type { Command } from 'commander';
import type { DatasetStatistics } from '../../../data/dataset/statistics.ts';
import { isFolder } from '../../../files/path-kind.ts';
import { requirePackages } from '../../../packages/optional-packages.ts';
import { FaceparseError } from '../../../text/errors.ts';
import { type JsonOption, jsonHelp, printJson, printNotice, printText, runTask } from '../../command.ts';

interface StatsOptions extends JsonOption {
  out?: string;
  labels: string;
  merge?: boolean;
}

/** `faceparse data stats FOLDER` */
export function registerDataStats(data: Command): void {
  data
    .command('stats')
    .description('measure how much of the images each class covers')
    .argument(
      '<folder>',
      'dataset folder with images/ (photos) and masks/ (PNG files of class ids), or a folder of such splits',
    )
    .option('--out <chart.svg>', 'also write the numbers as an SVG chart')
    .option('--labels <set>', 'label set to count: a name, or a configuration or run with its own', 'celebamask-19')
    .option('--merge', 'the masks contain celebamask-19 ids; merge them into the label set first')
    .option('--json', jsonHelp)
    .action(async (folder: string, options: StatsOptions) => {
      const { out, merge = false } = options;
      if (out !== undefined && extname(out).toLowerCase() !== '.svg') {
        throw new FaceparseError(`the chart is an SVG image; use --out ${svgName(out)}`, { exitCode: 2 });
      }
      if (out !== undefined) requirePackages('drawing a chart', ['echarts']);
      const [{ datasetStatistics, formatStatisticsTable }, { listSplits }, { labelSetOfOption }] = await Promise.all([
        import('../../../data/dataset/statistics.ts'),
        import('../../../data/checks/check-dataset.ts'),
        import('../../label-set-option.ts'),
      ]);
      const set = await labelSetOfOption(options.labels);
      const count = async (one: string): Promise<DatasetStatistics> => {
        const counted = await runTask('counting', options, (controls) =>
          datasetStatistics(one, set, { ...controls, merge }),
        );
        const { doubt } = counted;
        if (doubt !== undefined) printNotice(`warning: ${doubt}; run faceparse data check ${one}`);
        return counted;
      };
      const splits = await withMasks(folder, await listSplits(folder));
      if (splits.length > 0) {
        if (out !== undefined) {
          throw new FaceparseError(
            `--out draws a chart of one split, but ${folder} contains ${splits.join(', ')}; use one of them`,
            { exitCode: 2 },
          );
        }
        const counted: DatasetStatistics[] = [];
        for (const split of splits) counted.push(await count(join(folder, split)));
        if (options.json) return printJson({ splits: counted });
        return printText(counted.map(formatStatisticsTable).join('\n\n'));
      }
      const statistics = await count(folder);
      if (out !== undefined) {
        const [{ statisticsChart }, { writeFileAtomic }] = await Promise.all([
          import('../../../charts/statistics-chart.ts'),
          import('../../../files/atomic-write.ts'),
        ]);
        await writeFileAtomic(out, await statisticsChart(statistics));
      }
      if (options.json) return printJson(statistics);
      printText(formatStatisticsTable(statistics));
      if (out !== undefined) printText(`\nwrote the chart ${out}`);
    });
}

/** The splits that have masks; a test split often has none. */
async function withMasks(folder: string, splits: readonly string[]): Promise<string[]> {
  const found: string[] = [];
  for (const split of splits) if (await isFolder(join(folder, split, 'masks'))) found.push(split);
  return found;
}

/** The name with .svg instead of the extension of another format. */
function svgName(out: string): string {
  return `${out.replace(/\.(png|jpe?g|webp|gif|pdf|eps|html?|json|csv|txt)$/i, '')}.svg`;
}
