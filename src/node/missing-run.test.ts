import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { temporaryFolder } from '../../test/dataset-fixture.ts';
import { missingRun } from './missing-run.ts';

/** A folder with runs of these names, and one folder that is no run. */
async function writeRuns(names: readonly string[]): Promise<string> {
  const folder = await temporaryFolder();
  await mkdir(join(folder, 'other'));
  for (const name of names) {
    await mkdir(join(folder, name));
    await writeFile(join(folder, name, 'config.yaml'), '');
  }
  return folder;
}

it('suggests the run of a similar name, or lists the runs', async () => {
  const folder = await writeRuns(['small', 'wide']);
  const messageOf = async (name: string) => (await missingRun(join(folder, name))).message.replaceAll(folder, 'runs');
  expect(await messageOf('smal')).toBe("runs/smal not found; did you mean 'runs/small'?");
  expect(await messageOf('nope-nope')).toBe('runs/nope-nope not found; the runs in runs are runs/small, runs/wide');
});

it('says what a path must be where no run is beside it, and counts many runs', async () => {
  expect(await missingRun('nowhere/a')).toMatchObject({
    exitCode: 2,
    message: 'nowhere/a not found; it must be a run folder or a weights file',
  });
  const folder = await writeRuns(Array.from({ length: 10 }, (_, index) => `run-number-${index}`));
  expect((await missingRun(join(folder, 'x'))).message).toMatch(/run-number-7 and 2 more$/);
});
