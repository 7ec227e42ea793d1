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
}

function listEntries(heading: string, entries: readonly string[], { limit = 10 }: ReportOptions): string[] {
  const lines = ['', `${heading}: ${entries.length}`, ...entries.slice(0, limit).map((entry) => `  ${entry}`)];
  if (entries.length > limit) lines.push(`  … and ${entries.length - limit} more`);
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
  if (lines.length > 0) lines.push('  → repair writes corrected copies of the masks to another folder');
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
    const describe = ({ file, message }: DatasetProblem): string => `${file} ${message}`;
    lines.push(...listEntries(headings[kind], ofKind.map(describe), options));
    for (const remedy of new Set(ofKind.map((problem) => problem.remedy))) lines.push(`  → ${remedy}`);
  }
  lines.push(
    ...listDuplicates('nearly the same photo', duplicates, 'keep one of each, or keep them in one split', options),
  );
  const toRepair = countRepairable(result);
  if (toRepair > 0) lines.push(...listSides(result, options));
  const counts = [
    countOf(problems.length, 'problem'),
    ...(toRepair > 0 ? [`${countOf(toRepair, 'mask')} to repair`] : []),
    ...(duplicates.length > 0 ? [`${countOf(duplicates.length, 'repeated photo')}`] : []),
  ];
  lines.push('', problems.length === 0 && counts.length === 1 ? 'no problems found' : counts.join(', '));
  return lines.join('\n');
}

/** Formats the result of `checkSplits`: the report of every split, then the photos that occur in two splits. */
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
  return [
    ...splits.map((split) => formatCheckReport(split, options)),
    ...(across.length > 0 ? [across.slice(1).join('\n')] : []),
  ].join('\n\n');
}
