import { spawnSync } from 'node:child_process';
import { readdir, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { temporaryFolder } from '../../../test/dataset-fixture.ts';
import { processFile } from '../../files/process-files.ts';
import { processMark } from '../../files/process-mark.ts';
import { claimRun } from './run-claim.ts';

/** Writes the claim of a process whose mark has other parts than that of this one. */
async function writeClaim(folder: string, parts: { space?: string; pid?: number }): Promise<string> {
  const [machine, space, pid, start] = processMark().split('-');
  const other = parts.pid === undefined ? [pid, start] : [parts.pid.toString(36), '0'];
  const mark = [parts.space ? '0' : machine, parts.space ?? space, ...other].join('-');
  const path = processFile(join(folder, 'run'), 'claim').replace(processMark(), mark);
  await writeFile(path, '');
  return path;
}

it('keeps others out until it is given back', async () => {
  const folder = await temporaryFolder();
  const release = await claimRun(folder);
  await expect(claimRun(folder)).rejects.toThrow(
    `${folder} is being trained by process ${process.pid}; wait for it, or stop it first.`,
  );
  await release();
  expect(await readdir(folder)).toEqual([]);
  await (await claimRun(folder))();
});

it('is given to one at most of those that come at once', async () => {
  const folder = await temporaryFolder();
  const claims = await Promise.allSettled(Array.from({ length: 8 }, () => claimRun(folder)));
  expect(claims.filter(({ status }) => status === 'fulfilled').length).toBeLessThanOrEqual(1);
});

it('ends with its process', async () => {
  const folder = await temporaryFolder();
  await writeClaim(folder, { pid: spawnSync(process.execPath, ['-e', '']).pid });
  const release = await claimRun(folder);
  expect(await readdir(folder)).toHaveLength(1);
  await release();
});

it('of a process that cannot be seen ends when it has been silent for long', async () => {
  const folder = await temporaryFolder();
  const claim = await writeClaim(folder, { space: '00000000' });
  await expect(claimRun(folder)).rejects.toThrow(/ on another machine or in another container; wait for it/);
  const past = Date.now() / 1000 - 600;
  await utimes(claim, past, past);
  await (await claimRun(folder))();
  expect(await readdir(folder)).toEqual([]);
});
