import { readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { parse, stringify } from 'yaml';
import { type RunOptions, runCli } from './run-cli.ts';
import { fileFolder, listFiles, readTensors, signalAfterFirstStep, writeFaces } from './training-fixture.ts';

const folder = await fileFolder();
const file = join(folder, 'study.yaml');
const out = join(folder, 'runs');
let data: string;

/** Runs of 18 steps, long enough to be stopped on the way, validated on 2 images; on one thread, so that they can be repeated exactly. */
const small = {
  model: { name: 'mobile-unet' },
  data: { cacheSize: 64 },
  train: { size: 64, batchSize: 4, epochs: 3 },
  validation: { every: 3, limit: 2 },
};

function group(variants: object) {
  const base = { title: 'nothing' };
  return { title: 'A group', question: 'Does it matter?', config: 'small.yaml', variants: { base, ...variants } };
}

const lr = { title: 'lower rate', overrides: ['train.lr=1e-3'] };

async function writeStudy(groups: object): Promise<void> {
  await writeFile(file, stringify({ groups }));
}

function study(words: readonly string[], options: RunOptions = {}) {
  return runCli(['study', file, '--out', out, '--threads', '1', ...words], options);
}

async function checkpointStep(run: string): Promise<number> {
  return Number((await readTensors(join(out, run, 'checkpoint.safetensors'))).metadata.step);
}

beforeAll(async () => {
  data = await writeFaces(folder);
  await writeFile(join(folder, 'small.yaml'), stringify(small));
});

describe('study', () => {
  it('asks for the data before anything is trained, and lists what there is', async () => {
    await writeStudy({ g: group({ lr }) });
    const { code, stderr } = await study([]);
    expect(code).toBe(2);
    expect(stderr).toBe(
      'faceparse: 2 runs need training; pass --data FOLDER, a folder with train/ and val/ (or --no-train)\n',
    );
    const { runs } = JSON.parse((await study(['--list', '--json'])).stdout);
    expect(runs).toMatchObject([
      { run: 'g/base-s0', folder: join(out, 'g', 'base-s0'), state: 'missing' },
      { run: 'g/lr-s0', folder: join(out, 'g', 'lr-s0'), state: 'missing' },
    ]);
  });

  it('is stopped by Ctrl-C, goes on, and compares', async () => {
    await writeStudy({ g: group({ lr }) });
    const stopped = await study(['--data', data], signalAfterFirstStep(join(out, 'g', 'base-s0'), 'SIGINT'));
    expect(stopped.code, stopped.stderr).toBe(0);
    expect(stopped.stdout).toBe('Stopped; everything is saved. Repeat the command to resume the study.\n');
    expect(stopped.stderr).toMatch(/^g\/base-s0: run 1 of 2$/m);
    expect(await checkpointStep('g/base-s0')).toBeLessThan(18);
    expect((await listFiles(out)).filter((name) => name.startsWith('g/lr'))).toEqual([]);

    const report = join(folder, 'report.md');
    const { code, stdout, stderr } = await study(['--data', data, '--report', report, '--json']);
    expect(code, stderr).toBe(0);
    expect(stderr).toMatch(/^g\/lr-s0: 18 steps in .*, best F 0\.\d{4}$/m);
    const result = JSON.parse(stdout);
    expect(result).toMatchObject({ interrupted: false, failures: [] });
    expect(result.written).toEqual([join(folder, 'report', 'g.csv'), join(folder, 'report', 'g.svg'), report]);
    const [base, other] = result.groups[0].variants;
    expect(base).toMatchObject({ name: 'base', verdict: 'base', runs: [{ state: 'finished', steps: 18, epochs: 3 }] });
    expect(other).toMatchObject({ verdict: 'noise unknown', overrides: lr.overrides, runs: [{ state: 'finished' }] });
    expect(other.difference).toBeCloseTo(other.mean - base.mean, 12);
    expect(base.runs[0].f).toBeGreaterThan(0);
    const document = await readFile(report, 'utf8');
    expect(document).toContain('| `lr` | lower rate | `train.lr=1e-3` | s0 ');
    const again = await study(['--report', report]);
    expect(again.stdout).toMatch(/[^\n]\n\nwrote [^\n]*g\.csv\nwrote [^\n]*g\.svg\nwrote [^\n]*report\.md\n$/);
    const titles = JSON.parse(await readFile(join(out, 'titles.json'), 'utf8'));
    expect(Object.keys(titles)).toContain('g/lr');
    expect(parse(await readFile(join(out, 'g', 'lr-s0', 'config.yaml'), 'utf8'))).toMatchObject({
      name: 'lr-s0',
      train: { lr: 1e-3, seed: 0 },
    });
  });

  it('writes the page of each group, with the tables of compare', async () => {
    const pages = join(folder, 'pages');
    const refused = await study(['--no-train', '--page', pages]);
    expect([refused.code, refused.stderr]).toEqual([2, expect.stringContaining('--page scores the runs; pass --data')]);
    const { code, stdout, stderr } = await study(['--no-train', '--data', data, '--page', pages]);
    expect(code, stderr).toBe(0);
    expect(stdout).toContain(`wrote ${join(pages, 'g', 'index.html')}`);
    expect(await readFile(join(pages, 'g', 'index.html'), 'utf8')).toContain('Does it matter?');
    const scores = await readFile(join(pages, 'g', 'tables', 'scores-val.csv'), 'utf8');
    expect(scores.match(/^[\w-]+/gm)).toEqual(['run', 'base-s0', 'lr-s0']);
    expect(await readFile(join(pages, 'g', 'tables', 'settings.csv'), 'utf8')).toContain('train.lr,0.002,0.001');
  });

  it('leaves finished runs as they are, trains what is new, and never touches what has lost its checkpoint', async () => {
    const checkpoint = join(out, 'g', 'base-s0', 'checkpoint.safetensors');
    const before = await stat(checkpoint);
    await rm(join(out, 'g', 'lr-s0', 'checkpoint.safetensors'));
    await rm(join(out, 'g', 'lr-s0', 'metrics.csv'));
    const more = { title: 'no flips', overrides: ['data.augmentation.flip=0'] };
    await writeStudy({ g: group({ lr, more: { ...more, seeds: [0, 1] } }) });
    const { code, stdout, stderr } = await study(['--data', data, '--only', 'g/lr', 'g/more-s1']);
    expect(code, stderr).toBe(1);
    expect(stderr).toMatch(/^g\/lr-s0: run 1 of 2/m);
    expect(stderr).toMatch(/^g\/lr-s0 failed: no checkpoint to resume from at .*, but the run had one, [^\n]*$/m);
    expect(stderr).toMatch(/^g\/more-s1: run 2 of 2/m);
    expect(stdout).toMatch(/^more +s0 missing; s1 0\.\d{4} /m);
    expect((await stat(checkpoint)).mtimeMs).toBe(before.mtimeMs);
    expect(await listFiles(join(out, 'g', 'lr-s0'))).toContain('weights/best.safetensors');
    await rm(join(out, 'g', 'lr-s0'), { recursive: true });
    expect((await study(['--data', data, '--only', 'g/lr'])).code).toBe(0);
    expect(await checkpointStep('g/lr-s0')).toBe(18);
  });

  it('refuses to compare what is not what the study asks for', async () => {
    await writeStudy({ g: group({ lr: { ...lr, overrides: ['train.lr=5e-3'] } }) });
    const { code, stdout, stderr } = await study(['--no-train']);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toMatch(/^faceparse: [^\n]*train\.lr is 0\.001, expected 0\.005\.[^\n]*\n$/);
  });

  it('trains the others when a run fails, and says so at the end', async () => {
    const wild = ['train.optimizer.kind=sgd', 'train.optimizer.weightDecay=1e12', 'train.lr=10', 'train.warmup=0'];
    await writeStudy({
      f: group({
        wild: { title: 'too wild', overrides: [...wild, 'train.clipNorm=0', 'train.schedule=constant'] },
        lr,
      }),
    });
    const { code, stdout, stderr } = await study(['--data', data]);
    expect(code).toBe(1);
    expect(stderr).toMatch(/^f\/wild-s0 failed: the /m);
    expect(stderr).toMatch(/^faceparse: 1 of 3 runs failed: f\/wild-s0: the [^\n]*\n$/m);
    expect(stdout).toMatch(/^wild +s0 unfinished/m);
    expect(stdout).toMatch(/^lr +s0 0\.\d{4} /m);
  });

  it.each([
    [['--only', 'g/sdg'], /^faceparse: the study has no 'g\/sdg'; [^\n]*\n$/],
    [['--report', 'study.txt'], /^faceparse: the report is a Markdown file; [^\n]*\n$/],
  ])('%j is refused in one line', async (words, message) => {
    await writeStudy({ g: group({ sgd: lr }) });
    const { code, stdout, stderr } = await study(['--no-train', ...words]);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toMatch(message);
  });

  it('refuses configurations that cannot be trained before it trains any', async () => {
    await writeStudy({ u: group({ odd: { title: 'odd size', overrides: ['train.size=100'] } }) });
    const { code, stderr } = await study(['--data', data]);
    expect(code).toBe(2);
    expect(stderr).toMatch(
      /^faceparse: u\/odd-s0: [^\n]*multiples of 32, not 100×100; the nearest to 100 are 96 and 128\n$/,
    );
    expect((await listFiles(out)).filter((name) => name.startsWith('u/'))).toEqual([]);
  });
});
