import { extname } from 'node:path';
import { type Command, Option } from 'commander';
import type { CheckResult } from '../../../data/checks/finding.ts';
import type { LabelSet } from '../../../labels/label-set.ts';
import type { SuspectSearch } from '../../../suspects/suspect.ts';
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
import { addEngineOptions, type EngineOptions, engineChoice } from '../../engine-options.ts';

interface CheckOptions extends JsonOption, EngineOptions {
  runs?: string[];
  top?: number;
  page?: string;
  repairOut?: string;
  swapSides?: boolean;
  limit: number;
  labels?: string;
}

/** Suspects that are listed and drawn unless `--top` says otherwise. */
const usualTop = 20;

/** `faceparse data check FOLDER`; exit code 1 if files have faults. Swapped sides do not count: training repairs them, or `--swap-sides`. */
export function registerDataCheck(data: Command): void {
  const command = data
    .command('check')
    .description('read every photo and mask of a dataset folder and list the faults')
    .argument(
      '<folder>',
      'folder with images/ (photos) and masks/ (PNG files of class ids), or with splits: train/, val/',
    )
    .option('--repair-out <folder>', 'write all masks to this new folder, with swapped sides repaired')
    .option('--swap-sides', 'with --repair-out: the masks name left and right as the viewer sees them; swap all')
    .option('--limit <count>', 'maximum findings listed per kind; the rest are only counted', wholeNumber(0, 1e6), 10)
    .addOption(
      new Option(
        '--labels <set>',
        'label set of the masks: a name, or a configuration or run with its own (default: celebamask-19)',
      ).conflicts('runs'),
    )
    .addOption(
      new Option(
        '--runs <run...>',
        'also rank the masks by how much they contradict the networks of these runs; only pairs that a run never saw count (train with data.folds)',
      ).conflicts(['repairOut', 'swapSides']),
    )
    .option('--top <count>', `with --runs: maximum suspects listed (default: ${usualTop})`, wholeNumber(1, 1e6))
    .option('--page <file>', 'with --runs: write the suspects with their pictures to this HTML file')
    .option('--json', jsonHelp);
  addEngineOptions(command).action(runCheck);
}

async function runCheck(folder: string, options: CheckOptions): Promise<void> {
  requireUsefulOptions(options);
  const { repairOut, runs } = options;
  const [{ listSplits }, { labelSetOfOption }] = await Promise.all([
    import('../../../data/checks/check-dataset.ts'),
    import('../../label-set-option.ts'),
  ]);
  const splits = await listSplits(folder);
  const judged = runs === undefined ? undefined : '--runs judges the masks of one split';
  const work = repairOut === undefined ? judged : '--repair-out writes the masks of one split';
  if (work !== undefined && splits.length > 0) {
    throw new FaceparseError(`${work}, but ${folder} contains ${splits.join(', ')}; use one of them`, { exitCode: 2 });
  }
  if (runs !== undefined) return checkWithRuns(folder, { ...options, runs });
  const set = await labelSetOfOption(options.labels ?? 'celebamask-19');
  if (repairOut !== undefined) await requireFreeFolder(repairOut);
  await (splits.length > 0 ? checkAll(folder, set, options) : checkOne(folder, set, options));
}

/** Refuses options that would have no effect. */
function requireUsefulOptions(options: CheckOptions): void {
  const { swapSides, repairOut, runs, page } = options;
  if (swapSides && repairOut === undefined) {
    throw new FaceparseError('--swap-sides writes new masks; add --repair-out NEW_FOLDER', { exitCode: 2 });
  }
  const needRuns = (['top', 'page', 'engine', 'device', 'threads'] as const).find(
    (name) => options[name] !== undefined,
  );
  if (runs === undefined && needRuns !== undefined) {
    throw new FaceparseError(`--${needRuns} applies only to --runs; add --runs RUN, or remove it`, { exitCode: 2 });
  }
  if (page !== undefined && !['.html', '.htm'].includes(extname(page).toLowerCase())) {
    throw new FaceparseError(`the page is an HTML file; use --page ${page}.html`, { exitCode: 2 });
  }
}

/** The check of a folder, and the masks that contradict networks which never saw them. */
async function checkWithRuns(folder: string, options: CheckOptions & { readonly runs: string[] }): Promise<void> {
  const { runs, page, limit, top = usualTop } = options;
  const [{ findSuspects }, { formatSuspects }, { checkDataset }, { formatCheckReport }, { requireWritable }] =
    await Promise.all([
      import('../../../suspects/find-suspects.ts'),
      import('../../../suspects/suspects-report.ts'),
      import('../../../data/checks/check-dataset.ts'),
      import('../../../data/checks/report.ts'),
      import('../../../files/require-writable.ts'),
    ]);
  if (page !== undefined) await requireWritable(page, { option: '--page' });
  const engine = engineChoice(options);
  const pictures = page === undefined ? 0 : top;
  const search = await runTask('judging', options, (controls) =>
    findSuspects(folder, { runs, engine, pictures, ...controls }),
  );
  const { celebamask19 } = await import('../../../labels/celebamask-19.ts');
  // Masks whose classes the runs merge contain celebamask-19 ids.
  const fileSet = search.labelSet.mergeFrom ? celebamask19 : search.labelSet;
  const found = await runTask('checking', options, (controls) => checkDataset(folder, fileSet, controls));
  if (page !== undefined) await writePage(page, search);
  if (isFaulty(found)) process.exitCode = 1;
  if (options.json) return printJson({ ...found, suspects: suspectsForJson(search), ...(page && { page }) });
  printText(`${formatCheckReport(found, { limit })}\n\n${formatSuspects(search, top)}`);
  if (page !== undefined) printText(`wrote ${page}`);
}

async function writePage(page: string, search: SuspectSearch): Promise<void> {
  const [{ suspectsPage }, { writeFileAtomic }] = await Promise.all([
    import('../../../suspects/suspects-page.ts'),
    import('../../../files/atomic-write.ts'),
  ]);
  await writeFileAtomic(page, await suspectsPage(search));
}

function suspectsForJson({ pictures: _, labelSet, suspects, ...search }: SuspectSearch) {
  return { ...search, labelSet: labelSet.name, judged: suspects.length, masks: suspects };
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
