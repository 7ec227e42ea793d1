import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { temporaryFolder } from '../../../test/dataset-fixture.ts';
import { formatMetrics, type MetricsLine, runFolder } from '../../training/record/run-folder.ts';
import { unfinishedNote } from './unfinished-run.ts';

async function noteOf(config: string, ...lines: MetricsLine[]): Promise<string | undefined> {
  const path = join(await temporaryFolder(), 'run');
  await mkdir(path);
  await writeFile(runFolder(path).config, config);
  await writeFile(runFolder(path).metrics, formatMetrics(lines));
  return (await unfinishedNote(path))?.replaceAll(path, 'runs/a');
}

it('says where an unfinished run stopped and how to resume it', async () => {
  expect(await noteOf('train: {epochs: 8}', { step: 12, epoch: 0.8, seconds: 9, loss: 1 })).toBe(
    'the run runs/a is unfinished: it stopped at step 12 (0.8 of 8 epochs); resume it with faceparse train --resume runs/a',
  );
  expect(await noteOf('train: {minutes: 5}', { step: 12, epoch: 0.8, seconds: 90, valF: 0.5 })).toMatch(
    /stopped at step 12 \(1\.5 of 5 minutes\)/,
  );
});

it('has nothing to say of a finished run, a weights file and a folder without metrics', async () => {
  expect(await noteOf('train: {epochs: 2}', { step: 100, epoch: 2, seconds: 9, valF: 0.5 })).toBeUndefined();
  expect(await unfinishedNote('a.safetensors')).toBeUndefined();
  expect(await unfinishedNote(await temporaryFolder())).toBeUndefined();
});
