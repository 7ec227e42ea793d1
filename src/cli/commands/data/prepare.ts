import { join } from 'node:path';
import { type Command, Option } from 'commander';
import type { PrepareResult } from '../../../data/celebamask-hq/prepare.ts';
import { countOf, formatCount } from '../../../text/counts.ts';
import { FaceparseError } from '../../../text/errors.ts';
import { nameSome } from '../../../text/name-some.ts';
import {
  type JsonOption,
  jsonHelp,
  printJson,
  printNotices,
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
  split?: 'official';
}

/** `faceparse data prepare SOURCE --out DIR`; exit code 1 if faces were left out. */
export function registerDataPrepare(data: Command): void {
  data
    .command('prepare')
    .description('convert CelebAMask-HQ as downloaded, zip or unpacked, to a dataset folder')
    .argument('<source>', 'CelebAMask-HQ.zip, or the folder with CelebA-HQ-img/ and CelebAMask-HQ-mask-anno/')
    .requiredOption('--out <folder>', 'new folder for images/ and masks/')
    .option('--size <pixels>', 'side of photos and masks in pixels', wholeNumber(8, 4096), 512)
    .option('--from <number>', 'first photo to convert (default with --to: 0)', wholeNumber(0, 1e7))
    .option('--to <number>', 'last photo to convert, inclusive', wholeNumber(0, 1e7))
    .addOption(
      new Option(
        '--split <name>',
        'write OUT/train, OUT/val and OUT/test by CelebA-HQ-to-CelebA-mapping.txt of the download',
      ).choices(['official']),
    )
    .option('--json', jsonHelp)
    .action(async (source: string, options: PrepareCommandOptions) => {
      const { out, size, from = 0, to, split } = options;
      if (to === undefined && options.from !== undefined) {
        throw new FaceparseError('--from requires --to: give the first and the last photo', { exitCode: 2 });
      }
      await requireFreeFolder(out);
      const { prepareCelebAMaskHq } = await import('../../../data/celebamask-hq/prepare.ts');
      const ids = to === undefined ? undefined : { first: from, last: to };
      const result = await runTask('preparing', options, (controls) =>
        prepareCelebAMaskHq({ source, out, size, ...(ids && { ids }), ...(split && { split }), ...controls }),
      );
      const { failures, unreadable } = result;
      if (failures.length + unreadable.length > 0) process.exitCode = 1;
      printNotices([...unreadable, ...failures.map((failure) => failure.message)]);
      if (options.json) return printJson({ folder: out, ...result });
      printText(describe(result, out));
    });
}

function describe(result: PrepareResult, out: string): string {
  const { pairs, size, splits, failures, leftAlone, unknownParts, partsWithoutPhoto, missingPhotos, withoutSkin } =
    result;
  const where = splits
    ? `: train ${formatCount(splits.train)}, val ${formatCount(splits.val)}, test ${formatCount(splits.test)}`
    : ' (images/ and masks/)';
  const lines = [`wrote ${countOf(pairs, 'pair')} of ${size}×${size} to ${out}${where}`];
  if (failures.length > 0) lines.push(`left out: ${countOf(failures.length, 'face')}; the reasons are above`);
  if (leftAlone.length > 0) {
    lines.push(`left alone: ${countOf(leftAlone.length, 'other file')} (${nameSome(leftAlone, 5)})`);
  }
  if (unknownParts.length > 0) {
    lines.push(
      `left alone: ${countOf(unknownParts.length, 'unknown part')}, which celebamask-19 does not have (${nameSome(unknownParts, 5)})`,
    );
  }
  if (partsWithoutPhoto > 0) {
    lines.push(
      `left alone: ${countOf(partsWithoutPhoto, 'part')} of ${countOf(missingPhotos.length, 'photo')} that the download does not contain (${nameSome(missingPhotos.map(String), 5)})`,
    );
  }
  if (withoutSkin.length > 0) {
    lines.push(
      `note: ${countOf(withoutSkin.length, 'face has', 'faces have')} no skin part (${nameSome(withoutSkin.map(String), 5)}); compare the masks with the photos`,
    );
  }
  const written = splits ? (['train', 'val', 'test'] as const).filter((name) => splits[name] > 0) : [];
  const folders = splits ? written.map((name) => join(out, name)) : [out];
  lines.push(...folders.map((folder, index) => `${index === 0 ? 'next:' : '     '} faceparse data check ${folder}`));
  return lines.join('\n');
}
