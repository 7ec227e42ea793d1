import type { Command } from 'commander';
import type { CheckResult } from '../../../data/checks/finding.ts';
import type { LabelSet } from '../../../labels/label-set.ts';
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

interface CheckOptions extends JsonOption {
  repairOut?: string;
  swapSides?: boolean;
  limit: number;
  labels: string;
}

/** `faceparse data check FOLDER`; exit code 1 if files have faults. Swapped sides do not count: training repairs them, or `--swap-sides`. */
export function registerDataCheck(data: Command): void {
  data
    .command('check')
    .description('read every photo and mask of a dataset folder and list the faults')
    .argument(
      '<folder>',
      'folder with images/ (photos) and masks/ (PNG files of class ids), or with splits: train/, val/',
    )
    .option('--repair-out <folder>', 'write all masks to this new folder, with swapped sides repaired')
    .option('--swap-sides', 'with --repair-out: the masks name left and right as the viewer sees them; swap all')
    .option('--limit <count>', 'maximum findings listed per kind; the rest are only counted', wholeNumber(0, 1e6), 10)
    .option('--labels <set>', 'label set of the masks: a name, or a configuration or run with its own', 'celebamask-19')
    .option('--json', jsonHelp)
    .action(async (folder: string, options: CheckOptions) => {
      const [{ listSplits }, { labelSetOfOption }] = await Promise.all([
        import('../../../data/checks/check-dataset.ts'),
        import('../../label-set-option.ts'),
      ]);
      const set = await labelSetOfOption(options.labels);
      const { repairOut, swapSides = false } = options;
      if (swapSides && repairOut === undefined) {
        throw new FaceparseError('--swap-sides writes new masks; add --repair-out NEW_FOLDER', { exitCode: 2 });
      }
      const splits = await listSplits(folder);
      if (repairOut !== undefined && splits.length > 0) {
        throw new FaceparseError(
          `--repair-out writes the masks of one split, but ${folder} contains ${splits.join(', ')}; use one of them`,
          { exitCode: 2 },
        );
      }
      if (repairOut !== undefined) await requireFreeFolder(repairOut);
      await (splits.length > 0 ? checkAll(folder, set, options) : checkOne(folder, set, options));
    });
}

/** Repeated photos within a split are a remark: they do no harm there. */
function isFaulty({ problems }: CheckResult): boolean {
  return problems.length > 0;
}

async function checkAll(folder: string, set: LabelSet, options: CheckOptions): Promise<void> {
  const [{ checkSplits }, { countRepairable, formatSplitsReport }] = await Promise.all([
    import('../../../data/checks/check-dataset.ts'),
    import('../../../data/checks/report.ts'),
  ]);
  const result = await runTask('checking', options, (controls) => checkSplits(folder, set, controls));
  if (result.splits.some(isFaulty) || result.duplicatesAcross.length > 0) process.exitCode = 1;
  if (options.json) return printJson(result);
  printText(formatSplitsReport(result, { limit: options.limit }));
  for (const split of result.splits) if (countRepairable(split) > 0) printText(repairHint(split.folder));
}

async function checkOne(folder: string, set: LabelSet, options: CheckOptions): Promise<void> {
  const { repairOut, swapSides = false } = options;
  const [{ checkDataset }, { countRepairable, formatCheckReport }, { repairDataset }] = await Promise.all([
    import('../../../data/checks/check-dataset.ts'),
    import('../../../data/checks/report.ts'),
    import('../../../data/dataset/repair.ts'),
  ]);
  const found = await runTask('checking', options, (controls) => checkDataset(folder, set, controls));
  // What --swap-sides corrects is no longer a problem; without the convention, the repair refuses.
  const result = swapSides ? withoutViewerSides(found) : found;
  if (isFaulty(result)) process.exitCode = 1;
  const repairing = repairOut !== undefined;
  if (!options.json) printText(formatCheckReport(result, { limit: options.limit, repairing }));
  const repaired =
    repairOut === undefined
      ? undefined
      : await runTask('repairing', options, (controls) =>
          repairDataset(folder, repairOut, set, { ...controls, swapSides }),
        );
  if (options.json) return printJson({ ...found, ...(repaired && { repaired: { folder: repairOut, ...repaired } }) });
  if (repaired) {
    const { masks, swapped, misplaced } = repaired;
    const changed = swapped.length + misplaced.length;
    const mended = swapSides ? `left and right swapped in ${changed} of them` : `${changed} of them repaired`;
    printText(`\nwrote ${masks} masks to ${repairOut}/masks, ${mended}; photos are not copied`);
  } else if (countRepairable(result) > 0) {
    printText(repairHint(folder));
  }
}

/** The result without the problem and the masks that `--swap-sides` corrects. */
function withoutViewerSides(result: CheckResult): CheckResult {
  const problems = result.problems.filter(({ kind }) => kind !== 'viewer-sides');
  return problems.length === result.problems.length ? result : { ...result, problems, swapped: [], misplaced: [] };
}

function repairHint(folder: string): string {
  return (
    '\nTraining repairs these masks itself (data.repair: true). ' +
    `To write repaired masks: faceparse data check ${folder} --repair-out NEW_FOLDER`
  );
}
