import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { temporaryFolder } from '../../test/dataset-fixture.ts';
import { requireFolder } from './require-folder.ts';

it('accepts folders, and says what other paths are', async () => {
  const folder = await temporaryFolder();
  await requireFolder(folder);
  for (const name of ['a.txt', 'a.zip']) await writeFile(join(folder, name), '');
  const refusal = (name: string, zipRemedy?: string) =>
    requireFolder(join(folder, name), zipRemedy).catch(({ message, exitCode }) => [message, exitCode]);
  expect(await refusal('b')).toEqual([`folder ${join(folder, 'b')} not found; check the path`, 2]);
  expect(await refusal('a.txt')).toEqual([
    `${join(folder, 'a.txt')} is a file, not a folder; pass the folder that contains it`,
    2,
  ]);
  expect(await refusal('a.zip')).toEqual([`${join(folder, 'a.zip')} is a file, not a folder; unpack it`, 2]);
  expect(await refusal('a.zip', 'open it')).toEqual([`${join(folder, 'a.zip')} is a file, not a folder; open it`, 2]);
});
