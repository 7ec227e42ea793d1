import { existsSync } from 'node:fs';
import { readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { Random } from '../../src/random/random.ts';
import { askCli, runCli } from './run-cli.ts';
import { fileFolder, writeFaces } from './training-fixture.ts';

const folder = await fileFolder();
const eight = join(folder, 'eight.yaml');
const nineteen = join(folder, 'nineteen.yaml');
/** Nine steps, and two validations. */
const small = {
  model: { name: 'mobile-unet' },
  data: { cacheSize: 32 },
  train: { size: 32, batchSize: 8, epochs: 3 },
  validation: { every: 1.5, limit: 4 },
};
let data: string;
/** The comparison of both configurations, made without a break. */
let straight: string;

function wordsFor(out: string, ...more: string[]): string[] {
  return ['compare', eight, nineteen, '--data', data, '--out', out, '--threads', '1', ...more];
}

/** The tables as files, without those that depend on the speed of the machine. */
async function steadyTables(out: string): Promise<Record<string, string>> {
  const names = (await readdir(join(out, 'tables'))).filter((name) => name !== 'cost.csv').sort();
  const texts = await Promise.all(names.map((name) => readFile(join(out, 'tables', name), 'utf8')));
  return Object.fromEntries(names.map((name, index) => [name, texts[index]]));
}

beforeAll(async () => {
  data = await writeFaces(folder);
  await writeFile(eight, stringify({ ...small, data: { ...small.data, labels: 'face-8' } }));
  await writeFile(nineteen, stringify({ ...small, train: { ...small.train, lr: 1e-2 } }));
  straight = join(folder, 'straight');
  const { code, stderr } = await runCli(wordsFor(straight));
  expect(code, stderr).toBe(0);
  expect(stderr).toContain('all are scored in the classes of face-8');
}, 300_000);

describe('compare', () => {
  it('trains configurations and writes a page, tables and pictures', async () => {
    expect((await readdir(straight)).sort()).toEqual([
      'charts',
      'comparison.json',
      'comparison.md',
      'evaluations',
      'images',
      'index.html',
      'runs',
      'tables',
    ]);
    const tables = await steadyTables(straight);
    expect(Object.keys(tables)).toEqual(
      ['classes', 'differences', 'macro', 'scores']
        .flatMap((id) => [`${id}-train.csv`, `${id}-val.csv`])
        .concat('distribution.csv', 'settings.csv')
        .sort(),
    );
    expect(tables['settings.csv'].replaceAll('\r\n', '\n')).toBe(
      'setting,eight,nineteen\ndata.labels,face-8,celebamask-19\ntrain.lr,0.002,0.01\n',
    );
    const cost = await readFile(join(straight, 'tables', 'cost.csv'), 'utf8');
    expect(cost).toMatch(/^run,network,size,parameters,gmac,epochs,steps,secondsPerEpoch,stepMilliseconds,/);
    expect(await readdir(join(straight, 'images'))).toContain('panel-1.png');
  });

  it('agrees with evaluate', async () => {
    const run = join(straight, 'runs', 'eight');
    const evaluated = await askCli(['evaluate', run, '--data', join(data, 'val'), '--threads', '1', '--json']);
    const { fPerImage, confusion } = JSON.parse(evaluated.stdout);
    const { runs } = JSON.parse(await readFile(join(straight, 'comparison.json'), 'utf8'));
    const val = runs[0].scores.find(({ split }: { split: string }) => split === 'val');
    expect(val.fPerImage).toBe(fPerImage);
    expect(val.f.mean).toBeCloseTo(fPerImage, 12);
    expect(val.confusion).toEqual(confusion);
  });

  it('uses runs and scores again, and chooses splits, images and title', async () => {
    const before = await stat(join(straight, 'evaluations', 'eight', 'val.json'));
    const words = wordsFor(straight, '--splits', 'val', '--images', 'face-00003', '--title', 'Two', '--json');
    const { code, stdout, stderr } = await runCli(words);
    expect(code, stderr).toBe(0);
    expect(stderr).not.toMatch(/training|scoring/);
    const { title, panels, tables } = JSON.parse(stdout);
    expect(title).toBe('Two');
    expect(panels).toEqual([{ split: 'val', stem: 'face-00003', reason: 'chosen by name' }]);
    expect(Object.keys(tables)).toContain('scores-val');
    expect(Object.keys(tables)).not.toContain('scores-train');
    // Tables of a page that is gone would contradict this one.
    expect(Object.keys(await steadyTables(straight)).filter((name) => name.includes('train'))).toEqual([]);
    expect((await stat(join(straight, 'evaluations', 'eight', 'val.json'))).mtimeMs).toBe(before.mtimeMs);
    // The whole page again, for the tests below.
    expect((await runCli(wordsFor(straight))).code).toBe(0);
  });

  it('compares a run that is elsewhere, and scores in classes that were asked for', async () => {
    const out = join(folder, 'elsewhere');
    const run = join(straight, 'runs', 'nineteen');
    const options = ['--data', data, '--out', out, '--splits', 'val', '--no-measure', '--threads', '1', '--json'];
    const plain = JSON.parse((await askCli(['compare', run, ...options])).stdout);
    expect([plain.labels, plain.runs[0].name]).toEqual(['celebamask-19', 'nineteen']);
    expect(existsSync(join(out, 'runs'))).toBe(false);
    const merged = JSON.parse((await askCli(['compare', run, ...options, '--labels', 'face-8'])).stdout);
    expect(merged.labels).toBe('face-8');
    const scores = await steadyTables(straight);
    const row = scores['scores-val.csv'].split('\n').find((line) => line.startsWith('nineteen,'))!;
    expect(Number(row.split(',')[1])).toBe(merged.runs[0].f ?? merged.runs[0].scores[0].fPerImage);
  });

  it.each<[string, string[], RegExp]>([
    ['an unknown configuration', ['eigth'], /^faceparse: config eigth not found; /],
    ['an image that is not there', [eight, '--images', 'face-9'], /there is no image 'face-9'; /],
    [
      'classes that cannot be split',
      [eight, '--labels', 'celebamask-19'],
      /face-8 cannot be merged into those of celeb/,
    ],
    ['nothing to compare', ['train.lr=1'], /^faceparse: nothing to compare; /],
    ['a split that is not there', [eight, '--splits', 'test'], /test is not a folder; leave out --splits test/],
  ])('refuses %s', async (_, words, message) => {
    const out = ['--data', data, '--out', straight, '--no-train', '--no-measure', '--threads', '1'];
    const { code, stderr } = await askCli(['compare', ...words, ...out]);
    expect(code, stderr).toBe(2);
    expect(stderr).toMatch(message);
  });

  it('trains nothing with --no-train, and says what is missing', async () => {
    const out = join(folder, 'empty');
    const { code, stderr } = await askCli(wordsFor(out, '--no-train'));
    expect(code).toBe(2);
    expect(stderr).toMatch(/^faceparse: eight has no weights yet and is left out$/m);
    expect(stderr).toMatch(/no run has weights, so there is nothing to compare; train the runs first/);
  });

  it('ends with the same tables after ten kills', { timeout: 240_000 }, async () => {
    const out = join(folder, 'killed');
    const random = new Random(14, 'kills');
    const preload = new URL('./kill-at.mjs', import.meta.url).href;
    const codes: (number | null)[] = [];
    for (let kill = 0; kill < 10; kill++) {
      // Somewhere in the next forty pieces of its writing.
      const env = { NODE_OPTIONS: `--import ${preload}`, FACEPARSE_TEST_KILL: `any#${1 + random.integer(40)}` };
      codes.push((await runCli(wordsFor(out, '--no-measure'), { env })).code);
    }
    expect(codes).toEqual(new Array(10).fill(null));
    const { code, stderr } = await runCli(wordsFor(out, '--no-measure'));
    expect(code, stderr).toBe(0);
    expect(await steadyTables(out)).toEqual(await steadyTables(straight));
    await rm(out, { recursive: true });
  });
});
