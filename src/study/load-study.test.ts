import { mkdir, rmdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { temporaryFolder } from '../../test/dataset-fixture.ts';
import { differingKey } from '../comparison/runs/run-result.ts';
import { planTraining } from '../training/plan.ts';
import { loadStudy, selectRuns } from './load-study.ts';

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
    const { runs } = await loadStudy(await writeStudy('[train.lr=3e-3]', 'mobile-unet'));
    expect(runs[0]?.config.model.name).toBe('mobile-unet');
    const file = await writeStudy('[train.lr=3e-3]', 'mobile-unet');
    await mkdir(join(dirname(file), 'mobile-unet'));
    expect((await loadStudy(file)).runs[0]?.config.model.name).toBe('mobile-unet');
    await rmdir(join(dirname(file), 'mobile-unet'));
    await writeFile(join(dirname(file), 'mobile-unet'), 'model: {name: compact}\n');
    expect((await loadStudy(file)).runs[0]?.config.model.name).toBe('compact');
    await expect(loadStudy(await writeStudy('[train.lr=3e-3]', 'mobile-unett'))).rejects.toMatchObject({
      exitCode: 2,
      message: expect.stringMatching(
        /study\.yaml:1: cannot read the config .*mobile-unett: there is no such file; did you mean 'mobile-unet'/,
      ),
    });
  });

  it('gives the line of a wrong override', async () => {
    const file = await writeStudy('[train.lrr=1]');
    await expect(loadStudy(file)).rejects.toMatchObject({
      exitCode: 2,
      message: `${file}:1: override 'train.lrr=1': unknown key 'train.lrr'; did you mean 'train.lr'?`,
    });
  });

  it('lists all errors of the file, its configs and overrides at once, each once and with its line', async () => {
    const folder = await temporaryFolder();
    const file = join(folder, 'study.yaml');
    await writeFile(join(folder, 'small.yaml'), 'name: small\ntrain: {size: big}\n');
    const text = `groups:
  first:
    config: compakt
    seeds: [-1]
    variants:
      basis: {}
      seed: {overrides: [train.lr=1, train.seed=3]}
  second:
    config: small.yaml
    qestion: Q?
    overrides:
      - train.warmup=0
      - train.lrr=1
    variants:
      base: {}
      lr:
        overrides:
          - train.lr=abc
        seeds: [0, 1]
`;
    await writeFile(file, text);
    await expect(loadStudy(file)).rejects.toMatchObject({
      exitCode: 2,
      message: expect.stringMatching(/study\.yaml has 8 errors:/),
      faults: [
        expect.stringMatching(/study\.yaml:3: cannot read the config .*compakt.*did you mean 'compact'\?$/),
        `${file}:4: entry 1 of groups.first.seeds is -1, but must be at least 0`,
        `${file}:5: groups.first.variants: one variant must be 'base', to which the others are compared`,
        expect.stringMatching(
          /study\.yaml:7: entry 2 of groups\.first\.variants\.seed\.overrides: .* e\.g\. seeds: \[0, 1\]$/,
        ),
        `${file}:10: unknown key 'groups.second.qestion'; did you mean 'question'?`,
        `${file}:13: override 'train.lrr=1': unknown key 'train.lrr'; did you mean 'train.lr'?`,
        `${file}:18: override 'train.lr=abc': train.lr is "abc", but must be a number above 0, at most 10`,
        `${join(folder, 'small.yaml')}:2: train.size is "big", but must be a whole number from 32 to 1024`,
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
