import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { temporaryFolder } from '../../../test/dataset-fixture.ts';
import { formatColor, readIdTable, readPalette } from './table-file.ts';

async function file(text: string): Promise<string> {
  const path = join(await temporaryFolder(), 'table.txt');
  await writeFile(path, text);
  return path;
}

describe('readPalette', () => {
  test('ids, names, hexadecimal colours, separators, comments, heading, several colours of a class', async () => {
    const text = [
      '\ufeffid,r,g,b,name',
      '# comment',
      '0,0,0,0,background',
      '',
      'hair 255 0 0 any text',
      '1\t#CC0000\tskin',
      '13;0;0;204',
      'ignore 255 255 255',
    ];
    const { ids, other } = await readPalette(await file(text.join('\r\n')));
    expect([...ids]).toEqual([
      [0, 0],
      [0xff0000, 13],
      [0xcc0000, 1],
      [0x0000cc, 13],
      [0xffffff, 255],
    ]);
    expect(other).toBeUndefined();
  });

  test('* stands for the other colours', async () => {
    expect(await readPalette(await file('1 1 2 3\nignore *\n'))).toMatchObject({ other: 255 });
  });

  test.each([
    ['1 300 0 0', /table\.txt, line 1: "1 300 0 0" is not "class red green blue" or "class #rrggbb"/],
    ['# x\n\n1 2 3', /line 3: "1 2 3" is not/],
    ['1 #12345', /line 1: .* is not "class red/],
    ['19 1 2 3', /line 1: .* the ids of celebamask-19 are 0 to 18, and 255/],
    ['hiar 1 2 3', /line 1: celebamask-19 has no class 'hiar'; did you mean 'hair'/],
    ['1 1 2 3\n2 #010203', /line 2: the colour 1,2,3 is listed twice, for 1 and for 2/],
    ['# only a comment\n', /table\.txt is empty/],
  ])('refuses %j', async (text, message) => {
    await expect(readPalette(await file(text))).rejects.toThrow(message);
  });

  test('a file that does not exist, and a folder', async () => {
    await expect(readPalette('/nowhere/palette.txt')).rejects.toThrow(/palette\.txt: not found; check the path/);
    await expect(readPalette(await temporaryFolder())).rejects.toThrow(/cannot be read/);
    // Endless, with a size of 0.
    await expect(readPalette('/dev/zero')).rejects.toThrow(/zero: cannot be read \(it is a folder or device\)/);
  });
});

describe('readIdTable', () => {
  test('ids, names, ignore, heading and *', async () => {
    const { ids, other } = await readIdTable(await file('from to\n0 0\n7 hair their name\n8 ignore\n255 1\n* 255\n'));
    expect([...ids]).toEqual([
      [0, 0],
      [7, 13],
      [8, 255],
      [255, 1],
    ]);
    expect(other).toBe(255);
  });

  test.each([
    ['7', /line 1: "7" is not "id class", such as "7 hair"/],
    ['hair 7', /line 1: "hair 7" is not "id class"/],
    ['256 1', /line 1: "256 1" is not "id class"/],
    ['1 20', /the ids of celebamask-19 are 0 to 18/],
    ['1 2\n1 3', /line 2: the id 1 is listed twice, for 2 and for 3/],
  ])('refuses %j', async (text, message) => {
    await expect(readIdTable(await file(text))).rejects.toThrow(message);
  });
});

test('formatColor writes every colour as a palette reads it', async () => {
  const path = await file('');
  await fc.assert(
    fc.asyncProperty(fc.nat(0xffffff), async (color) => {
      await writeFile(path, `5 ${formatColor(color)}`);
      expect([...(await readPalette(path)).ids]).toEqual([[color, 5]]);
    }),
    { numRuns: 30 },
  );
});
