import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { endedBySemicolon } from '../../../test/report-fixture.ts';
import { parseConfig } from '../../config/parse-config.ts';
import { comparisonFigure } from '../figures/comparison-figure.ts';
import { comparisonSection } from '../sections/comparison.ts';
import { compareRuns, groupRuns } from './comparison.ts';
import type { ReportFacts } from './report-facts.ts';
import { formatDifference, runDifferences } from './run-differences.ts';
import { readRunFacts } from './run-facts.ts';

let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'comparison-'));
});

afterAll(() => rm(folder, { recursive: true, force: true }));

/** A run of 10 epochs that ended with an F. */
async function writeRun(name: string, overrides: readonly string[], f: number, { epoch = 10, trainingData = {} } = {}) {
  const path = join(folder, name);
  await mkdir(path, { recursive: true });
  const config = parseConfig('', '', ['train.epochs=10', ...overrides]);
  await writeFile(join(path, 'config.yaml'), stringify(config));
  await writeFile(join(path, 'environment.json'), JSON.stringify({ parameters: 1000, cpu: 7, trainingData }));
  await writeFile(join(path, 'metrics.csv'), `step,epoch,seconds,valF\n${epoch * 10},${epoch},60,${f}\n`);
  return readRunFacts(path);
}

describe('runDifferences', () => {
  it('lists all relevant keys and their values in the second run', async () => {
    const base = await writeRun('differences-s0', [], 0.8);
    const other = await writeRun(
      'differences-s1',
      [
        'name=x',
        'train.seed=5',
        'engine.threads=1',
        'data.workers=0',
        'train.lr=0.5',
        'train.resolutions=[{until: 0.5, size: 64}]',
      ],
      0.8,
    );
    const differences = runDifferences(base, other);
    expect(differences.map(formatDifference)).toEqual(['train.resolutions=[{until:0.5,size:64}]', 'train.lr=0.5']);
    expect(formatDifference({ path: 'a', value: 'x'.repeat(500) })).toHaveLength(60);
    expect(formatDifference({ path: 'train.labelSize', value: undefined })).toBe('train.labelSize=null');
  });
});

describe('compareRuns', () => {
  it('merges seeds, sorts by F and lists the differences', async () => {
    const base = await writeRun('base-s0', [], 0.8);
    const seed = await writeRun('base-s1', ['train.seed=1'], 0.82);
    const worse = await writeRun('low-s0', ['train.lr=0.1'], 0.7);
    const better = await writeRun('high #1-s0', ['loss.lovasz=1'], 0.85);
    await mkdir(join(folder, 'begun'));
    await writeFile(
      join(folder, 'begun', 'config.yaml'),
      stringify(parseConfig('', '', ['train.epochs=10', 'loss.dice=3'])),
    );
    await writeFile(join(folder, 'begun', 'environment.json'), '{}');
    const begun = await readRunFacts(join(folder, 'begun'));
    const stopped = await writeRun('stopped', ['loss.dice=0'], 0.5, { epoch: 4 });
    expect(groupRuns([base, worse, seed])).toEqual([[base, seed], [worse]]);
    const comparison = await compareRuns([base, worse, seed, stopped, begun, better], base);
    expect(comparison.variants.map(({ name }) => name)).toEqual(['base', 'high #1', 'low', 'stopped', 'begun']);
    const [first, second, , last] = comparison.variants;
    expect(first.summary.mean).toBeCloseTo(0.81, 12);
    expect(second.summary.difference).toBeCloseTo(0.05, 12);
    expect(second.summary.verdict).toBe('beyond noise');
    expect(last.summary.mean).toBeUndefined();
    const text = comparisonSection({ comparison, figures: {}, run: base } as unknown as ReportFacts)!;
    expect(text).toContain('[high \\#1], [#raw("loss.lovasz=1")], [0.8500], [*+5.00*], [0.00], [10]');
    expect(text).toContain('[base], [–], [0.8100 ±1.00 (2)], [], [0.00], [10]');
    expect(text).toContain('[stopped], [#raw("loss.dice=0")], [–], [], [0.00], [4 of 10]');
    expect(text).toContain('[begun], [#raw("loss.dice=3")], [–], [], [], [0 of 10]');
    expect(text).toContain('The base scores 0.8000 (seed 0) and 0.8200 (seed 1), a spread of 2.00 points.');
    const svg = comparisonFigure(comparison.variants)!;
    expect(svg.match(/<circle /g)).toHaveLength(4);
    expect(svg).not.toMatch(/NaN/);
  });

  it('shows same-seed differences and the scores behind them', async () => {
    const base = await writeRun('paired/base-s0', [], 0.8);
    const second = await writeRun('paired/base-s1', ['train.seed=1'], 0.84);
    const both = ['loss.lovasz=1'];
    const others = [
      await writeRun('paired/both-s0', both, 0.85),
      await writeRun('paired/both-s1', [...both, 'train.seed=1'], 0.88),
      await writeRun('paired/second-s1', ['loss.dice=0', 'train.seed=1'], 0.85),
    ];
    const comparison = await compareRuns([base, second, ...others], base);
    const paired = comparison.variants.map(({ name, paired }) => [name, paired.map((one) => Number(one.toFixed(4)))]);
    expect(paired).toEqual([
      ['base', []],
      ['both', [0.05, 0.04]],
      ['second', [0.01]],
    ]);
    const text = comparisonSection({ comparison, figures: {}, run: base } as unknown as ReportFacts)!;
    expect(text).toContain('[*Δ, same seed*]');
    expect(text).toContain('[0.8650 ±1.50 (2)], [*+4.50* ±0.50 (2)]');
    // The mean of the base is 0.82: the difference of the means would be +3.00.
    expect(text).toContain('[0.8500], [+1.00]');
    expect(text).toContain('The base scores 0.8000 (seed 0) and 0.8400 (seed 1), a spread of 4.00 points.');
    expect(text).toContain('Δ is the mean difference from the base run with the same seed');
    expect(text).toContain('The difference of #raw("second") is within seed noise.');
    expect(text).toContain(
      'The differences in F from the base are +4.50 points for #raw("both") and +1.00 points for #raw("second").',
    );
  });

  it('neither ranks nor plots runs with another label set, and says why', async () => {
    const base = await writeRun('nineteen', [], 0.6);
    const worse = await writeRun('nineteen-slow', ['train.lr=0.1'], 0.5);
    const eight = await writeRun('eight', ['data.labels=face-8'], 0.9);
    const comparison = await compareRuns([eight, base, worse], base);
    expect(comparison.variants.map(({ name, otherLabels }) => [name, otherLabels])).toEqual([
      ['nineteen', undefined],
      ['nineteen-slow', undefined],
      ['eight', 'face-8'],
    ]);
    const last = comparison.variants.at(-1)!;
    expect(last.summary).toMatchObject({ mean: 0.9, verdict: 'incomplete' });
    expect([last.summary.difference, last.paired]).toEqual([undefined, []]);
    const figures = { comparison: 'comparison.svg' };
    const text = comparisonSection({ comparison, figures, run: base } as unknown as ReportFacts)!;
    expect(text).toContain(
      '#raw("eight") (face\\-8) has another label set than the base. F over different classes is not comparable, so it is listed last, without a difference.',
    );
    expect(text).toContain('The difference in F from the base is −10.00 points for #raw("nineteen-slow").');
    expect(text).toContain('[0.9000], [], ');
    expect(text).toContain('F of every finished run with the label set of the base (dots)');
    expect(comparisonFigure(comparison.variants)).not.toContain('>eight<');
    const same = comparisonSection({
      comparison: await compareRuns([base, worse], base),
      figures,
      run: base,
    } as never)!;
    expect(same).not.toMatch(/label set/);
  });

  it('lists the differences by size, not by mean', async () => {
    const base = await writeRun('order/base-s0', [], 0.8);
    const second = await writeRun('order/base-s1', ['train.seed=1'], 0.84);
    const low = await writeRun('order/low-s0', ['train.lr=0.5'], 0.78);
    const lost = await writeRun('order/lost-s1', ['train.lr=0.6', 'train.seed=1'], 0.79);
    const comparison = await compareRuns([base, second, low, lost], base);
    const text = comparisonSection({ comparison, figures: {}, run: base } as unknown as ReportFacts)!;
    expect(text).toContain(
      'The differences in F from the base are −2.00 points for #raw("low") and −5.00 points for #raw("lost").',
    );
  });

  it('states only the largest differences of many runs', async () => {
    const base = await writeRun('many/base-s0', [], 0.8);
    const others = await Promise.all(
      [0.81, 0.82, 0.83, 0.84, 0.79, 0.78, 0.77, 0.76].map((f, index) =>
        writeRun(`many/v${index}`, [`train.lr=0.${index + 1}`], f),
      ),
    );
    const comparison = await compareRuns([base, ...others], base);
    const text = comparisonSection({ comparison, figures: {}, run: base } as unknown as ReportFacts)!;
    expect(text).toContain('The largest gains in F over the base are +4.00 points for #raw("v3"), +3.00');
    expect(text).toContain('The largest drops in F from the base are −4.00 points for #raw("v7"), −3.00');
    expect(text).not.toMatch(/"v0"\)|"v4"\)|loss(es)? against/);
  });

  it('describes changes with the titles of the study and names its base', async () => {
    await mkdir(join(folder, 'g'), { recursive: true });
    const titles = { 'g/base': 'nothing', 'g/no-dice': 'no Dice #1' };
    await writeFile(join(folder, 'titles.json'), JSON.stringify(titles));
    const base = await writeRun('g/base-s0', [], 0.8);
    const other = await writeRun('g/no-dice-s0', ['loss.dice=0'], 0.7);
    const untitled = await writeRun('elsewhere', ['train.lr=0.5'], 0.6);
    const text = async (main: typeof base) => {
      const comparison = await compareRuns([base, other, untitled], main);
      return comparisonSection({ comparison, figures: {}, run: main } as unknown as ReportFacts)!;
    };
    expect(await text(base)).toContain('[no-dice], [no Dice \\#1], [0.7000]');
    expect(await text(base)).toContain('[elsewhere], [#raw("train.lr=0.5")], [0.6000]');
    // A variant without a title in the study has its overrides as title.
    await writeFile(
      join(folder, 'titles.json'),
      JSON.stringify({ ...titles, 'g/no-flip': 'data.augmentation.flip=0' }),
    );
    const flip = await writeRun('g/no-flip-s0', ['data.augmentation.flip=0'], 0.75);
    const withDefault = await compareRuns([base, other, flip], base);
    expect(comparisonSection({ comparison: withDefault, figures: {}, run: base } as unknown as ReportFacts)).toContain(
      '[no-flip], [#raw("data.augmentation.flip=0")], [0.7500]',
    );
    expect(await text(base)).toContain('[base], [–], [0.8000]');
    expect(await text(base)).toContain(
      'Variants of a study are described by their titles there, other runs by the keys that differ.',
    );
    expect(await text(untitled)).toContain('base of the study group g');
    expect(await text(untitled)).toContain('[elsewhere (base)], [–]');
    expect(await text(untitled)).toContain('[g\\/base], ');
  });

  it('states on which images F is measured and why the headline differs', async () => {
    const base = await writeRun('limited-0', ['validation.limit=20'], 0.8);
    const other = await writeRun('limited-1', ['validation.limit=20', 'train.lr=0.5'], 0.7);
    const comparison = await compareRuns([base, other], base);
    const measured = { summary: { images: 100, fPerImage: 0.79 } };
    const facts = {
      comparison,
      figures: { comparison: 'c.svg' },
      run: base,
      measured,
      network: { weightsAre: 'best', step: 50 },
    };
    const text = comparisonSection(facts as unknown as ReportFacts)!;
    expect(text.match(/on the first 20 validation images/g)).toHaveLength(3);
    expect(text).toContain(
      'The headline F of 0.7900 is not in the table: it comes from the best checkpoint and covers all 100 validation images.',
    );
  });

  it('states shared differences once and distinguishes runs with the same name', async () => {
    const base = await writeRun('long', [], 0.9);
    const one = await writeRun('a/base-s0', ['train.size=64'], 0.8);
    const two = await writeRun('b/base-s0', ['train.size=64', 'train.lr=0.1'], 0.8);
    const three = await writeRun('b/base-s1', ['train.size=64', 'train.lr=0.2'], 0.8);
    const { variants, shared } = await compareRuns([base, one, two, three], base);
    expect(shared).toEqual([{ path: 'train.size', value: 64 }]);
    const comparison = await compareRuns([base, one, two, three], base);
    const text = comparisonSection({ comparison, figures: {}, run: base } as unknown as ReportFacts)!;
    expect(text).toContain('differ from the base in #raw("train.size=64"). The table lists only further changes.');
    expect(text).not.toMatch(endedBySemicolon);
    expect(text).toContain('The base is the run of this report, #raw("long").');
    expect(text).toContain('[long (base)], [–], [0.9000]');
    // One seed each, all finished: the caption explains no spread and no sign that does not occur.
    expect(text).not.toMatch(/±|seeds\)|Bold|not finished/);
    expect(comparisonFigure(variants)).toContain('>long (base)<');
    expect(variants.map(({ name }) => name)).toEqual(['long', 'a/base', 'b/base', 'base 2']);
    expect(variants.map(({ differences }) => differences.length)).toEqual([0, 0, 1, 1]);
  });

  it('lists the change of each ablation, even if one changes a shared key', async () => {
    const base = await writeRun('own-recipe', [], 0.9);
    const shared = [
      'train.size=64',
      'loss.dice=2',
      'loss.lovasz=1',
      'train.batchSize=4',
      'train.clipNorm=2',
      'train.epochs=10',
    ];
    const augmented = [...shared, 'data.augmentation.rotation=7', 'data.augmentation.scale=0.1'];
    const others = await Promise.all(
      [[], ['train.optimizer.weightDecay=0.5'], ['train.size=96'], ['loss.dice=1']].map((own, index) =>
        writeRun(`ablation-${index}`, [...augmented, ...own], 0.8 - index / 100),
      ),
    );
    const comparison = await compareRuns([base, ...others], base);
    const told = comparison.variants.map(({ differences }) => differences.map(formatDifference));
    expect(told).toEqual([[], [], ['train.optimizer.weightDecay=0.5'], ['train.size=96'], ['loss.dice=1']]);
    expect(comparison.shared).toHaveLength(7);
    expect(comparison.variants.map(({ changedKeys }) => changedKeys)).toEqual([0, 7, 8, 7, 6]);
    const text = comparisonSection({ comparison, figures: {}, run: others[0] } as unknown as ReportFacts)!;
    expect(text).toContain('Most others differ from the base in');
    expect(text).toContain('the run of this report (7 keys differ)');
    expect(text).toContain('. The table lists deviations from that.');
    expect(text).not.toMatch(endedBySemicolon);
  });

  it('lists keys that few runs change first', async () => {
    const base = await writeRun('plain', [], 0.9);
    const many = ['data.augmentation.rotation=1', 'data.augmentation.shift=0.01', 'train.lr=0.1'];
    const one = await writeRun('plain-1', [...many, 'train.optimizer.weightDecay=0.5'], 0.8);
    const two = await writeRun('plain-2', [...many.slice(1), 'train.clipNorm=3'], 0.7);
    const three = await writeRun('plain-3', ['train.clipNorm=4'], 0.6);
    const { variants, shared } = await compareRuns([base, one, two, three], base);
    expect(shared).toEqual([]);
    expect(variants[1].differences.map(({ path }) => path)).toEqual([
      'data.augmentation.rotation',
      'train.optimizer.weightDecay',
      'data.augmentation.shift',
      'train.lr',
    ]);
  });

  it('distinguishes runs on different images and says so', async () => {
    const all = { folder: 'a', pairs: 1000, stemsSha256: 'aaaaaaaaa' };
    const base = await writeRun('data-0', [], 0.8, { trainingData: all });
    const few = await writeRun('data-1', [], 0.6, { trainingData: { ...all, pairs: 100, stemsSha256: 'b' } });
    const other = await writeRun('data-2', [], 0.7, { trainingData: { ...all, stemsSha256: 'cccccccccc' } });
    const moved = await writeRun('data-3', ['train.seed=1'], 0.82, { trainingData: { ...all, folder: 'b' } });
    expect(groupRuns([base, few, other, moved])).toEqual([[base, moved], [few], [other]]);
    const comparison = await compareRuns([base, few, other, moved], base);
    expect(comparison.variants.map(({ differences }) => differences.map(formatDifference))).toEqual([
      [],
      ['images=cccccccc'],
      ['pairs=100'],
    ]);
    expect(comparison.variants[2].summary.difference).toBeCloseTo(-0.2, 12);
    const text = comparisonSection({ comparison, figures: {}, run: base } as unknown as ReportFacts)!;
    expect(text).toContain('may also have been validated on different images');
  });

  it('shows all values of a setting that a resume changed', async () => {
    const base = await writeRun('changed-0', ['train.lr=1e-3'], 0.8);
    const changed = await writeRun('changed-1', ['train.lr=1e-3'], 0.7);
    const changes = [{ key: 'train.lr', from: 2e-3, to: 1e-3 }];
    const resumes = [{ step: 50, cpu: '', engine: { name: 'native', device: 'cpu', threads: 1 }, changes }];
    const other = { ...changed, environment: { ...changed.environment, resumes } } as typeof changed;
    expect(runDifferences(base, other).map(formatDifference)).toEqual(['train.lr=0.002, 0.001 from step 50']);
    expect(runDifferences(other, base).map(formatDifference)).toEqual(['train.lr=0.001']);
    expect(runDifferences(base, changed)).toEqual([]);
  });

  it('refuses two runs with the same configuration, data and seed', async () => {
    const base = await writeRun('twice-0', [], 0.8);
    const again = await writeRun('twice-1', ['validation.every=1', 'engine.threads=1'], 0.81);
    await expect(compareRuns([base, again], base)).rejects.toMatchObject({
      exitCode: 2,
      message: expect.stringMatching(
        /twice-0 and .*twice-1 have the same configuration, training pairs and seed 0; remove one/,
      ),
    });
  });

  it('refuses runs that all have the same configuration', async () => {
    const base = await writeRun('same-s0', [], 0.8);
    const seed = await writeRun('same-s1', ['train.seed=1'], 0.82);
    await expect(compareRuns([base, seed], base)).rejects.toThrow(/nothing to compare/);
  });
});
