import { readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { temporaryFolder } from '../../test/dataset-fixture.ts';
import { FaceparseError } from '../text/errors.ts';
import { buildFolder } from './build-folder.ts';

describe('buildFolder', () => {
  it('reports a full disk for the folder that was asked for, and leaves nothing', async () => {
    const parent = await temporaryFolder();
    const full = Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC' });
    const build = buildFolder(join(parent, 'out'), async (aside) => {
      await writeFile(join(aside, 'a.txt'), 'a');
      throw full;
    });
    await expect(build).rejects.toThrow(`cannot write ${join(parent, 'out')}: the disk is full`);
    await expect(build).rejects.toBeInstanceOf(FaceparseError);
    expect(await readdir(parent)).toEqual([]);
  });
});
