import { describe, expect, it } from 'vitest';
import { readStudy, type StudyGroup } from './parse-study.ts';

const text = `
groups:
  recipe:
    title: Recipe
    question: Does it matter?
    config: compact.yaml
    overrides: [train.size=128]
    seeds: [3, 4]
    variants:
      base: {title: nothing}
      sgd:
        title: SGD
        overrides: [train.optimizer.kind=sgd, 'train.resolutions=[{until: 0.5, size: 64}]']
        seeds: [3]
`;

function groupsOf(text: string): readonly StudyGroup[] {
  return readStudy(text, 's.yaml').groups ?? expect.unreachable();
}

/** The only fault that one change of the text above gives. */
function refusal(from: string, to: string): string {
  expect(text).toContain(from);
  const { faults, groups } = readStudy(text.replace(from, to), 's.yaml');
  expect(groups).toBeUndefined();
  expect(faults).toHaveLength(1);
  return faults.join();
}

describe('readStudy', () => {
  it('gives groups and variants in their order, with seeds of the group where a variant has none', () => {
    const [group, ...more] = groupsOf(text);
    expect(more).toEqual([]);
    expect(group).toMatchObject({ name: 'recipe', config: 'compact.yaml', overrides: ['train.size=128'] });
    expect(group.variants).toEqual([
      { name: 'base', title: 'nothing', overrides: [], seeds: [3, 4] },
      {
        name: 'sgd',
        title: 'SGD',
        overrides: ['train.optimizer.kind=sgd', 'train.resolutions=[{until: 0.5, size: 64}]'],
        seeds: [3],
      },
    ]);
  });

  it('has seed 0 where none is given', () => {
    const [group] = groupsOf(text.replace('    seeds: [3, 4]\n', ''));
    expect(group.variants.map(({ seeds }) => seeds)).toEqual([[0], [3]]);
  });

  it.each([
    ['groups:', 'group:', "s.yaml:2: unknown key 'group'; did you mean 'groups'?"],
    ['    variants:', '    varaints:', "s.yaml:9: unknown key 'groups.recipe.varaints'; did you mean 'variants'?"],
    [
      '        seeds: [3]',
      '        seed: [3]',
      /^s\.yaml:14: unknown key 'groups\.recipe\.variants\.sgd\.seed'; did you mean 'seeds'\?$/,
    ],
    ['        title: SGD', '        zzzzzz: SGD', /unknown key .*; available: title, overrides, seeds$/],
    [
      '    config: compact.yaml',
      '    config: [1]',
      /^s\.yaml:6: groups\.recipe\.config is a list \(1 entries\), but must be text$/,
    ],
    ['[3, 4]', '[3, 3]', 's.yaml:8: groups.recipe.seeds: duplicate seed'],
    ['[3, 4]', '[]', /^s\.yaml:8: groups\.recipe\.seeds is an empty list, but must be a non-empty list$/],
    ['[3, 4]', '[-1]', 's.yaml:8: entry 1 of groups.recipe.seeds is -1, but must be at least 0'],
    [
      'train.size=128',
      'train.size',
      /^s\.yaml:7: entry 1 of groups\.recipe\.overrides: overrides have the form key=value, e\.g\. /,
    ],
    [
      'train.size=128',
      'train.seed=1',
      's.yaml:7: entry 1 of groups.recipe.overrides: the study sets train.seed and name; list the seeds under seeds, e.g. seeds: [0, 1]',
    ],
    ['      base:', '      basis:', /^s\.yaml:9: groups\.recipe\.variants: one variant must be 'base'/],
    ['{title: nothing}', '{title: nothing, overrides: [a=1]}', /variants\.base\.overrides: the base has no overrides/],
    ['      sgd:', '      ../sgd:', /^s\.yaml:11: 'groups\.recipe\.variants\.\.\.\/sgd': names begin with a letter/],
  ])('%j written as %j is refused in one line', (from, to, message) => {
    const fault = refusal(from, to);
    if (typeof message === 'string') expect(fault).toBe(message);
    else expect(fault).toMatch(message);
  });

  it('needs neither titles nor a question', () => {
    const bare = 'groups: {g: {config: c.yaml, variants: {base: {}, lr: {overrides: [train.lr=1e-3]}}}}';
    const [group] = groupsOf(bare);
    expect(group).toMatchObject({ title: 'g', variants: [{ title: 'nothing' }, { title: 'train.lr=1e-3' }] });
    expect(group).not.toHaveProperty('question');
  });

  it('has at least one group and at most a thousand runs', () => {
    expect(readStudy('groups: {}', 's.yaml').faults).toEqual(['s.yaml:1: groups: a study needs at least one group']);
    const seeds = Array.from({ length: 100 }, (_, seed) => seed).join(', ');
    const variants = Array.from({ length: 10 }, (_, index) => `v${index}: {overrides: [train.epochs=${index + 1}]}`);
    const group = `{config: c.yaml, seeds: [${seeds}], variants: {base: {}, ${variants.join(', ')}}}`;
    expect(readStudy(`groups: {g: ${group}}`, 's.yaml').faults).toEqual([
      expect.stringMatching(/the study has 1100 runs, but at most 1000/),
    ]);
  });

  it('takes little time for many keys and lists the first hundred errors', () => {
    const keys = Array.from({ length: 40_000 }, (_, index) => `  k${index}: x\n`).join('');
    const start = performance.now();
    expect(readStudy(`groups:\n${keys}`, 's.yaml').faults).toHaveLength(100);
    expect(performance.now() - start).toBeLessThan(15_000);
  }, 60_000);

  it('refuses text that is not YAML, and duplicate names', () => {
    expect(() => readStudy(text.replace('      sgd:', '      base:'), 's.yaml')).toThrow(
      's.yaml:11: duplicate key; remove one',
    );
    expect(() => readStudy('groups: [', 's.yaml')).toThrow(/^s\.yaml:\d+: not valid YAML/);
  });

  it('refuses a variant that changes nothing, a group without a config, and what is no study at all', () => {
    expect(refusal('    config: compact.yaml\n', '')).toBe(
      's.yaml:3: groups.recipe.config is missing; it must be text',
    );
    expect(refusal("[train.optimizer.kind=sgd, 'train.resolutions=[{until: 0.5, size: 64}]']", '[]')).toBe(
      's.yaml:11: groups.recipe.variants.sgd: a variant without overrides changes nothing',
    );
    for (const other of ['', '3', '[]'])
      expect(readStudy(other, 's.yaml').faults).toEqual([
        expect.stringMatching(/^s\.yaml: the file is .*must be a group of keys$/),
      ]);
  });
});
