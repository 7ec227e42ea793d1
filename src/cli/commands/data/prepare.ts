import type { Command } from 'commander';
import { FaceparseError } from '../../../text/errors.ts';
import {
  type JsonOption,
  jsonHelp,
  printJson,
  printText,
  requireFreeFolder,
  runTask,
  wholeNumber,
} from '../../command.ts';

interface PrepareCommandOptions extends JsonOption {
  out: string;
  size: number;
  from?: number;
  to?: number;
}

/** `faceparse data prepare SOURCE --out DIR` */
export function registerDataPrepare(data: Command): void {
  data
    .command('prepare')
    .description('convert raw CelebAMask-HQ to a dataset folder')
    .argument('<source>', 'folder with CelebAMask-HQ-img/ and CelebAMask-HQ-mask-anno/')
    .requiredOption('--out <folder>', 'new folder for images/ and masks/')
    .option('--size <pixels>', 'side of photos and masks in pixels', wholeNumber(8, 4096), 512)
    .option('--from <number>', 'first photo to convert (default with --to: 0)', wholeNumber(0, 1e7))
    .option('--to <number>', 'last photo to convert, inclusive', wholeNumber(0, 1e7))
    .option('--json', jsonHelp)
    .action(async (source: string, options: PrepareCommandOptions) => {
      const { out, size, from = 0, to } = options;
      if (to === undefined && options.from !== undefined) {
        throw new FaceparseError('--from requires --to: give the first and the last photo', { exitCode: 2 });
      }
      await requireFreeFolder(out);
      const { prepareCelebAMaskHq } = await import('../../../data/dataset/prepare.ts');
      const ids = to === undefined ? undefined : { first: from, last: to };
      const result = await runTask('preparing', options, (controls) =>
        prepareCelebAMaskHq({ source, out, size, ...(ids && { ids }), ...controls }),
      );
      if (options.json) return printJson({ folder: out, ...result });
      printText(`wrote ${result.pairs} pairs of ${size}×${size} to ${out} (images/ and masks/)`);
      printText(`next: faceparse data check ${out}`);
    });
}
