import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { temporaryFolder } from '../../test/dataset-fixture.ts';
import { sourceFiles } from './source-files.ts';

describe('sourceFiles', () => {
  it('omits installed packages, including those of a workspace, and includes the examples', async () => {
    const root = await temporaryFolder();
    for (const folder of ['src', 'examples', 'scripts/docs/node_modules/a']) {
      await mkdir(join(root, folder), { recursive: true });
      await writeFile(join(root, folder, 'index.js'), '');
    }
    expect([...(await sourceFiles(root)).keys()].sort()).toEqual(['examples/index.js', 'src/index.js']);
  });
});
