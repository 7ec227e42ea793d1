import { describe, expect, it } from 'vitest';
import { parseStudy } from './parse-study.ts';

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

/** The error that one change of the text above gives. */
function refusal(from: string, to: string): { message: string; exitCode: number } {
  expect(text).toContain(from);
  try {
    parseStudy(text.replace(from, to), 's.yaml');
  } catch (error) {
    return error as { message: string; exitCode: number };
  }
  return expect.unreachable();
}

describe('parseStudy', () => {
  it('gives groups and variants in their order, with seeds of the group where a variant has none', () => {
    const [group, ...more] = parseStudy(text, 's.yaml');
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
    const [group] = parseStudy(text.replace('    seeds: [3, 4]\n', ''), 's.yaml');
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
    ['[3, 4]', '[-1]', /^s\.yaml:8: groups\.recipe\.seeds\.0 is -1, but must be at least 0$/],
    [
      'train.size=128',
      'train.size',
      /^s\.yaml:7: groups\.recipe\.overrides\.0: overrides have the form key=value, e\.g\. /,
    ],
    ['train.size=128', 'train.seed=1', /^s\.yaml:7: .*the study sets the seeds and names of runs$/],
    ['      base:', '      basis:', /^s\.yaml:9: groups\.recipe\.variants: one variant must be 'base'/],
    ['{title: nothing}', '{title: nothing, overrides: [a=1]}', /variants\.base\.overrides: the base has no overrides/],
    ['      sgd:', '      ../sgd:', /^s\.yaml:11: 'groups\.recipe\.variants\.\.\.\/sgd': names begin with a letter/],
    ['      sgd:', '      base:', 's.yaml:11: duplicate key; remove one'],
    ['groups:', 'groups: [', /^s\.yaml:\d+: not valid YAML/],
  ])('%j written as %j is refused in one line', (from, to, message) => {
    const error = refusal(from, to);
    expect(error.exitCode).toBe(2);
    expect(error.message).not.toContain('\n');
    if (typeof message === 'string') expect(error.message).toBe(message);
    else expect(error.message).toMatch(message);
  });

  it('needs neither titles nor a question', () => {
    const bare = 'groups: {g: {config: c.yaml, variants: {base: {}, lr: {overrides: [train.lr=1e-3]}}}}';
    const [group] = parseStudy(bare, 's.yaml');
    expect(group).toMatchObject({ title: 'g', variants: [{ title: 'nothing' }, { title: 'train.lr=1e-3' }] });
    expect(group).not.toHaveProperty('question');
  });

  it('has at least one group and at most a thousand runs', () => {
    expect(() => parseStudy('groups: {}', 's.yaml')).toThrow('s.yaml:1: groups: a study needs at least one group');
    const seeds = Array.from({ length: 100 }, (_, seed) => seed).join(', ');
    const variants = Array.from({ length: 10 }, (_, index) => `v${index}: {overrides: [train.epochs=${index + 1}]}`);
    const group = `{config: c.yaml, seeds: [${seeds}], variants: {base: {}, ${variants.join(', ')}}}`;
    expect(() => parseStudy(`groups: {g: ${group}}`, 's.yaml')).toThrow(/the study has 1100 runs, but at most 1000/);
  });

  it('takes little time for many keys and lists the first hundred errors', () => {
    const keys = Array.from({ length: 40_000 }, (_, index) => `  k${index}: x\n`).join('');
    const start = performance.now();
    expect(() => parseStudy(`groups:\n${keys}`, 's.yaml')).toThrow(
      expect.objectContaining({ message: expect.stringMatching(/^s\.yaml has 100 or more errors:/) }),
    );
    expect(performance.now() - start).toBeLessThan(15_000);
  }, 60_000);

  it('lists all errors at once, each with its line', () => {
    const wrong = text
      .replace('    question:', '    qestion:')
      .replace('[3, 4]', '[-1]')
      .replace('title: SGD', 'titel: SGD');
    expect(() => parseStudy(wrong, 's.yaml')).toThrow(
      expect.objectContaining({
        exitCode: 2,
        faults: [
          "s.yaml:5: unknown key 'groups.recipe.qestion'; did you mean 'question'?",
          's.yaml:8: groups.recipe.seeds.0 is -1, but must be at least 0',
          "s.yaml:12: unknown key 'groups.recipe.variants.sgd.titel'; did you mean 'title'?",
        ],
      }),
    );
  });

  it('refuses a variant that changes nothing, a group without a config, and what is no study at all', () => {
    expect(refusal('    config: compact.yaml\n', '').message).toBe(
      's.yaml:3: groups.recipe.config is missing; it must be text',
    );
    expect(refusal("[train.optimizer.kind=sgd, 'train.resolutions=[{until: 0.5, size: 64}]']", '[]').message).toBe(
      's.yaml:11: groups.recipe.variants.sgd: a variant without overrides changes nothing',
    );
    for (const other of ['', '3', '[]'])
      expect(() => parseStudy(other, 's.yaml')).toThrow(/^s\.yaml: the file is .*must be a group of keys$/);
  });
});
