import { countOf } from '../../text/counts.ts';
import { leftAloneNotes } from '../dataset/list-images.ts';
import type {
  CheckResult,
  DatasetProblem,
  NearDuplicate,
  ProblemKind,
  SidesFinding,
  SplitsCheckResult,
} from './finding.ts';

const headings: Record<ProblemKind, string> = {
  'empty-dataset': 'empty folder',
  'photos-elsewhere': 'photos in subfolders',
  'masks-elsewhere': 'masks in another folder',
  'missing-mask': 'photo without a mask',
  'missing-photo': 'mask without a photo',
  'duplicate-photo': 'two photos with one name',
  'duplicate-mask': 'two masks with one name',
  'unreadable-photo': 'unreadable photo',
  'unreadable-mask': 'unreadable mask',
  'unreadable-file': 'file or folder that cannot be read',
  'mask-format': 'mask that is not a PNG',
  'size-mismatch': 'photo and mask differ in size',
  'exif-orientation': 'mask made without the EXIF orientation of its photo',
  'shifted-ids': 'ids that are 1 too high or too low',
  'class-order': 'class order of another program',
  'palette-order': 'ids contradict the palette of the file',
  'binary-mask': 'black-and-white mask, not class ids',
  'nothing-to-score': 'mask without a pixel to score',
  'stray-labels': 'labels outside the label set',
  'empty-mask': 'empty mask',
  'viewer-sides': 'left and right as the viewer sees them',
};

/** How much of a report is printed. */
export interface ReportOptions {
  /** Entries listed per kind; the rest are counted. Default 10. */
  readonly limit?: number;
  /** Whether repaired masks are being written, so that the advice to write them is left out. */
  readonly repairing?: boolean;
}

function listEntries(heading: string, entries: readonly string[], { limit = 10 }: ReportOptions): string[] {
  const lines = ['', `${heading}: ${entries.length}`, ...entries.slice(0, limit).map((entry) => `  ${entry}`)];
  if (entries.length > limit) lines.push(`  … and ${entries.length - limit} more`);
  return lines;
}

/** Problems of one kind, by their fix: files with the same fix are listed together, and the fix follows them. */
function listProblems(kind: ProblemKind, problems: readonly DatasetProblem[], { limit = 10 }: ReportOptions): string[] {
  const remedies = [...new Set(problems.map(({ remedy }) => remedy))];
  const lines = ['', `${headings[kind]}: ${problems.length}`];
  let [listed, covered] = [0, 0];
  for (const remedy of remedies) {
    // A fix without its files helps only if it is the only one.
    if (listed === limit && remedies.length > 1) break;
    const ofRemedy = problems.filter((problem) => problem.remedy === remedy);
    const some = ofRemedy.slice(0, limit - listed);
    lines.push(...some.map(({ file, message }) => `  ${file} ${message}`));
    if (some.length < ofRemedy.length) lines.push(`  … and ${ofRemedy.length - some.length} more`);
    lines.push(`  → ${remedy}`);
    listed += some.length;
    covered += ofRemedy.length;
  }
  const rest = problems.length - covered;
  if (rest > 0) lines.push(`  … and ${rest} more${covered > 0 ? ' with other fixes' : ''}`);
  return lines;
}

function listDuplicates(
  heading: string,
  duplicates: readonly NearDuplicate[],
  remedy: string,
  options: ReportOptions,
): string[] {
  if (duplicates.length === 0) return [];
  const entries = duplicates.map(
    ({ file, original, mirrored }) => `${file} ${mirrored ? 'mirrors' : 'repeats'} ${original}`,
  );
  return [...listEntries(heading, entries, options), `  → ${remedy}`];
}

function listSides({ swapped, misplaced }: CheckResult, options: ReportOptions): string[] {
  const describe = ({ stem, parts }: SidesFinding): string => `${stem}  ${parts.join(', ')}`;
  const lines: string[] = [];
  if (swapped.length > 0) {
    lines.push(
      ...listEntries('left and right swapped (eyes or brows in reversed order)', swapped.map(describe), options),
    );
  }
  if (misplaced.length > 0) {
    lines.push(...listEntries('a single part on the wrong side of the nose', misplaced.map(describe), options));
  }
  if (lines.length > 0 && !options.repairing) {
    lines.push('  → training repairs them itself; --repair-out NEW_FOLDER writes corrected masks');
  }
  return lines;
}

/**
 * The number of masks that `repairDataset` corrects; 0 if the masks follow another convention, which it refuses.
 *
 * @example countRepairable(await checkDataset('data/train', celebamask19)) // 74
 */
export function countRepairable({ problems, swapped, misplaced }: CheckResult): number {
  return problems.some(({ kind }) => kind === 'viewer-sides') ? 0 : swapped.length + misplaced.length;
}

function formatTotal(results: readonly CheckResult[], duplicatesAcross = 0): string {
  const sum = (count: (result: CheckResult) => number): number =>
    results.reduce((total, result) => total + count(result), 0);
  const problems = sum((result) => result.problems.length);
  const toRepair = sum(countRepairable);
  const duplicates = sum((result) => result.duplicates.length);
  const remarks = [
    ...(toRepair > 0 ? [`${countOf(toRepair, 'mask')} to repair`] : []),
    ...(duplicates > 0 ? [`${countOf(duplicates, 'repeated photo')}`] : []),
    ...(duplicatesAcross > 0 ? [`${countOf(duplicatesAcross, 'photo')} in two splits`] : []),
  ];
  if (problems === 0 && remarks.length === 0) return 'no problems found';
  return [countOf(problems, 'problem'), ...remarks].join(', ');
}

/**
 * Formats the result of `checkDataset` for a terminal: problems by kind with their fix, then the swapped masks. The first
 * `limit` (default 10) of each kind are listed, the rest are counted.
 */
export function formatCheckReport(result: CheckResult, options: ReportOptions = {}): string {
  const { photosOnly, problems, duplicates } = result;
  const lines = [
    photosOnly === undefined
      ? `${result.folder}: ${countOf(result.pairs, 'pair')} of photo and mask`
      : `${result.folder}: ${countOf(photosOnly, 'photo')}, no masks\n` +
        'Photos alone can be used with predict and submit. Training and evaluate need a mask for each photo in masks/.',
    ...(result.maskSuffix === '' ? [] : [`masks are named PHOTO${result.maskSuffix}.png`]),
    ...leftAloneNotes(result.leftAlone),
  ];
  for (const kind of Object.keys(headings) as ProblemKind[]) {
    const ofKind = problems.filter((problem) => problem.kind === kind);
    if (ofKind.length === 0) continue;
    lines.push(...listProblems(kind, ofKind, options));
  }
  lines.push(
    ...listDuplicates('nearly the same photo', duplicates, 'keep one of each, or keep them in one split', options),
  );
  const toRepair = countRepairable(result);
  if (toRepair > 0) lines.push(...listSides(result, options));
  lines.push('', formatTotal([result]));
  return lines.join('\n');
}

/** Formats the result of `checkSplits`: the report of every split, the photos that occur in two splits, and the totals. */
export function formatSplitsReport(
  { splits, duplicatesAcross }: SplitsCheckResult,
  options: ReportOptions = {},
): string {
  const across = listDuplicates(
    'nearly the same photo in two splits',
    duplicatesAcross,
    'remove them from one of the splits: scores on photos seen in training are too high',
    options,
  );
  const pairs = splits.reduce((total, split) => total + split.pairs, 0);
  const photosOnly = splits.reduce((total, split) => total + (split.photosOnly ?? 0), 0);
  const contents = [
    countOf(pairs, 'pair'),
    ...(photosOnly > 0 ? [`${countOf(photosOnly, 'photo')} without masks`] : []),
  ].join(', ');
  return [
    ...splits.map((split) => formatCheckReport(split, options)),
    ...(across.length > 0 ? [across.slice(1).join('\n')] : []),
    `total of ${countOf(splits.length, 'split')}: ${contents}; ${formatTotal(splits, duplicatesAcross.length)}`,
  ].join('\n\n');
}
