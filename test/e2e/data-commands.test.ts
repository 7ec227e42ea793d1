import { mkdir, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { jpegBytes, schematicFace, temporaryFolder, writeDataset } from '../dataset-fixture.ts';
import { askCli, runCli } from './run-cli.ts';

/** Two good masks and one with left and right exchanged. */
async function swappedDataset(): Promise<string> {
  const [fine, swapped] = [schematicFace(), schematicFace({ swapped: true })];
  return writeDataset(join(await temporaryFolder(), 'faces'), { a: fine, b: swapped, c: fine });
}

describe('data check', () => {
  it('passes a dataset without faults', async () => {
    const folder = await writeDataset(await temporaryFolder(), { a: schematicFace() });
    const { code, stdout, stderr } = await askCli(['data', 'check', folder]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toBe(`${folder}: 1 pair of photo and mask\n\nno problems found\n`);
  });

  it('reports swapped sides, which are no failure, and how to repair them', async () => {
    const folder = await swappedDataset();
    const { code, stdout } = await askCli(['data', 'check', folder]);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^ {2}b {2}eye, brow, ear$/m);
    expect(stdout).toContain('  → training repairs them itself; --repair-out NEW_FOLDER writes corrected masks\n');
    expect(stdout).toContain(`faceparse data check ${folder} --repair-out NEW_FOLDER`);
  });

  it('writes repaired masks, which a second check finds in order', async () => {
    const folder = await swappedDataset();
    const out = `${folder}-repaired`;
    const { code, stdout } = await askCli(['data', 'check', folder, '--repair-out', out]);
    expect(code).toBe(0);
    expect(stdout).toContain(`wrote 3 masks to ${out}/masks, 1 of them repaired`);
    expect(stdout).not.toContain('NEW_FOLDER');
    await mkdir(join(out, 'images'));
    for (const [seed, stem] of ['a', 'b', 'c'].entries()) {
      await writeFile(join(out, 'images', `${stem}.jpg`), await jpegBytes(32, 32, seed));
    }
    const again = await askCli(['data', 'check', out, '--json']);
    expect(JSON.parse(again.stdout)).toMatchObject({
      pairs: 3,
      problems: [],
      swapped: [],
      misplaced: [],
      duplicates: [],
    });
    const refused = await askCli(['data', 'check', folder, '--repair-out', out]);
    expect(refused.code).toBe(2);
    expect(refused.stderr).toMatch(/^faceparse: .* exists and is not empty; use a new folder[^\n]*\n$/);
  });

  it('fails with faulty files, in text and in JSON', async () => {
    const folder = await writeDataset(await temporaryFolder(), { a: schematicFace(), b: schematicFace() });
    await truncate(join(folder, 'images', 'a.jpg'), 300);
    const { code, stdout } = await askCli(['data', 'check', folder, '--limit', '0']);
    expect(code).toBe(1);
    expect(stdout).toMatch(/^unreadable photo: 1\n {2}… and 1 more$/m);
    const asJson = await askCli(['data', 'check', folder, '--json', '--repair-out', `${folder}-out`]);
    expect(asJson).toMatchObject({ code: 1, stderr: '' });
    const result = JSON.parse(asJson.stdout);
    expect(result.problems).toMatchObject([{ kind: 'unreadable-photo', stem: 'a' }]);
    expect(result.repaired).toMatchObject({ folder: `${folder}-out`, masks: 2, swapped: [] });
  });

  it('names masks that follow another convention, and swaps all their sides on demand only', async () => {
    const swapped = schematicFace({ swapped: true });
    const folder = await writeDataset(join(await temporaryFolder(), 'faces'), { a: swapped, b: swapped, c: swapped });
    const out = `${folder}-out`;
    const { code, stdout } = await askCli(['data', 'check', folder]);
    expect(code).toBe(1);
    expect(stdout).toContain('left and right as the viewer sees them: 1\n');
    expect(stdout).toContain(
      `→ swap the sides of all masks with faceparse data check ${folder} --repair-out NEW_FOLDER --swap-sides`,
    );
    const refused = await askCli(['data', 'check', folder, '--repair-out', out]);
    expect(refused.code).toBe(1);
    expect(refused.stderr).toMatch(
      /^faceparse: 3 of 3 masks in .*; to swap the sides of all masks, add --swap-sides\n$/,
    );
    const done = await askCli(['data', 'check', folder, '--repair-out', out, '--swap-sides']);
    expect(done.code).toBe(0);
    expect(done.stdout).toBe(
      `${folder}: 3 pairs of photo and mask\n\nno problems found\n\n` +
        `wrote 3 masks to ${out}/masks, left and right swapped in 3 of them; photos are not copied\n`,
    );
    const usage = await askCli(['data', 'check', folder, '--swap-sides']);
    expect(usage).toMatchObject({ code: 2, stdout: '' });
    expect(usage.stderr).toContain('--swap-sides writes new masks; add --repair-out NEW_FOLDER');
  });

  it('checks all splits of a data folder, and fails for photos that are in two of them', async () => {
    const data = await temporaryFolder();
    await writeDataset(join(data, 'train'), { a: schematicFace(), b: schematicFace() });
    await writeDataset(join(data, 'val'), { c: schematicFace({ without: [8] }) });
    const { code, stdout, stderr } = await askCli(['data', 'check', data]);
    expect({ code, stderr }).toEqual({ code: 1, stderr: '' });
    expect(stdout).toMatch(/train: 2 pairs of photo and mask\n\nno problems found\n\n\S*val: 1 pair of/);
    expect(stdout).toMatch(
      /nearly the same photo in two splits: 1\n {2}\S*c\.jpg repeats \S*a\.jpg\n {2}→ remove them from one/,
    );
    expect(stdout).toMatch(/\n\ntotal of 2 splits: 3 pairs; 0 problems, 1 photo in two splits\n$/);
    const asJson = JSON.parse((await askCli(['data', 'check', data, '--json'])).stdout);
    expect(asJson.splits).toMatchObject([
      { pairs: 2, duplicates: [] },
      { pairs: 1, duplicates: [] },
    ]);
    expect(asJson.duplicatesAcross).toMatchObject([{ stem: 'c', mirrored: false, similarity: 1 }]);
    const refused = await askCli(['data', 'check', data, '--repair-out', join(data, 'out')]);
    expect(refused.code).toBe(2);
    expect(refused.stderr).toMatch(/writes the masks of one split, but \S+ contains train, val; use one of them\n$/);
  });

  it('says of photos without masks what they can be used for, and names a split with masks', async () => {
    const folder = await temporaryFolder();
    await writeDataset(join(folder, 'val'), { a: schematicFace() });
    const test = await writeDataset(join(folder, 'test'), { a: schematicFace() });
    await rm(join(test, 'masks'), { recursive: true });
    const { code, stdout } = await askCli(['data', 'check', test]);
    expect(code).toBe(0);
    expect(stdout).toBe(
      `${test}: 1 photo, no masks\nPhotos alone can be used with predict and submit. ` +
        'Training and evaluate need a mask for each photo in masks/.\n\nno problems found\n',
    );
    const above = await askCli(['evaluate', '--data', folder]);
    expect(above.stderr).toMatch(/it contains the splits test, val; use one of them, e\.g\. \S*val\n$/);
    const predicted = await askCli(['predict', test, '--out', join(folder, 'masks')]);
    expect(predicted.code, predicted.stderr).toBe(0);
    expect(await readdir(join(folder, 'masks'))).toEqual(['a.png']);
  });

  it('fails for an empty dataset, and refuses a folder that is none', async () => {
    const folder = await temporaryFolder();
    const none = await askCli(['data', 'check', folder]);
    expect(none.code).toBe(2);
    expect(none.stderr).toMatch(
      /has no folder images\/; a dataset folder contains images\/ \(photos\) and masks\/ \(PNG\)\n$/,
    );
    await mkdir(join(folder, 'images'));
    const empty = await askCli(['data', 'check', folder]);
    expect(empty).toMatchObject({ code: 1, stderr: '' });
    expect(empty.stdout).toContain('empty folder: 1');
  });
});

describe('data stats', () => {
  it('prints a table, and draws a chart', async () => {
    const folder = await writeDataset(await temporaryFolder(), { a: schematicFace(), b: schematicFace() });
    const out = join(folder, 'chart.svg');
    const { code, stdout } = await askCli(['data', 'stats', folder, '--out', out]);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^ 2 +nose +1\.76 % +2 +100 % /m);
    expect(stdout).toContain(`wrote the chart ${out}`);
    expect(await readFile(out, 'utf8')).toMatch(/^<svg [\s\S]*nose[\s\S]*<\/svg>\s*$/);
  });

  it('counts ignored pixels apart', async () => {
    const face = schematicFace();
    const ignored = { ...face, data: face.data.map((id, at) => (at < 512 ? 255 : id)) };
    const folder = await writeDataset(await temporaryFolder(), { a: ignored });
    const { code, stdout } = await askCli(['data', 'stats', folder]);
    expect(code).toBe(0);
    expect(stdout).toContain('\n50.0 % of all pixels are ignored (255); shares are of the rest\n');
    const { pixels, ignoredPixels } = JSON.parse((await askCli(['data', 'stats', folder, '--json'])).stdout);
    expect({ pixels, ignoredPixels }).toEqual({ pixels: 512, ignoredPixels: 512 });
  });

  it('counts merged classes, in JSON', async () => {
    const folder = await writeDataset(await temporaryFolder(), { a: schematicFace() });
    const words = ['data', 'stats', folder, '--labels', 'face-8', '--merge', '--json'];
    const { code, stdout, stderr } = await askCli(words);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    const { classes } = JSON.parse(stdout);
    expect(classes).toHaveLength(8);
    expect(classes[3]).toMatchObject({ name: 'eyes', pixels: 16, images: 1 });
  });

  it('counts every split with masks of a data folder', async () => {
    const data = await temporaryFolder();
    for (const split of ['test', 'train', 'val']) await writeDataset(join(data, split), { a: schematicFace() });
    await rm(join(data, 'test/masks'), { recursive: true });
    const { code, stdout, stderr } = await askCli(['data', 'stats', data]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toMatch(/^\S*train: 1 mask, [\s\S]*\n\n\S*val: 1 mask, /);
    const asJson = JSON.parse((await askCli(['data', 'stats', data, '--json'])).stdout);
    expect(asJson.splits).toMatchObject([{ folder: join(data, 'train') }, { folder: join(data, 'val') }]);
    const chart = await askCli(['data', 'stats', data, '--out', join(data, 'chart.svg')]);
    expect(chart.code).toBe(2);
    expect(chart.stderr).toMatch(/draws a chart of one split, but \S+ contains train, val; use one of them\n$/);
  });

  it('sends masks that are evidently wrong to data check, and counts in the singular', async () => {
    const face = schematicFace();
    const folder = await writeDataset(await temporaryFolder(), { a: { ...face, data: face.data.map(() => 1) } });
    const { code, stdout, stderr } = await askCli(['data', 'stats', folder]);
    expect(code).toBe(0);
    expect(stderr).toBe(
      `faceparse: warning: at most two classes, as in a binary mask, in 1 of 1 mask; run faceparse data check ${folder}\n`,
    );
    expect(stdout).toContain(': 1 mask, celebamask-19, 1 class per image\n');
  });

  it.each([
    ['chart.png', 'chart.svg'],
    ['chart', 'chart.svg'],
    ['chart.v2', 'chart.v2.svg'],
  ])('--out %s: proposes %s', async (out, proposed) => {
    const { code, stderr } = await askCli(['data', 'stats', '.', '--out', out]);
    expect(code).toBe(2);
    expect(stderr).toBe(`faceparse: the chart is an SVG image; use --out ${proposed}\n`);
  });

  it('says where the chart cannot be written', async () => {
    const folder = await writeDataset(await temporaryFolder(), { a: schematicFace() });
    const { code, stderr } = await askCli(['data', 'stats', folder, '--out', join(folder, 'no', 'chart.svg')]);
    expect(code).toBe(1);
    expect(stderr).toMatch(/^faceparse: cannot write .*chart\.svg: the folder .*no does not exist; create it first\n$/);
  });
});

describe('data synthesize', () => {
  it('writes train and val that pass the check, the same for the same seed', async () => {
    const folder = await temporaryFolder();
    const words = (name: string) => [
      'data',
      'synthesize',
      join(folder, name),
      '--count',
      '4',
      '--size',
      '64',
      '--seed',
      '7',
    ];
    const { code, stdout, stderr } = await askCli(words('a'));
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toMatch(/^\S*train +4 {2}64×64$/m);
    expect(stdout).toMatch(/^\S*val +1 {2}64×64$/m);
    for (const split of ['train', 'val']) {
      expect((await askCli(['data', 'check', join(folder, 'a', split)])).code).toBe(0);
    }
    const again = JSON.parse((await askCli([...words('b'), '--val-count', '0', '--json'])).stdout);
    expect(again.splits).toMatchObject([{ split: 'train', count: 4 }]);
    expect(await readdir(join(folder, 'b'))).toEqual(['train']);
    const mask = 'train/masks/face-00003.png';
    expect(await readFile(join(folder, 'a', mask))).toEqual(await readFile(join(folder, 'b', mask)));
    const refused = await askCli(words('a'));
    expect(refused.code).toBe(2);
    expect(refused.stderr).toContain('exists and is not empty');
  });

  it('ends in order when interrupted: exit code 130, nothing left behind', async () => {
    const folder = join(await temporaryFolder(), 'faces');
    let timer: NodeJS.Timeout | undefined;
    const { code, stderr, stdout } = await runCli(['data', 'synthesize', folder, '--count', '100000', '--size', '32'], {
      onStart: (child) => {
        // The folder appears when the work has begun.
        timer = setInterval(async () => {
          if ((await readdir(folder).catch(() => [])).length === 0) return;
          clearInterval(timer);
          child.kill('SIGINT');
        }, 50);
      },
    }).finally(() => clearInterval(timer));
    expect({ code, stdout }).toEqual({ code: 130, stdout: '' });
    expect(stderr).toBe('faceparse: finishing …; press Ctrl-C again to stop at once\nfaceparse: interrupted\n');
    expect(await readdir(folder)).toEqual([]);
  });
});
