import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { temporaryFolder } from '../../test/dataset-fixture.ts';
import { studyRun } from '../../test/study-fixture.ts';
import { saveStudyTitles, studyTitleOf } from './study-titles.ts';

describe('study titles', () => {
  it('are found from the folders of the runs, and kept when other variants are trained', async () => {
    const out = join(await temporaryFolder(), 'runs');
    await saveStudyTitles(out, [studyRun('base')]);
    await saveStudyTitles(out, [studyRun('other', 0), studyRun('other', 1)]);
    expect(await studyTitleOf(join(out, 'g', 'other-s1'))).toBe('a | b');
    expect(await studyTitleOf(join(out, 'g', 'base-s0'))).toBe('nothing');
    expect(await studyTitleOf(join(out, 'g', 'third-s0'))).toBeUndefined();
    expect(await studyTitleOf(join(out, 'other', 'other-s0'))).toBeUndefined();
  });

  it('are missing, and no error, where the file is damaged or there is none', async () => {
    const out = await temporaryFolder();
    expect(await studyTitleOf(join(out, 'g', 'base-s0'))).toBeUndefined();
    await writeFile(join(out, 'titles.json'), '{"g/base": 3}');
    expect(await studyTitleOf(join(out, 'g', 'base-s0'))).toBeUndefined();
  });
});
