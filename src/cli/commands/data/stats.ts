import { extname } from 'node:path';
import type { Command } from 'commander';
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
    .argument('<folder>', 'dataset folder with images/ (photos) and masks/ (PNG files of class ids)')
    .option('--out <chart.svg>', 'also write the numbers as an SVG chart')
    .option('--labels <set>', 'label set to count', 'celebamask-19')
    .option('--merge', 'the masks contain celebamask-19 ids; merge them into the label set first')
    .option('--json', jsonHelp)
    .action(async (folder: string, options: StatsOptions) => {
      const { out, merge = false } = options;
      if (out !== undefined && extname(out).toLowerCase() !== '.svg') {
        throw new FaceparseError(`the chart is an SVG image; use --out ${svgName(out)}`, { exitCode: 2 });
      }
      if (out !== undefined) requirePackages('drawing a chart', ['echarts']);
      const [{ datasetStatistics, formatStatisticsTable }, { getLabelSet }] = await Promise.all([
        import('../../../data/dataset/statistics.ts'),
        import('../../../labels/registry.ts'),
      ]);
      const set = getLabelSet(options.labels);
      const statistics = await runTask('counting', options, (controls) =>
        datasetStatistics(folder, set, { ...controls, merge }),
      );
      if (out !== undefined) {
        const [{ statisticsChart }, { writeFileAtomic }] = await Promise.all([
          import('../../../charts/statistics-chart.ts'),
          import('../../../files/atomic-write.ts'),
        ]);
        await writeFileAtomic(out, await statisticsChart(statistics));
      }
      const { doubt } = statistics;
      if (doubt !== undefined) printNotice(`warning: ${doubt}; run faceparse data check ${folder}`);
      if (options.json) return printJson(statistics);
      printText(formatStatisticsTable(statistics));
      if (out !== undefined) printText(`\nwrote the chart ${out}`);
    });
}

/** The name with .svg instead of the extension of another format. */
function svgName(out: string): string {
  return `${out.replace(/\.(png|jpe?g|webp|gif|pdf|eps|html?|json|csv|txt)$/i, '')}.svg`;
}
