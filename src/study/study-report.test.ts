import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import { temporaryFolder } from '../../test/dataset-fixture.ts';
import { studyGroup, studyResults } from '../../test/study-fixture.ts';
import { studyChart } from './study-chart.ts';
import { replaceSection, writeStudyReport } from './study-report.ts';
import { summarizeGroup } from './summary.ts';

const group = { name: 'g', title: 'A group' };
const summary = summarizeGroup(studyGroup, [...studyResults('base', [0.8, 0.9]), ...studyResults('other', [0.95])]);

describe('replaceSection', () => {
  it('replaces what stands between the markers and nothing else', () => {
    const around = (inner: string) => `before $&\r\n<!-- study:begin g -->${inner}<!-- study:end g -->\tafter`;
    const once = replaceSection(around('\nold\n'), group, "new $1 $' text");
    expect(once).toBe(around("\n\nnew $1 $' text\n\n"));
    expect(replaceSection(once, group, "new $1 $' text")).toBe(once);
  });

  it('leaves the sections of other groups', () => {
    const other = '<!-- study:begin gg -->\nkept\n<!-- study:end gg -->\n';
    expect(replaceSection(other, group, 'new')).toBe(
      `${other}\n## A group\n\n<!-- study:begin g -->\n\nnew\n\n<!-- study:end g -->\n`,
    );
  });

  it.each([
    '<!-- study:begin g -->',
    '<!-- study:end g -->',
    '<!-- study:end g --> <!-- study:begin g -->',
    '<!-- study:begin g --> <!-- study:begin g --> <!-- study:end g -->',
  ])('refuses %j', (document) => {
    expect(() => replaceSection(document, group, 'new')).toThrow(/must each occur once, in this order$/);
  });
});

describe('writeStudyReport', () => {
  it('writes tables into the document, and CSV and chart beside it', async () => {
    const file = join(await temporaryFolder(), 'notes.md');
    await writeFile(file, '# Mine\n\n<!-- study:begin g -->\n<!-- study:end g -->\n\nprose\n');
    const written = await writeStudyReport(file, [summary]);
    const folder = file.replace(/\.md$/, '');
    expect(written).toEqual([join(folder, 'g.csv'), join(folder, 'g.svg'), file]);
    const text = await readFile(file, 'utf8');
    expect(text).toMatch(/^# Mine\n\n<!-- study:begin g -->\n\n\*\*Does it matter\?\*\*/);
    expect(text).toContain('](notes/g.svg)');
    expect(text).toMatch(/<!-- study:end g -->\n\nprose\n$/);
    const again = await writeStudyReport(file, [summary]);
    expect(again).toEqual(written);
    expect(await readFile(file, 'utf8')).toBe(text);
  });

  it('begins a document where there is none, and has no chart of nothing', async () => {
    const file = join(await temporaryFolder(), 'study.md');
    const nothing = summarizeGroup(studyGroup, studyResults('base', ['missing', 'unfinished']));
    expect(await writeStudyReport(file, [nothing])).toEqual([join(file.replace(/\.md$/, ''), 'g.csv'), file]);
    expect(await readFile(file, 'utf8')).toMatch(/^# Study\n\n## A group\n\n<!-- study:begin g -->\n/);
  });

  it('changes nothing where the markers are wrong', async () => {
    const file = join(await temporaryFolder(), 'study.md');
    await writeFile(file, '<!-- study:begin g -->');
    await expect(writeStudyReport(file, [summary])).rejects.toMatchObject({
      exitCode: 2,
      message: expect.stringContaining(`${file}: '<!-- study:begin g -->' and `),
    });
    expect(await readFile(file, 'utf8')).toBe('<!-- study:begin g -->');
  });
});

describe('studyChart', () => {
  it('draws a line a variant with a finished run, named from the best to the worst', async () => {
    const svg = (await studyChart(summary))!;
    const texts = [...svg.matchAll(/<text[^>]*>([^<]*)<\/text>/g)].map((match) => match[1]);
    expect(texts.filter((text) => text === 'base' || text === 'other')).toEqual(['other', 'base']);
    expect(texts).toContain('A group');
    expect(await sharp(Buffer.from(svg)).metadata()).toMatchObject({ width: 960 });
    expect(await studyChart(summarizeGroup(studyGroup, studyResults('base', ['unfinished'])))).toBeUndefined();
  });
});
