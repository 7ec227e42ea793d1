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
    .description('turn raw CelebAMask-HQ into a dataset folder')
    .argument('<source>', 'holds CelebAMask-HQ-img/ and CelebAMask-HQ-mask-anno/')
    .requiredOption('--out <folder>', 'new folder that gets images/ and masks/')
    .option('--size <pixels>', 'side of photos and masks', wholeNumber(8, 4096), 512)
    .option('--from <number>', 'first photo to take (0 where only --to is given)', wholeNumber(0, 1e7))
    .option('--to <number>', 'last photo to take, included', wholeNumber(0, 1e7))
    .option('--json', jsonHelp)
    .action(async (source: string, options: PrepareCommandOptions) => {
      const { out, size, from = 0, to } = options;
      if (to === undefined && options.from !== undefined) {
        throw new FaceparseError('--from needs --to: give the first and the last photo to take', { exitCode: 2 });
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
