import type { Command } from 'commander';
import type { ConvertResult } from '../../../data/convert/convert.ts';
import { leftAloneNotes } from '../../../data/dataset/list-images.ts';
import { classOrders, getClassOrder } from '../../../labels/class-orders.ts';
import { countOf } from '../../../text/counts.ts';
import { FaceparseError } from '../../../text/errors.ts';
import {
  type JsonOption,
  jsonHelp,
  printJson,
  printNotices,
  printText,
  requireFreeFolder,
  runTask,
} from '../../command.ts';

interface ConvertCommandOptions extends JsonOption {
  out: string;
  from?: string;
  table?: string;
  palette?: string;
  swapSides?: boolean;
  force?: boolean;
}

/** `faceparse data convert FOLDER --from NAME --out DIR`; exit code 1 if masks were left out. */
export function registerDataConvert(data: Command): void {
  data
    .command('convert')
    .description('convert masks of another program or dataset to celebamask-19 ids')
    .argument('<folder>', 'dataset folder with images/ and masks/, or a folder of such splits')
    .requiredOption('--out <folder>', 'new folder for the converted masks and copies of the photos')
    .option(
      '--from <name>',
      `class order of the masks: ${classOrders.map(({ name, aliases }) => `${name} (or ${aliases.join(', ')})`).join('; ')}`,
    )
    .option('--table <file>', 'ids of the masks, a line for each: id and class, such as "7 hair"')
    .option('--palette <file>', 'colours of the masks, a line for each: class, red, green, blue')
    .option('--swap-sides', 'exchange left and right eyes, brows and ears')
    .option('--force', 'write the result even if the masks evidently have another class order')
    .option('--json', jsonHelp)
    .action(async (folder: string, options: ConvertCommandOptions) => {
      const { out, from, table, palette, swapSides = false, force = false } = options;
      if (from === undefined && table === undefined && palette === undefined) {
        const names = classOrders.map(({ name }) => name).join(', ');
        throw new FaceparseError(
          `give the form of the masks: --from NAME (${names}), --table FILE for other ids, or --palette FILE for colours`,
          { exitCode: 2 },
        );
      }
      if (from !== undefined && table !== undefined) {
        throw new FaceparseError('--from and --table both give the ids of the masks; use one of them', { exitCode: 2 });
      }
      const [{ readIdTable, readPalette }, { convertDataset }] = await Promise.all([
        import('../../../data/convert/table-file.ts'),
        import('../../../data/convert/convert.ts'),
      ]);
      const order = from === undefined ? undefined : getClassOrder(from, '; for another order, use --table FILE');
      const ids = table === undefined ? undefined : await readIdTable(table);
      const colors = palette === undefined ? undefined : await readPalette(palette);
      await requireFreeFolder(out);
      const result = await runTask('converting', options, (controls) =>
        convertDataset({
          folder,
          out,
          ...(order && { order }),
          ...(ids && { table: ids }),
          ...(colors && { palette: colors }),
          swapSides,
          force,
          ...controls,
        }),
      );
      if (result.failures.length > 0) process.exitCode = 1;
      const notes = options.json ? [] : leftAloneNotes(result.leftAlone);
      printNotices([...result.failures.map(({ message }) => message), ...notes, ...doubts(result)]);
      if (options.json) return printJson({ folder: out, ...result });
      printText(describe(result, out));
      if (order?.note !== undefined) printText(`note: ${order.note}`);
      printText(`next: faceparse data check ${out}`);
    });
}

/** What speaks against the result; the masks are written all the same. */
function doubts({ implausible, looksLike, sides }: ConvertResult): string[] {
  if (implausible.count > implausible.judged / 2) {
    const remedy =
      looksLike === undefined
        ? 'compare a mask with its photo'
        : looksLike === 'celebamask-19'
          ? 'the masks already have celebamask-19 ids and need no conversion'
          : `the masks look like ${looksLike}; try --from ${looksLike}`;
    return [
      `warning: ${implausible.count} of ${countOf(implausible.judged, 'converted mask')} do not look like a face, for example eyes above brows; ${remedy}`,
    ];
  }
  if (sides.exchanged > 0.8 * sides.judged) {
    return [
      `warning: left and right are exchanged in ${sides.exchanged} of ${countOf(sides.judged, 'converted mask')}; celebamask-19 means the person's left, so convert again with --swap-sides`,
    ];
  }
  return [];
}

function describe(result: ConvertResult, out: string): string {
  const { pairs, failures, photosWithoutMask, masksWithoutPhoto, pixels } = result;
  const lines = [`wrote ${countOf(pairs, 'pair')} to ${out}`];
  if (failures.length > 0) lines.push(`left out: ${countOf(failures.length, 'mask')}; the reasons are above`);
  if (photosWithoutMask > 0) lines.push(`left alone: ${countOf(photosWithoutMask, 'photo')} without a mask`);
  if (masksWithoutPhoto > 0) lines.push(`left alone: ${countOf(masksWithoutPhoto, 'mask')} without a photo`);
  const total = Object.values(pixels).reduce((sum, count) => sum + count, 0);
  const shares = Object.entries(pixels).map(([name, count]) => `${name} ${formatShare(count / total)}`);
  lines.push(`classes: ${shares.join(', ')}`);
  return lines.join('\n');
}

function formatShare(share: number): string {
  return share < 0.001 ? '< 0.1 %' : `${(100 * share).toFixed(1)} %`;
}
