import { chmod, mkdir, symlink, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { jpegBytes, temporaryFolder } from '../../../test/dataset-fixture.ts';
import { findPhotos } from './find-photos.ts';
import { leftAloneNotes, listImages } from './list-images.ts';

async function folderWith(files: Record<string, Uint8Array | string>): Promise<string> {
  const folder = await temporaryFolder();
  for (const [name, content] of Object.entries(files)) {
    await mkdir(join(folder, name, '..'), { recursive: true });
    await writeFile(join(folder, name), content);
  }
  return folder;
}

const jpeg = await jpegBytes(8, 8);

describe('listImages', () => {
  it('finds images by extension and by content, and names the rest', async () => {
    const folder = await folderWith({
      ...{ 'a.jpg': '', 'B.JFIF': '', 'c.heic': '', 'd.BMP': '', 'no-extension': jpeg, 'photo.txt': jpeg },
      ...{ 'readme.txt': 'hello', '.DS_Store': '', '._a.jpg': '', 'Thumbs.db': '\xd0\xcf\x11\xe0', 'sub/x.jpg': '' },
    });
    const { images, leftAlone, problems } = await listImages(folder);
    expect(images.map((path) => basename(path))).toEqual([
      'B.JFIF',
      'a.jpg',
      'c.heic',
      'd.BMP',
      'no-extension',
      'photo.txt',
    ]);
    expect(leftAlone.map(({ path, reason }) => [basename(path), reason])).toEqual([
      ['.DS_Store', 'hidden'],
      ['._a.jpg', 'hidden'],
      ['Thumbs.db', 'a file of unknown format'],
      ['readme.txt', 'a text file'],
      ['sub', 'a folder'],
    ]);
    expect(problems).toEqual([]);
    expect(leftAloneNotes(leftAlone)).toEqual([
      `left alone in ${folder}: .DS_Store (hidden), ._a.jpg (hidden), Thumbs.db (a file of unknown format), readme.txt (a text file), sub (a folder)`,
    ]);
  });

  it('searches subfolders once, also through links that lead back, and not the output folder', async () => {
    const folder = await folderWith({ 'a/1.jpg': '', 'a/b/2.jpg': '', 'out/3.jpg': '' });
    await symlink(folder, join(folder, 'a', 'loop'));
    const { images, leftAlone } = await listImages(folder, { recursive: true, exclude: join(folder, 'out') });
    expect(images).toEqual([join(folder, 'a/1.jpg'), join(folder, 'a/b/2.jpg')]);
    expect(leftAlone).toEqual([
      { path: join(folder, 'a/loop'), reason: 'a link to a folder that was searched' },
      { path: join(folder, 'out'), reason: 'the output folder' },
    ]);
  });

  it.runIf(process.platform === 'linux')('names files whose names are not UTF-8', async () => {
    const folder = await folderWith({ 'a.jpg': '', 'real\ufffd.jpg': '' });
    for (const name of ['b\xff.jpg', 'c\xff']) {
      await writeFile(Buffer.concat([Buffer.from(`${folder}/`), Buffer.from(name, 'latin1')]), jpeg);
    }
    const { images, leftAlone, problems } = await listImages(folder);
    expect(images.map((path) => basename(path))).toEqual(['a.jpg', 'real\ufffd.jpg']);
    expect(leftAlone).toEqual([]);
    expect(problems.map(({ message }) => message)).toEqual([
      `${join(folder, 'b\ufffd.jpg')}: has a name that is not valid UTF-8; rename it`,
      `${join(folder, 'c\ufffd')}: has a name that is not valid UTF-8; rename it`,
    ]);
  });

  it('keeps broken links with the name of a photo, which reading reports', async () => {
    const folder = await folderWith({ 'a.jpg': '' });
    await symlink(join(folder, 'gone'), join(folder, 'b.jpg'));
    await symlink(join(folder, 'gone'), join(folder, 'c'));
    const { images, leftAlone } = await listImages(folder);
    expect(images.map((path) => basename(path))).toEqual(['a.jpg', 'b.jpg']);
    expect(leftAlone.map(({ reason }) => reason)).toEqual(['a broken link']);
  });

  it.skipIf(process.getuid?.() === 0)('names folders and files without permission (skipped for root)', async () => {
    const folder = await folderWith({ 'a.jpg': '', 'closed/b.jpg': '', 'c.bin': '' });
    for (const name of ['closed', 'c.bin']) await chmod(join(folder, name), 0);
    const { images, problems } = await listImages(folder, { recursive: true });
    await chmod(join(folder, 'closed'), 0o700);
    expect(images).toEqual([join(folder, 'a.jpg')]);
    expect(problems.map(({ message }) => message)).toEqual([
      `${join(folder, 'c.bin')}: cannot be read (permission denied); check its permissions`,
      `${join(folder, 'closed')}: cannot be read (permission denied); check its permissions`,
    ]);
  });
});

describe('findPhotos', () => {
  const stems = async (...words: Parameters<typeof findPhotos>) =>
    (await findPhotos(...words)).photos.map(({ stem }) => stem);

  it('names masks after photos, with subfolders, and with the extension where two differ only by it', async () => {
    const folder = await folderWith({ 'a.gif': '', 'a.webp': '', 'b.jpg': '', 'sub/b.jpg': '', 'trailing..jpg': '' });
    expect(await stems([folder])).toEqual(['a.gif', 'a.webp', 'b', 'trailing.']);
    expect(await stems([folder], { recursive: true })).toEqual(['a.gif', 'a.webp', 'b', 'sub/b', 'trailing.']);
  });

  it('a missing photo among others is a problem; alone it is an error', async () => {
    const folder = await folderWith({ 'a.jpg': '' });
    const gone = join(folder, 'gone.jpg');
    const { photos, problems } = await findPhotos([join(folder, 'a.jpg'), gone]);
    expect([photos.length, problems.map(({ message }) => message)]).toEqual([
      1,
      [`${gone}: not found; check the path`],
    ]);
    await expect(findPhotos([gone])).rejects.toMatchObject({ exitCode: 2, message: expect.stringContaining(gone) });
  });

  it('a photo that is given twice, also as part of a folder, is parsed once', async () => {
    const folder = await folderWith({ 'a.jpg': '', 'sub/b.jpg': '' });
    const [a, b] = [join(folder, 'a.jpg'), join(folder, 'sub/b.jpg')];
    const stems = async (...paths: string[]) =>
      (await findPhotos(paths, { recursive: true })).photos.map(({ stem }) => stem);
    expect(await stems(a, `${folder}/./a.jpg`)).toEqual(['a']);
    expect(await stems(folder, b, a)).toEqual(['a', 'sub/b']);
    expect(await stems(b, folder)).toEqual(['b', 'a']);
  });

  it('two photos for one mask are an error, and a folder of folders hints at --recursive', async () => {
    const folder = await folderWith({ 'x/a.jpg': '', 'y/a.jpg': '' });
    await expect(findPhotos([join(folder, 'x'), join(folder, 'y')])).rejects.toThrow(
      /would both be written to a\.jpg\.png/,
    );
    await expect(findPhotos([folder])).rejects.toThrow(
      /contains no photos .*; it contains 2 subfolders, use --recursive/,
    );
  });
});
