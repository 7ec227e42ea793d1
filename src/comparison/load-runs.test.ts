import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { temporaryFolder } from '../../test/dataset-fixture.ts';
import { parseConfig } from '../config/parse-config.ts';
import { runFolder } from '../training/record/run-folder.ts';
import { loadRuns } from './load-runs.ts';

async function writeConfig(folder: string, name: string, text: string): Promise<string> {
  const file = join(folder, name);
  await writeFile(file, text);
  return file;
}

async function writeRun(folder: string): Promise<string> {
  await mkdir(folder, { recursive: true });
  await writeFile(runFolder(folder).config, stringify(parseConfig('', '', ['name=other', 'train.epochs=7'])));
  return folder;
}

async function refusal(words: readonly string[], overrides: readonly string[] = []): Promise<string> {
  return loadRuns(words, overrides).then(
    () => expect.unreachable(),
    (error: Error & { exitCode?: number }) => {
      expect(error.exitCode).toBe(2);
      return error.message;
    },
  );
}

describe('loadRuns', () => {
  it('takes files and bundled names with overrides for all', async () => {
    const folder = await temporaryFolder();
    const file = await writeConfig(folder, 'mine.yaml', 'train: {lr: 1e-3}\n');
    const runs = await loadRuns([file, 'sibling-pspnet'], ['train.epochs=3']);
    expect(runs.map(({ name, config, folder }) => [name, config.train.epochs, folder])).toEqual([
      ['mine', 3, undefined],
      ['sibling-pspnet', 3, undefined],
    ]);
  });

  it('takes a run by its folder, under the name of the folder', async () => {
    const folder = await writeRun(join(await temporaryFolder(), 'best'));
    const [run] = await loadRuns([folder], []);
    expect(run).toMatchObject({ name: 'best', folder, config: { train: { epochs: 7 } } });
    expect(await refusal([folder], ['train.epochs=3'])).toBe(
      `train.epochs=3 cannot change the run ${folder}; give its configuration, ${join(folder, 'config.yaml')}, to train another run`,
    );
  });

  it('refuses two of the same name, names that are no folders, and unknown configurations', async () => {
    const folder = await temporaryFolder();
    const one = await writeConfig(folder, 'a.yaml', 'train: {lr: 1e-3}\n');
    const two = await writeConfig(folder, 'b.yaml', 'name: A\n');
    const path = await writeConfig(folder, 'c.yaml', 'name: x/../..\n');
    expect(await refusal([one, two])).toBe(`${one} and ${two} have the same name, 'A'; set name in one of them`);
    expect(await refusal([one, one])).toBe(`${one} is given twice; give each configuration once`);
    expect(await refusal([path])).toMatch(/name/);
    expect(await refusal(['sibling-pspent'])).toMatch(/did you mean 'sibling-pspnet'\?/);
    expect(await refusal([])).toBe('nothing to compare; give configurations, names of bundled ones, or run folders');
    expect(await refusal(Array.from({ length: 25 }, (_, index) => `${index}.yaml`))).toBe(
      '25 runs given, but a comparison shows at most 24',
    );
  });
});
