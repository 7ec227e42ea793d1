import { spawnSync } from 'node:child_process';
import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { expect, it } from 'vitest';
import { temporaryFolder } from '../../test/dataset-fixture.ts';
import { writeFileAtomic } from './atomic-write.ts';
import { buildFolder } from './build-folder.ts';
import { clearAbandoned, processFile } from './process-files.ts';
import { processMark } from './process-mark.ts';

/** A file name as a process would have made it that has ended meanwhile. */
function abandoned(path: string, kind: 'aside' | 'claim' = 'aside'): string {
  const { pid } = spawnSync(process.execPath, ['-e', '']);
  const [machine, space] = processMark().split('-');
  return processFile(path, kind).replace(processMark(), [machine, space, pid.toString(36), '0'].join('-'));
}

async function someFiles(folder: string) {
  const [machine, , pid, start] = processMark().split('-');
  const dead = [abandoned(join(folder, 'checkpoint.safetensors')), abandoned(join(folder, 'run'), 'claim')];
  const halfBuilt = abandoned(join(folder, 'train'));
  const living = processFile(join(folder, 'checkpoint.safetensors'), 'aside');
  const elsewhere = living.replace(processMark(), ['0', '00000000', pid, start].join('-'));
  const others = ['.name.aside', '.x.0d2d4f5a6b7c.aside', '.train.partial-abcdef', `${machine}.aside`];
  for (const path of [...dead, living, elsewhere]) await writeFile(path, '');
  for (const name of others) await writeFile(join(folder, name), '');
  await mkdir(join(halfBuilt, 'images'), { recursive: true });
  await writeFile(join(halfBuilt, 'images', '1.jpg'), '');
  return [basename(living), basename(elsewhere), ...others].sort();
}

it('removes what dead processes left, and nothing else', async () => {
  const folder = await temporaryFolder();
  const kept = await someFiles(folder);
  await clearAbandoned(folder);
  expect((await readdir(folder)).sort()).toEqual(kept);
  await clearAbandoned(join(folder, 'missing'));
});

it.each<[string, (path: string) => Promise<unknown>]>([
  ['a file is written', (path) => writeFileAtomic(path, 'text')],
  ['a folder is built', (path) => buildFolder(path, async () => {})],
])('happens when %s beside them', async (_, write) => {
  const folder = await temporaryFolder();
  const kept = await someFiles(folder);
  await write(join(folder, 'new'));
  expect((await readdir(folder)).sort()).toEqual([...kept, 'new'].sort());
});

it('gives valid names beside names of 255 bytes, also in other alphabets', async () => {
  const folder = await temporaryFolder();
  for (const name of ['n'.repeat(255), 'ü'.repeat(127), '面'.repeat(85), '😀'.repeat(63)]) {
    await writeFileAtomic(join(folder, name), 'file');
    await buildFolder(join(folder, name.slice(2)), async () => {});
  }
  expect(await readdir(folder)).toHaveLength(8);
});
