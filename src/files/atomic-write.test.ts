import { mkdir, mkdtemp, open, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { FaceparseError } from '../text/errors.ts';
import { writeFileAtomic, writeFilesAtomic } from './atomic-write.ts';

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'atomic-write-'));
});

afterEach(async () => {
  vi.restoreAllMocks();
  await rm(folder, { recursive: true });
});

type FileHandle = Awaited<ReturnType<typeof open>>;

/** The class of all file handles, which Node does not export. */
async function fileHandleClass(): Promise<FileHandle> {
  const handle = await open(folder, 'r');
  await handle.close();
  return Object.getPrototypeOf(handle);
}

function diskFull(): Error {
  return Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC' });
}

test.each([
  ['bytes', Uint8Array.of(0, 255, 10, 13)],
  ['a view into a larger buffer', new Uint8Array([9, 9, 1, 2, 9]).subarray(2, 4)],
  ['text', 'grüße\n'],
  ['nothing', new Uint8Array(0)],
])('writes %s, new and over an old file, and leaves nothing beside it', async (_, data) => {
  const path = join(folder, 'file.bin');
  const expected = Buffer.from(data as Uint8Array);
  await writeFileAtomic(path, data);
  expect(await readFile(path)).toEqual(expected);
  await writeFile(path, 'something longer that was there before');
  await writeFileAtomic(path, data);
  expect(await readFile(path)).toEqual(expected);
  expect(await readdir(folder)).toEqual(['file.bin']);
});

test('a missing folder', async () => {
  const path = join(folder, 'missing', 'file.bin');
  await expect(writeFileAtomic(path, 'new')).rejects.toThrow(
    new FaceparseError(`cannot write ${path}: the folder ${join(folder, 'missing')} does not exist; create it first`),
  );
  expect(await readdir(folder)).toEqual([]);
});

test('a folder in the place of the file', async () => {
  const path = join(folder, 'taken');
  await mkdir(path);
  await writeFile(join(path, 'inside'), 'kept');
  await expect(writeFileAtomic(path, 'new')).rejects.toThrow(/taken: a folder with that name already exists/);
  expect(await readdir(folder)).toEqual(['taken']);
  expect(await readFile(join(path, 'inside'), 'utf8')).toBe('kept');
});

test('a file in the place of the folder', async () => {
  await writeFile(join(folder, 'file'), 'kept');
  await expect(writeFileAtomic(join(folder, 'file', 'x'), 'new')).rejects.toThrow(/file is not a folder/);
});

test('a disk that fills up in the middle keeps the old file', async () => {
  const path = join(folder, 'file.bin');
  await writeFile(path, 'old');
  let asideDuringWrite: string[] = [];
  vi.spyOn(await fileHandleClass(), 'writeFile').mockImplementationOnce(async function (this: FileHandle) {
    await this.write('ha');
    asideDuringWrite = await readdir(folder);
    throw diskFull();
  });
  const error = await writeFileAtomic(path, 'half and half').catch((caught) => caught);
  expect(error).toBeInstanceOf(FaceparseError);
  expect(error.message).toBe(`cannot write ${path}: the disk is full`);
  expect(error.cause.code).toBe('ENOSPC');
  expect(asideDuringWrite).toHaveLength(2);
  expect(await readdir(folder)).toEqual(['file.bin']);
  expect(await readFile(path, 'utf8')).toBe('old');
});

test('a disk whose fullness shows only at the sync keeps the old file', async () => {
  const path = join(folder, 'file.bin');
  await writeFile(path, 'old');
  vi.spyOn(await fileHandleClass(), 'sync').mockRejectedValueOnce(diskFull());
  await expect(writeFileAtomic(path, 'new')).rejects.toThrow(/the disk is full/);
  expect(await readdir(folder)).toEqual(['file.bin']);
  expect(await readFile(path, 'utf8')).toBe('old');
});

test('the data is synced before the rename, the folder after it', async () => {
  const path = join(folder, 'file.bin');
  const seen: string[][] = [];
  vi.spyOn(await fileHandleClass(), 'sync').mockImplementation(async () => {
    seen.push(await readdir(folder));
  });
  await writeFileAtomic(path, 'new');
  expect(seen).toHaveLength(2);
  expect(seen[0]).not.toContain('file.bin');
  expect(seen[1]).toEqual(['file.bin']);
});

test.each([
  ['EINVAL', 'written all the same'],
  ['EIO', /cannot write .*file.bin: EIO/],
])('a folder whose sync fails with %s', async (code, expected) => {
  const path = join(folder, 'file.bin');
  const prototype = await fileHandleClass();
  const sync = prototype.sync;
  vi.spyOn(prototype, 'sync').mockImplementation(async function (this: FileHandle) {
    if ((await this.stat()).isDirectory()) throw Object.assign(new Error(`${code}: fsync`), { code });
    return sync.call(this);
  });
  const writing = writeFileAtomic(path, 'written all the same');
  if (expected instanceof RegExp) await expect(writing).rejects.toThrow(expected);
  else {
    await writing;
    expect(await readFile(path, 'utf8')).toBe(expected);
  }
});

test('writers at the same time: one of them wins whole', async () => {
  const path = join(folder, 'file.bin');
  const contents = Array.from({ length: 8 }, (_, i) => String(i).repeat(10_000 + i));
  await Promise.all(contents.map((content) => writeFileAtomic(path, content)));
  expect(contents).toContain(await readFile(path, 'utf8'));
  expect(await readdir(folder)).toEqual(['file.bin']);
});

test('a name as long as the file system allows', async () => {
  const path = join(folder, 'n'.repeat(255));
  await writeFileAtomic(path, 'new');
  expect(await readFile(path, 'utf8')).toBe('new');
});

test('several files: all are replaced, or none', async () => {
  const paths = ['a.bin', 'b.bin'].map((name) => join(folder, name));
  await writeFilesAtomic(paths, async (files) => {
    for (const [index, file] of files.entries()) await file.writeFile(`old ${index}`);
  });
  const failing = writeFilesAtomic(paths, async ([first]) => {
    await first.writeFile('new');
    throw new Error('no more bytes');
  });
  await expect(failing).rejects.toThrow(/^cannot write .*a\.bin: no more bytes$/);
  expect(await Promise.all(paths.map((path) => readFile(path, 'utf8')))).toEqual(['old 0', 'old 1']);
  expect((await readdir(folder)).sort()).toEqual(['a.bin', 'b.bin']);
});
