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

interface CheckOptions extends JsonOption {
  repairOut?: string;
  limit: number;
  labels: string;
}

/** `faceparse data check FOLDER`; exit code 1 if files have faults. Swapped sides do not count: training repairs them. */
export function registerDataCheck(data: Command): void {
  data
    .command('check')
    .description('read every photo and mask of a dataset folder and list the faults')
    .argument('<folder>', 'dataset folder with images/ (photos) and masks/ (PNG files of class ids)')
    .option('--repair-out <folder>', 'write all masks to this new folder, with swapped sides repaired')
    .option('--limit <count>', 'maximum findings listed per kind; the rest are only counted', wholeNumber(0, 1e6), 10)
    .option('--labels <set>', 'label set of the masks', 'celebamask-19')
    .option('--json', jsonHelp)
    .action(async (folder: string, options: CheckOptions) => {
      const [{ checkDataset, formatCheckReport }, { repairDataset }, { getLabelSet }] = await Promise.all([
        import('../../../data/dataset/check.ts'),
        import('../../../data/dataset/repair.ts'),
        import('../../../labels/registry.ts'),
      ]);
      const set = getLabelSet(options.labels);
      const { repairOut } = options;
      if (repairOut !== undefined) await requireFreeFolder(repairOut);
      const result = await runTask('checking', options, (controls) => checkDataset(folder, set, controls));
      if (result.problems.length > 0) process.exitCode = 1;
      if (!options.json) printText(formatCheckReport(result, { limit: options.limit }));
      const repaired =
        repairOut === undefined
          ? undefined
          : await runTask('repairing', options, (controls) => repairDataset(folder, repairOut, set, controls));
      if (options.json)
        return printJson({ ...result, ...(repaired && { repaired: { folder: repairOut, ...repaired } }) });
      if (repaired) {
        const { masks, swapped, misplaced } = repaired;
        const mended = `${swapped.length + misplaced.length} of them repaired`;
        printText(`\nwrote ${masks} masks to ${repairOut}/masks, ${mended}; photos are not copied`);
      } else if (result.swapped.length + result.misplaced.length > 0) {
        printText(`\nto write repaired masks: faceparse data check ${folder} --repair-out NEW_FOLDER`);
      }
    });
}
