import { readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import { celebamask19 } from '../../src/labels/celebamask-19.ts';
import { drawSyntheticFace } from '../../src/synthetic/face.ts';
import { temporaryFolder, writeDataset } from '../dataset-fixture.ts';
import { put, writeRawDownload, zipFolder } from '../raw-download-fixture.ts';
import { askCli } from './run-cli.ts';

const cases = join(import.meta.dirname, '../cases');

describe('data prepare', () => {
  it('writes a dataset folder of the photos that were asked for', async () => {
    const source = await writeRawDownload(join(await temporaryFolder(), 'raw'));
    const out = `${source}-out`;
    const words = ['data', 'prepare', source, '--out', out, '--size', '16', '--to', '1'];
    const { code, stdout, stderr } = await askCli(words);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toBe(`wrote 2 pairs of 16×16 to ${out} (images/ and masks/)\nnext: faceparse data check ${out}\n`);
    expect((await readdir(join(out, 'masks'))).sort()).toEqual(['00000.png', '00001.png']);
    const { classes } = JSON.parse((await askCli(['data', 'stats', out, '--json'])).stdout);
    expect(classes[13]).toMatchObject({ name: 'hair', pixels: 16 * 4 });
    const refused = await askCli(words);
    expect(refused.code).toBe(2);
  });

  it('names the photo that is not there', async () => {
    const source = await writeRawDownload(join(await temporaryFolder(), 'raw'));
    const { code, stderr } = await askCli(['data', 'prepare', source, '--out', `${source}-out`, '--to', '5']);
    expect(code).toBe(1);
    expect(stderr).toMatch(/^faceparse: [^\n]*2\.jpg is missing; it has 0 to 2000\n$/);
    expect(await readdir(join(source, '..'))).toEqual(['raw']);
  });

  it('leaves out a bad face with one line and exit code 1, from a zip, by the official split', async () => {
    const root = await temporaryFolder();
    const source = await writeRawDownload(join(root, 'raw'));
    await put(source, 'CelebA-HQ-img/1.jpg', 'no image');
    await put(source, 'README.txt', 'read me');
    await put(
      source,
      'CelebA-HQ-to-CelebA-mapping.txt',
      'idx orig_idx orig_file\n0 5 6.jpg\n1 7 8.jpg\n2000 190000 x\n',
    );
    const zip = join(root, 'CelebAMask-HQ.zip');
    await writeFile(zip, await zipFolder(source, 'CelebAMask-HQ/'));
    const out = join(root, 'out');
    const { code, stdout, stderr } = await askCli([
      'data',
      'prepare',
      zip,
      '--out',
      out,
      '--split',
      'official',
      '--size',
      '16',
    ]);
    expect(code).toBe(1);
    expect(stderr).toMatch(/^faceparse: [^\n]*CelebAMask-HQ\.zip: CelebAMask-HQ\/CelebA-HQ-img\/1\.jpg: [^\n]*\n$/);
    expect(stdout).toBe(
      [
        `wrote 2 pairs of 16×16 to ${out}: train 1, val 0, test 1`,
        'left out: 1 face; the reasons are above',
        'left alone: 1 other file (CelebAMask-HQ/README.txt)',
        'note: 1 face has no skin part (2000); compare the masks with the photos',
        `next: faceparse data check ${join(out, 'train')}`,
        `      faceparse data check ${join(out, 'test')}`,
        '',
      ].join('\n'),
    );
  });

  it('names unknown parts and the photos that are missing', async () => {
    const source = await writeRawDownload(join(await temporaryFolder(), 'raw'));
    await put(source, 'CelebAMask-HQ-mask-anno/0/00000_beard.png', 'x');
    await rm(join(source, 'CelebA-HQ-img/1.jpg'));
    const { code, stdout } = await askCli(['data', 'prepare', source, '--out', `${source}-out`, '--size', '16']);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^left alone: 1 unknown part, which celebamask-19 does not have \(.*00000_beard\.png\)$/m);
    expect(stdout).toMatch(/^left alone: 1 part of 1 photo that the download does not contain \(1\)$/m);
    expect(stdout).not.toContain('other file');
  });

  it('case 16: reads the download with the folder names that it really has', async () => {
    const out = join(await temporaryFolder(), 'out');
    const { code, stdout, stderr } = await askCli(['data', 'prepare', join(cases, '16-raw-download'), '--out', out]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toMatch(/^wrote 3 pairs of 512×512 .*\nleft alone: 4 other files \(.*README\.txt\)\nnext: /);
    const check = await askCli(['data', 'check', out]);
    expect(check).toMatchObject({ code: 0 });
  });
});

describe('data convert', () => {
  const words = (folder: string, ...more: string[]): string[] => ['data', 'convert', folder, ...more];

  it('case 07: converts the masks of face-parsing.PyTorch and copies the photos', async () => {
    const folder = join(cases, '07-class-order');
    const out = join(await temporaryFolder(), 'out');
    const { code, stdout, stderr } = await askCli(words(folder, '--from', 'bisenet', '--out', out));
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toMatch(
      /^wrote 3 pairs to .*\nclasses: background [\d.]+ %, skin [\d.]+ %, nose .*\nnext: faceparse data check /,
    );
    for (const name of await readdir(join(folder, 'images'))) {
      expect(await readFile(join(out, 'images', name))).toEqual(await readFile(join(folder, 'images', name)));
    }
    expect(await askCli(['data', 'check', out])).toMatchObject({ code: 0 });
    const refused = await askCli(words(out, '--from', 'bisenet', '--out', `${out}2`));
    expect(refused).toMatchObject({ code: 2, stdout: '' });
    expect(refused.stderr).toMatch(/already have celebamask-19 ids and need no conversion; .* add --force\n$/);
    await expect(readdir(`${out}2`)).rejects.toThrow(/ENOENT/);
    const again = await askCli(words(out, '--from', 'bisenet', '--out', `${out}2`, '--json', '--force'));
    expect(again.stderr).toMatch(
      /^faceparse: warning: 3 of 3 converted masks do not look like a face.*already have celeb/,
    );
    expect(JSON.parse(again.stdout)).toMatchObject({ pairs: 3, looksLike: 'celebamask-19' });
  });

  it('converts colour masks; unknown colours are named with the file and the way out', async () => {
    const root = await temporaryFolder();
    const faces = [0, 1].map((seed) => drawSyntheticFace(seed, 32).labels);
    const folder = await writeDataset(join(root, 'data'), Object.fromEntries(faces.entries()));
    for (const [stem, { width, height, data }] of faces.entries()) {
      const rgb = Buffer.from([...data].flatMap((id) => celebamask19.classes[id].color));
      if (stem === 1) rgb.set([9, 9, 9]);
      await sharp(rgb, { raw: { width, height, channels: 3 } })
        .png()
        .toFile(join(folder, 'masks', `${stem}.png`));
    }
    const palette = join(root, 'palette.txt');
    await writeFile(palette, celebamask19.classes.map(({ name, color }) => `${name} ${color.join(' ')}`).join('\n'));
    const first = await askCli(words(folder, '--palette', palette, '--out', join(root, 'a')));
    expect(first.code).toBe(1);
    expect(first.stderr).toMatch(
      /^faceparse: .*1\.png: has the colour 9,9,9 in 1 pixel, not in .*palette\.txt; add them there, or a line "ignore \*" .*\n$/,
    );
    expect(first.stdout).toMatch(/^wrote 1 pair to .*\nleft out: 1 mask; the reasons are above\n/);
    await writeFile(palette, `${await readFile(palette, 'utf8')}\nignore *\n`);
    const second = await askCli(words(folder, '--palette', palette, '--out', join(root, 'b')));
    expect(second).toMatchObject({ code: 0, stderr: '' });
    expect(second.stdout).toMatch(/ignore < 0\.1 %/);
  });

  it('lists the aliases of the class orders in its help', async () => {
    const { stdout } = await askCli(['data', 'convert', '--help']);
    expect(stdout).toMatch(/face-parsing\.pytorch\s+\(or\s+bisenet,/);
    expect(stdout).toMatch(/lapa\s+\(or\s+helen,/);
  });

  it('tells exchanged sides, and a table for own ids', async () => {
    const root = await temporaryFolder();
    const faces = [0, 1, 2].map((seed) => drawSyntheticFace(seed, 64).labels);
    const shifted = faces.map((map) => ({ ...map, data: map.data.map((id) => id + 100) }));
    const folder = await writeDataset(join(root, 'data'), Object.fromEntries(shifted.entries()));
    const table = join(root, 'table.txt');
    const other: Record<string, string> = { l_eye: 'r_eye', r_eye: 'l_eye', l_brow: 'r_brow', r_brow: 'l_brow' };
    await writeFile(table, celebamask19.classes.map(({ id, name }) => `${id + 100},${other[name] ?? name}`).join('\n'));
    const out = join(root, 'out');
    const { code, stderr } = await askCli(words(folder, '--table', table, '--out', out));
    expect(code).toBe(0);
    expect(stderr).toMatch(/warning: left and right are exchanged in 3 of 3 converted masks; .* with --swap-sides\n$/);
    const right = await askCli(words(folder, '--table', table, '--swap-sides', '--out', join(root, 'right')));
    expect(right.stderr).toBe('');
  });

  it.each<[string[], RegExp]>([
    [
      ['.', '--out', 'x'],
      /give the form of the masks: --from NAME \(face-parsing\.pytorch, .*--palette FILE for colours/,
    ],
    [['.', '--from', 'bisent', '--out', 'x'], /unknown class order 'bisent'; did you mean 'bisenet'\?/],
    [
      ['.', '--from', 'lapa', '--table', 't', '--out', 'x'],
      /--from and --table both give the ids of the masks; use one/,
    ],
    [['.', '--palette', 'nowhere.txt', '--out', 'x'], /nowhere\.txt: not found; check the path/],
    [['nowhere', '--from', 'lapa', '--out', 'x'], /folder nowhere not found; check the path/],
    [['.', '--from', 'segformer', '--out', 'x'], /masks of segformer already have the class ids of celebamask-19/],
  ])('%j is wrong use', async (more, message) => {
    const { code, stdout, stderr } = await askCli(words(more[0], ...more.slice(1)), { cwd: await temporaryFolder() });
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toMatch(message);
    expect(stderr.trim().split('\n')).toHaveLength(1);
  });
});
