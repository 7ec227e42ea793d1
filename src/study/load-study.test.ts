import { mkdir, rmdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { temporaryFolder } from '../../test/dataset-fixture.ts';
import { planTraining } from '../training/plan.ts';
import { loadStudy, selectRuns } from './load-study.ts';
import { differingKey } from './run-result.ts';

const shipped = fileURLToPath(new URL('../../configs/study.yaml', import.meta.url));

async function writeStudy(overrides: string, config = 'small.yaml'): Promise<string> {
  const folder = await temporaryFolder();
  await writeFile(join(folder, 'small.yaml'), 'train: {size: 64, lr: 1e-3}\n');
  const variants = `{base: {title: nothing}, changed: {title: other, overrides: ${overrides}}}`;
  const group = `{title: G, question: Q?, config: ${config}, overrides: [train.lr=2e-3], seeds: [0, 7], variants: ${variants}}`;
  await writeFile(join(folder, 'study.yaml'), `groups: {g: ${group}}\n`);
  return join(folder, 'study.yaml');
}

describe('loadStudy', () => {
  it('makes a configuration of every run: file, overrides of the group, then of the variant, seed and name', async () => {
    const { runs } = await loadStudy(await writeStudy('[train.lr=3e-3]'));
    expect(runs.map(({ name, config: { name: own, train } }) => [name, own, train.size, train.lr, train.seed])).toEqual(
      [
        ['g/base-s0', 'base-s0', 64, 2e-3, 0],
        ['g/base-s7', 'base-s7', 64, 2e-3, 7],
        ['g/changed-s0', 'changed-s0', 64, 3e-3, 0],
        ['g/changed-s7', 'changed-s7', 64, 3e-3, 7],
      ],
    );
  });

  it('takes the name of a bundled configuration, unless there is a file of that name', async () => {
    const { runs } = await loadStudy(await writeStudy('[train.lr=3e-3]', 'unet'));
    expect(runs[0]?.config.model.name).toBe('unet');
    const file = await writeStudy('[train.lr=3e-3]', 'unet');
    await mkdir(join(dirname(file), 'unet'));
    expect((await loadStudy(file)).runs[0]?.config.model.name).toBe('unet');
    await rmdir(join(dirname(file), 'unet'));
    await writeFile(join(dirname(file), 'unet'), 'model: {name: compact}\n');
    expect((await loadStudy(file)).runs[0]?.config.model.name).toBe('compact');
    await expect(loadStudy(await writeStudy('[train.lr=3e-3]', 'unett'))).rejects.toMatchObject({
      exitCode: 2,
      message: expect.stringMatching(
        /g\/base-s0: cannot read the config .*unett: there is no such file; did you mean 'unet'/,
      ),
    });
  });

  it('says which run a wrong override belongs to', async () => {
    const file = await writeStudy('[train.lrr=1]');
    await expect(loadStudy(file)).rejects.toMatchObject({
      exitCode: 2,
      message: `${file}: g/changed-s0: override 'train.lrr=1': unknown key 'train.lrr'; did you mean 'train.lr'?`,
    });
  });

  it('lists the wrong overrides of all variants at once, each once', async () => {
    const file = await writeStudy('[train.lrr=1]}, third: {overrides: [train.lr=fast]');
    await expect(loadStudy(file)).rejects.toMatchObject({
      exitCode: 2,
      faults: [
        expect.stringMatching(/g\/changed-s0: override 'train.lrr=1'/),
        expect.stringMatching(/g\/third-s0: override 'train.lr=fast'/),
      ],
    });
  });

  it('gives runs of the study that faceparse ships, which can be trained and differ from their base', async () => {
    const { runs } = await loadStudy(shipped);
    for (const run of runs) {
      if (run.variant.name === 'base') continue;
      const base = runs.find(({ group, variant }) => group === run.group && variant.name === 'base')!;
      const sameSeed = { ...run.config, train: { ...run.config.train, seed: base.config.train.seed } };
      expect(differingKey(base.config, sameSeed), run.name).toBeDefined();
    }
    expect(() => planTraining(runs[0].config)).not.toThrow();
  });
});

describe('selectRuns', () => {
  it('takes names of groups, variants and runs', async () => {
    const study = await loadStudy(await writeStudy('[train.lr=3e-3]'));
    const names = (...words: string[]) => selectRuns(study, words).runs.map(({ name }) => name);
    expect(names('g')).toHaveLength(4);
    expect(names('g/changed')).toEqual(['g/changed-s0', 'g/changed-s7']);
    expect(names('g/changed-s7', 'g/base-s0')).toEqual(['g/base-s0', 'g/changed-s7']);
    expect(selectRuns(study, ['g/changed']).groups).toEqual(study.groups);
    expect(() => names('g/chnaged')).toThrow("the study has no 'g/chnaged'; did you mean 'g/changed'?");
  });
});
