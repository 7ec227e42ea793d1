import { join } from 'node:path';
import type { Command } from 'commander';
import {
  type JsonOption,
  jsonHelp,
  printJson,
  printText,
  requireFreeFolder,
  runTask,
  wholeNumber,
} from '../../command.ts';
import { formatTable } from '../../format.ts';

interface SynthesizeOptions extends JsonOption {
  count: number;
  valCount?: number;
  size: number;
  seed: number;
}

/** `faceparse data synthesize DIR`: DIR/train and DIR/val */
export function registerDataSynthesize(data: Command): void {
  data
    .command('synthesize')
    .description('draw synthetic faces with exact masks into DIR/train and DIR/val')
    .argument('<dir>', 'data folder for train/ and val/')
    .option('--count <n>', 'faces in train/', wholeNumber(1, 100_000), 200)
    .option('--val-count <n>', 'faces in val/; 0 for none (default: a quarter of --count)', wholeNumber(0, 100_000))
    .option('--size <pixels>', 'side of the images in pixels', wholeNumber(16, 2048), 128)
    .option('--seed <n>', 'random seed; the same seed gives the same faces', wholeNumber(0, Number.MAX_SAFE_INTEGER), 0)
    .option('--json', jsonHelp)
    .action(async (folder: string, options: SynthesizeOptions) => {
      const { count, size, seed } = options;
      const splits = [
        { split: 'train', count },
        { split: 'val', count: options.valCount ?? Math.max(1, Math.round(count / 4)) },
      ].filter((entry) => entry.count > 0);
      for (const { split } of splits) await requireFreeFolder(join(folder, split));
      const { writeSyntheticDataset } = await import('../../../synthetic/dataset.ts');
      const total = splits.reduce((sum, entry) => sum + entry.count, 0);
      const written = await runTask('drawing', options, async ({ signal, onProgress }) => {
        const results: { split: string; folder: string; count: number }[] = [];
        let before = 0;
        for (const entry of splits) {
          const target = await writeSyntheticDataset({
            folder,
            ...entry,
            size,
            seed,
            onProgress: (done) => {
              // Thrown in here, it lets the writer remove the half-filled folder.
              signal.throwIfAborted();
              onProgress(before + done, total);
            },
          });
          before += entry.count;
          results.push({ split: entry.split, folder: target, count: entry.count });
        }
        return results;
      });
      if (options.json) return printJson({ size, seed, splits: written });
      const rows = written.map((entry) => [entry.folder, String(entry.count), `${size}×${size}`]);
      printText(formatTable([{ title: 'folder' }, { title: 'faces', align: 'right' }, { title: 'pixels' }], rows));
    });
}
