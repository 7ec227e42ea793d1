import { copyFile, mkdir, readdir, readFile, rename, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import { bmpBytes } from '../bmp-fixture.ts';
import { jpegBytes, temporaryFolder } from '../dataset-fixture.ts';
import { askCli } from './run-cli.ts';
import { fileFolder, listFiles, writeFaces } from './training-fixture.ts';
import { writeRandomWeights } from './weights-fixture.ts';

const cases = join(import.meta.dirname, '../cases');
const root = await fileFolder();
const weights = await writeRandomWeights(root, 32);

function predict(words: readonly string[], cwd: string) {
  return askCli(['predict', weights, ...words, '--faces', 'whole', '--engine', 'onnx', '--threads', '1'], { cwd });
}

/** A folder as people have it: endings of all kinds, animations, a page that was saved as a photo, an empty file. */
async function mixedFolder(): Promise<string> {
  const folder = await temporaryFolder();
  const photos = join(folder, 'photos');
  await mkdir(photos);
  const image = sharp({ create: { width: 16, height: 12, channels: 3, background: 'tan' } });
  const jpeg = await image.clone().jpeg().toBuffer();
  const png = await image.clone().png().toBuffer();
  const frames = await sharp([png, png], { join: { animated: true } })
    .gif()
    .toBuffer();
  const files: Record<string, Uint8Array | string> = {
    ...{ 'UPPER.JPG': jpeg, 'edge.jfif': jpeg, 'png-by-name.png': jpeg, 'jpg-by-name.jpg': png, nameless: jpeg },
    ...{ 'animated.gif': frames, 'animated.webp': await image.clone().webp().toBuffer() },
    ...{ 'a.tiff': await image.clone().tiff().toBuffer(), 'b.bmp': bmpBytes(16, 12, { bits: 24 }) },
    ...{ 'empty.jpg': '', 'notes.txt': 'names of the people', '.DS_Store': '' },
  };
  for (const [name, content] of Object.entries(files)) await writeFile(join(photos, name), content);
  for (const name of ['photo.avif', 'html.jpg']) await copyFile(join(cases, '03-formats', name), join(photos, name));
  return folder;
}

describe('predict on folders as people have them', () => {
  it('parses everything that decodes, names the rest with the reason, and ends with exit code 1', async () => {
    const folder = await mixedFolder();
    const { code, stdout, stderr } = await predict(['photos', '--out', 'out'], folder);
    expect(code).toBe(1);
    expect(stdout).toBe('wrote 10 masks to out\n');
    expect(stderr.split('\n').filter((line) => line.startsWith('faceparse'))).toEqual([
      'faceparse: left alone in photos: .DS_Store (hidden), notes.txt (a text file)',
      'faceparse: photos/empty.jpg: is empty (0 bytes); replace or remove it',
      expect.stringMatching(
        /^faceparse: photos\/html\.jpg: is an HTML page, not an image; replace it with a JPEG, PNG,/,
      ),
      'faceparse: 2 of 12 photos could not be parsed (see above)',
    ]);
    expect((await readdir(join(folder, 'out'))).sort()).toEqual(
      [
        'UPPER',
        'a',
        'animated.gif',
        'animated.webp',
        'b',
        'edge',
        'jpg-by-name',
        'nameless',
        'photo',
        'png-by-name',
      ].map((stem) => `${stem}.png`),
    );
    const { stdout: json } = await predict(['photos', '--out', 'again', '--json'], folder);
    expect(JSON.parse(json)).toMatchObject({
      leftAlone: [
        { path: 'photos/.DS_Store', reason: 'hidden' },
        { path: 'photos/notes.txt', reason: 'a text file' },
      ],
      failures: [expect.stringContaining('empty.jpg'), expect.stringContaining('html.jpg')],
    });
  });

  it('keeps the subfolders with --recursive, and does not parse its own masks again', async () => {
    const folder = await temporaryFolder();
    for (const name of ['anna', 'ben/holiday']) {
      await mkdir(join(folder, name), { recursive: true });
      await writeFile(join(folder, name, '1.jpg'), await jpegBytes(20, 20));
    }
    const flat = await predict(['.'], folder);
    expect([flat.code, flat.stderr]).toEqual([
      2,
      'faceparse: . contains no photos (JPEG, PNG, WebP, AVIF, GIF, TIFF or BMP); it contains 2 subfolders, use --recursive\n',
    ]);
    for (const force of [[], ['--force']]) {
      const { code, stdout } = await predict(['.', '--recursive', '--overlay', ...force], folder);
      expect([code, stdout]).toEqual([0, 'wrote 2 masks to masks, with overlays in masks/overlay\n']);
    }
    expect((await listFiles(join(folder, 'masks'))).sort()).toEqual([
      'anna/1.png',
      'ben/holiday/1.png',
      'overlay/anna/1.png',
      'overlay/ben/holiday/1.png',
    ]);
  });

  it('parses photos next to a folder images/, and names that folder', async () => {
    const folder = await temporaryFolder();
    for (const name of ['mixed/images/a.jpg', 'mixed/b.jpg', 'data/images/a.jpg', 'data/notes.txt']) {
      await mkdir(join(folder, name, '..'), { recursive: true });
      await writeFile(join(folder, name), await jpegBytes(12, 12));
    }
    const mixed = await predict(['mixed', '--out', 'm'], folder);
    expect([mixed.code, mixed.stderr]).toEqual([0, 'faceparse: left alone in mixed: images (a folder)\n']);
    expect(await readdir(join(folder, 'm'))).toEqual(['b.png']);
    await writeFile(join(folder, 'data/notes.txt'), 'notes');
    await predict(['data', '--out', 'd'], folder);
    expect(await readdir(join(folder, 'd'))).toEqual(['a.png']);
  });

  it('takes names of every kind', async () => {
    const folder = await temporaryFolder();
    await mkdir(join(folder, 'p'));
    const names = [
      '-dash',
      'with space',
      '1.3.6.1_high',
      'trailing.',
      "quote'",
      'a%20b',
      '王小明',
      '😀',
      'Zo\u00eb',
      'Jose\u0301',
    ];
    for (const name of names) await writeFile(join(folder, 'p', `${name}.jpg`), await jpegBytes(12, 12));
    const { code, stdout } = await predict(['p'], folder);
    expect([code, stdout]).toEqual([0, `wrote ${names.length} masks to masks\n`]);
    expect((await readdir(join(folder, 'masks'))).sort()).toEqual(names.map((name) => `${name}.png`).sort());
    // An argument that starts with a dash comes after --.
    const dash = await askCli(['predict', '--out', 'd', '--engine', 'onnx', '--', weights, '-dash.jpg'], {
      cwd: join(folder, 'p'),
    });
    expect([dash.code, dash.stdout]).toEqual([0, 'wrote 1 mask to d\n']);
  });

  it('prints no control characters of file names', async () => {
    const folder = await temporaryFolder();
    await writeFile(join(folder, 'a\x1b[2J\nb.jpg'), 'junk');
    await writeFile(join(folder, 'c.jpg'), await jpegBytes(16, 16));
    const { stderr } = await predict(['.', '--out', 'out'], folder);
    expect(stderr).toMatch(/^faceparse: a\[2J b\.jpg: is a text file/m);
    expect(stderr).not.toContain('\x1b');
  });

  it('names broken links and missing files and goes on', async () => {
    const folder = await temporaryFolder();
    await writeFile(join(folder, 'a.jpg'), await jpegBytes(12, 12));
    await symlink('gone.jpg', join(folder, 'link.jpg'));
    const { code, stdout, stderr } = await predict(['a.jpg', 'link.jpg', 'nowhere.jpg'], folder);
    expect([code, stdout]).toEqual([1, 'wrote 1 mask to masks\n']);
    expect(stderr).toContain(
      'faceparse: link.jpg: is a broken link; restore the file that it points to, or remove it\n',
    );
    expect(stderr).toContain('faceparse: nowhere.jpg: not found; check the path\n');
    expect(stderr).toContain('faceparse: 2 of 3 photos could not be parsed (see above)\n');
  });
});

describe('evaluate and data check on folders as people have them', () => {
  it('scores what can be scored, names the rest, and ends with exit code 1', async () => {
    const folder = await temporaryFolder();
    const data = join(await writeFaces(folder, { train: 1, val: 4 }), 'val');
    const [first, second] = (await readdir(join(data, 'images'))).sort();
    await writeFile(join(data, 'images', first), (await readFile(join(data, 'images', first))).subarray(0, 900));
    await writeFile(join(data, 'masks', second.replace('.jpg', '.png')), 'no mask');
    await writeFile(join(data, 'images', 'notes.txt'), 'my notes');
    const words = ['evaluate', weights, '--data', data, '--engine', 'onnx', '--threads', '1'];
    const { code, stdout, stderr } = await askCli(words);
    expect(code).toBe(1);
    expect(stdout).toMatch(/mean over 2 images/);
    expect(stderr).toContain(`faceparse: left alone in ${join(data, 'images')}: notes.txt (a text file)\n`);
    expect(stderr).toMatch(new RegExp(`${first}: is truncated or damaged`));
    expect(stderr).toMatch(/\.png: is not usable as a mask/);
    expect(stderr).toMatch(/faceparse: not all pairs are in the scores: 2 problems \(see above\)\n$/);
    const json = await askCli([...words, '--json']);
    expect(JSON.parse(json.stdout)).toMatchObject({
      images: 2,
      failures: [expect.stringContaining(first), expect.anything()],
    });
    expect(json.code).toBe(1);
  });

  it('leaves out photos without a mask, masks without a photo and broken links', async () => {
    const folder = await temporaryFolder();
    const data = join(await writeFaces(folder, { train: 1, val: 3 }), 'val');
    const [first] = (await readdir(join(data, 'masks'))).sort();
    await rename(join(data, 'masks', first), join(data, 'masks', 'other.png'));
    await symlink('gone.png', join(data, 'masks', 'link.png'));
    for (const words of [
      ['evaluate', weights],
      ['evaluate', '--masks', join(data, 'masks')],
    ]) {
      const { code, stdout, stderr } = await askCli([...words, '--data', data]);
      expect([code, stdout]).toEqual([1, expect.stringContaining('mean over 2 images')]);
      expect(stderr).toContain(`1 photo of 3 without a mask in masks/: ${first.replace('.png', '')}; add the mask`);
      expect(stderr).toContain('2 masks of 4 without a photo in images/: link, other; add the photos');
    }
  });

  it('pairs masks with a suffix, and says so', async () => {
    const folder = await temporaryFolder();
    const data = join(await writeFaces(folder, { train: 1, val: 2 }), 'val');
    for (const name of await readdir(join(data, 'masks'))) {
      await rename(join(data, 'masks', name), join(data, 'masks', name.replace('.png', '_mask.png')));
    }
    const check = await askCli(['data', 'check', data]);
    expect([check.code, check.stdout]).toEqual([0, expect.stringContaining('masks are named PHOTO_mask.png')]);
    const scored = await askCli(['evaluate', weights, '--data', data, '--engine', 'onnx', '--threads', '1']);
    expect([scored.code, scored.stdout]).toEqual([0, expect.stringContaining('mean over 2 images')]);
  });
});
