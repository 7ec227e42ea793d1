import { mkdir, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { jpegBytes, schematicFace, temporaryFolder, writeDataset } from '../../../test/dataset-fixture.ts';
import { celebamask19 } from '../../labels/celebamask-19.ts';
import { checkDataset } from './check-dataset.ts';
import type { CheckResult, DatasetProblem } from './finding.ts';
import { formatCheckReport, formatSplitsReport } from './report.ts';

async function dataset(stems: readonly string[]): Promise<string> {
  return writeDataset(await temporaryFolder(), Object.fromEntries(stems.map((stem) => [stem, schematicFace()])));
}

async function reportOf(folder: string, limit = 10): Promise<string> {
  return formatCheckReport(await checkDataset(folder, celebamask19), { limit }).replaceAll(folder, 'DATA');
}

const nothing: CheckResult = {
  folder: 'DATA',
  pairs: 2,
  maskSuffix: '',
  leftAlone: [],
  problems: [],
  swapped: [],
  misplaced: [],
  duplicates: [],
};

describe('formatCheckReport', () => {
  it('gives one fix for all photos without a mask', async () => {
    const stems = ['a', 'b', 'c', 'd', 'e', 'f'];
    const folder = await dataset(stems);
    for (const stem of stems.slice(1)) {
      await rename(join(folder, 'masks', `${stem}.png`), join(folder, 'masks', `mask_${stem}.png`));
    }
    const section = (await reportOf(folder, 2)).split('\n\n').find((part) => part.startsWith('photo without a mask'));
    expect(section?.split('\n')).toEqual([
      'photo without a mask: 5',
      '  DATA/images/b.jpg has no mask DATA/masks/b.png',
      '  DATA/images/c.jpg has no mask DATA/masks/c.png',
      '  … and 3 more',
      expect.stringMatching(/^ {2}→ masks\/ contains mask_b\.png, mask_c\.png, mask_d\.png and 2 more; name each mask/),
    ]);
  });

  it('lists different fixes after their files, within the limit', () => {
    const problem = (file: string, remedy: string): DatasetProblem => ({
      kind: 'unreadable-mask',
      stem: file,
      file,
      message: 'is bad',
      remedy,
    });
    const problems = [problem('a', 'x'), problem('b', 'y'), problem('c', 'x'), problem('d', 'z'), problem('e', 'y')];
    const lines = (limit: number) =>
      formatCheckReport({ ...nothing, problems }, { limit })
        .split('\n')
        .slice(2, -2);
    const heading = 'unreadable mask: 5';
    const x = ['  a is bad', '  c is bad', '  → x'];
    expect(lines(10)).toEqual([heading, ...x, '  b is bad', '  e is bad', '  → y', '  d is bad', '  → z']);
    expect(lines(3)).toEqual([
      heading,
      ...x,
      '  b is bad',
      '  … and 1 more',
      '  → y',
      '  … and 1 more with other fixes',
    ]);
    expect(lines(2)).toEqual([heading, ...x, '  … and 3 more with other fixes']);
    expect(lines(1)).toEqual([heading, '  a is bad', '  … and 1 more', '  → x', '  … and 3 more with other fixes']);
    expect(lines(0)).toEqual([heading, '  … and 5 more']);
  });

  it('names the option that repairs sides, unless it is in use', () => {
    const result = { ...nothing, swapped: [{ stem: 'a', parts: ['eye'], evidence: [] }] };
    const advice = '  → training repairs them itself; --repair-out NEW_FOLDER writes corrected masks';
    expect(formatCheckReport(result)).toContain(advice);
    expect(formatCheckReport(result, { repairing: true })).not.toContain('→');
  });

  it('lists a broken link in masks/ once', async () => {
    const folder = await dataset(['a']);
    await symlink(join(folder, 'gone.png'), join(folder, 'masks/link.png'));
    const { problems } = await checkDataset(folder, celebamask19);
    expect(problems).toMatchObject([{ kind: 'unreadable-mask', stem: 'link', message: 'is a broken link' }]);
  });

  it('names labels/ with masks of the same names instead of reporting photos without masks only', async () => {
    const folder = await dataset(['a', 'b']);
    await rename(join(folder, 'masks'), join(folder, 'labels'));
    const report = await reportOf(folder);
    expect(report).toContain(
      'masks in another folder: 1\n  DATA has no masks in masks/, but labels/ contains PNGs with the names of the photos\n' +
        '  → if they are the masks, rename labels/ to masks/\n\n1 problem',
    );
  });

  it('names the subfolders with the photos', async () => {
    const folder = await dataset(['a']);
    await rm(join(folder, 'images/a.jpg'));
    await mkdir(join(folder, 'images/anna'));
    await writeFile(join(folder, 'images/anna/a.jpg'), await jpegBytes(32, 32));
    expect(await reportOf(folder)).toContain(
      'photos in subfolders: 1\n  DATA/images contains no photos, but its subfolders do: anna\n  → move the photos up into images/\n',
    );
  });
});

describe('formatSplitsReport', () => {
  it('ends with the totals', () => {
    const photosOnly: CheckResult = { ...nothing, pairs: 0, photosOnly: 3 };
    const swapped = { ...nothing, swapped: [{ stem: 'a', parts: ['eye'], evidence: [] }] };
    const total = (splits: CheckResult[]) =>
      formatSplitsReport({ folder: 'DATA', splits, duplicatesAcross: [] }).split('\n').at(-1);
    expect(total([nothing, nothing])).toBe('total of 2 splits: 4 pairs; no problems found');
    expect(total([swapped, photosOnly])).toBe(
      'total of 2 splits: 2 pairs, 3 photos without masks; 0 problems, 1 mask to repair',
    );
  });
});
