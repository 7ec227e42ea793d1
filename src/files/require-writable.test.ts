import { readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { temporaryFolder } from '../../test/dataset-fixture.ts';
import { requireWritable } from './require-writable.ts';

describe('requireWritable', () => {
  it('accepts new files, and missing folders if the work creates them, and leaves nothing behind', async () => {
    const folder = await temporaryFolder();
    await requireWritable(join(folder, 'a.zip'));
    await requireWritable(join(folder, 'runs', 'new', 'a'), { createsFolders: true });
    expect(await readdir(folder)).toEqual([]);
  });

  it('refuses a missing folder, and a file in place of one', async () => {
    const folder = await temporaryFolder();
    const missing = join(folder, 'missing', 'a.zip');
    await expect(requireWritable(missing)).rejects.toMatchObject({
      exitCode: 2,
      message: `cannot write ${missing}: the folder ${join(folder, 'missing')} does not exist; create it first, or choose another --out`,
    });
    const file = join(folder, 'file');
    await writeFile(file, '');
    const inFile = { exitCode: 2, message: expect.stringMatching(/file is not a folder; choose another --out$/) };
    await expect(requireWritable(join(file, 'a.zip'))).rejects.toMatchObject(inFile);
    await expect(requireWritable(join(file, 'a', 'b'), { createsFolders: true })).rejects.toMatchObject(inFile);
  });

  it.skipIf(process.platform !== 'linux')('refuses a folder that takes no files, even as root', async () => {
    await expect(requireWritable('/proc/a.zip')).rejects.toThrow(
      /^cannot write \/proc\/a\.zip: .*\/proc.*; choose another --out$/,
    );
  });
});
