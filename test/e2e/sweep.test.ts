import { existsSync, readFileSync } from 'node:fs';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { parse, stringify } from 'yaml';
import { Random } from '../../src/random/random.ts';
import { type RunOptions, runCli } from './run-cli.ts';
import { fileFolder, train, writeFaces } from './training-fixture.ts';

const folder = await fileFolder();
const config = join(folder, 'small.yaml');
const space = join(folder, 'space.yaml');
let data: string;

/** Six steps an epoch, validated after each on two images; on one thread, so that they can be repeated exactly. */
const small = {
  model: { name: 'mobile-unet' },
  data: { cacheSize: 32 },
  train: { size: 32, batchSize: 4, epochs: 2 },
  validation: { every: 1, limit: 2, trainImages: 0 },
};

/** Two rungs, so brackets have two trials. */
const four = ['--trials', '4', '--eta', '2', '--threads', '1'];

function sweep(out: string, words: readonly string[], options: RunOptions = {}) {
  return runCli(['sweep', config, '--space', space, '--data', data, '--out', out, ...words], options);
}

type Row = Record<string, string | number | null>;

/** The table of a sweep that succeeds, without what depends on the speed of the machine. */
async function tableOf(out: string, words: readonly string[]): Promise<Row[]> {
  const { code, stdout, stderr } = await sweep(out, [...words, '--json']);
  expect(code, stderr).toBe(0);
  return JSON.parse(stdout).table.map(({ minutes: _, ...row }: Row) => row);
}

beforeAll(async () => {
  data = await writeFaces(folder);
  await writeFile(config, stringify(small));
  await writeFile(
    space,
    stringify({
      space: { 'train.lr': { logUniform: [1e-3, 1e-1] }, 'loss.dice': [0, 1], 'train.batchSize': { int: [3, 6] } },
    }),
  );
});

describe('sweep', { timeout: 240_000 }, () => {
  let whole: Row[];

  it('trains all trials to the first rung and the best ones to their end, and reports them', async () => {
    const out = join(folder, 'whole');
    whole = await tableOf(out, [...four, '--parallel', '1']);
    expect(whole.map(({ rank }) => rank)).toEqual([1, 2, 3, 4]);
    expect(whole.map(({ epochs }) => epochs).sort()).toEqual([1, 1, 2, 2]);
    const scores = whole.map(({ valF }) => valF as number);
    expect([...scores].sort((a, b) => b - a)).toEqual(scores);
    // In each bracket, the better one of the first rung went on.
    const firsts = await Promise.all([1, 2, 3, 4].map((trial) => firstScore(out, trial)));
    const longer = whole.filter(({ epochs }) => epochs === 2).map(({ trial }) => trial);
    expect(longer.sort()).toEqual([firsts[0] >= firsts[1] ? 1 : 2, firsts[2] >= firsts[3] ? 3 : 4]);
    for (const chart of ['best-score', 'settings', 'importance']) {
      expect(await readFile(join(out, `${chart}.svg`), 'utf8'), chart).toMatch(/^<svg[\s\S]*<\/svg>\s*$/);
    }
    expect(await readFile(join(out, 'sweep.csv'), 'utf8')).toMatch(/^rank,trial,valF,epochs,minutes,train\.lr,/);
    expect(await readFile(join(out, 'sweep.md'), 'utf8')).toContain('](settings.svg)');
  });

  it('trains to the end what it paused as a run without a pause', async () => {
    const out = join(folder, 'whole');
    const { trial } = whole.find(({ epochs }) => epochs === 2)!;
    const best = parse(await readFile(join(out, 'best.yaml'), 'utf8'));
    const stored = parse(await readFile(join(out, 'trials', `000${trial}`, 'config.yaml'), 'utf8'));
    if (whole[0].trial === trial) expect({ ...best, name: stored.name, engine: stored.engine }).toEqual(stored);
    const run = join(out, 'trials', `000${trial}`, 'config.yaml');
    await train([run, '--data', data, '--out', join(folder, 'straight'), '--name', 'straight']);
    expect(await steadyMetrics(join(folder, 'straight', 'straight'))).toEqual(
      await steadyMetrics(join(out, 'trials', `000${trial}`)),
    );
  });

  it('has the same table with two shards at the same time in one folder', async () => {
    const out = join(folder, 'shards');
    const shards = await Promise.all(['1/2', '2/2'].map((shard) => sweep(out, [...four, '--shard', shard])));
    for (const { code, stderr } of shards) expect(code, stderr).toBe(0);
    expect(await tableOf(out, [...four, '--no-train'])).toEqual(whole);
    // A shard trains only its own trials.
    expect(shards[0].stderr).toMatch(/^trial 1: /m);
    expect(shards[0].stderr).not.toMatch(/^trial [34]: /m);
    expect(shards[1].stderr).not.toMatch(/^trial [12]: /m);
  });

  it('resumes trials that hold out a fold', async () => {
    const words = ['data.folds=3', '--trials', '1', '--eta', '2', '--threads', '1'];
    const before = await tableOf(join(folder, 'folds'), words);
    expect(await tableOf(join(folder, 'folds'), words)).toEqual(before);
  });

  it('has the same table after ten kills at random moments', async () => {
    const out = join(folder, 'killed');
    const random = new Random(14, 'kills');
    const preload = new URL('./kill-at.mjs', import.meta.url).href;
    /** The sweep itself writes these; its trials do not. */
    const files = ['log.json#1', 'log.json#2', 'sweep.json#1', 'best.yaml#1'];
    let killed = 0;
    for (let kill = 0; kill < 10; kill++) {
      const [delay, file, isTimed] = [random.uniform(400, 3000), files[random.integer(files.length)], kill % 3 > 0];
      const env = { NODE_OPTIONS: `--import ${preload}`, FACEPARSE_TEST_KILL: `rename:${file}` };
      const { code, stderr } = await sweep(out, four, {
        ...(!isTimed && { env }),
        onStart: (child) => {
          if (!isTimed) return;
          const timer = setTimeout(() => child.kill('SIGKILL'), delay);
          child.on('close', () => clearTimeout(timer));
        },
      });
      // One that is faster than its kill succeeds.
      if (code === null) killed++;
      else expect(code, stderr).toBe(0);
    }
    expect(killed).toBeGreaterThanOrEqual(5);
    expect(await tableOf(out, four)).toEqual(whole);
  });

  it('is stopped by Ctrl-C and goes on; time that is used up ends it, too', async () => {
    const out = join(folder, 'stopped');
    const two = ['--trials', '2', ...four.slice(2)];
    const stopped = await sweep(out, two, {
      onStart: (child) => {
        const timer = setInterval(() => {
          if (!existsSync(join(out, 'trials', '0001', 'batch.png'))) return;
          clearInterval(timer);
          child.kill('SIGINT');
        }, 10);
        child.on('close', () => clearInterval(timer));
      },
    });
    expect(stopped.code, stopped.stderr).toBe(0);
    expect(stopped.stdout).toMatch(/^Stopped; everything is saved\. Repeat the command to resume the sweep\.\n/);
    const timed = await sweep(out, [...two, '--budget', '0.0001']);
    expect(timed.code, timed.stderr).toBe(0);
    expect(timed.stdout).toMatch(
      /^The budget of 0 s is used up\. Repeat the command with a greater --budget to go on\.\n/,
    );
    const withoutRank = ({ rank: _, ...row }: Row) => row;
    const first = whole.filter(({ trial }) => Number(trial) <= 2);
    expect((await tableOf(out, two)).map(withoutRank)).toEqual(first.map(withoutRank));
  });

  it('refuses another sweep in its folder, and names all differences', async () => {
    const other = join(folder, 'other.yaml');
    await writeFile(other, stringify({ space: { 'train.lr': { logUniform: [1e-3, 0.2] }, 'loss.dice': [0, 1] } }));
    const words = ['sweep', config, 'train.warmup=0', '--space', other, '--metric', 'valLoss', '--seed', '3'];
    const out = join(folder, 'whole');
    const wrong = await runCli([...words, '--data', data, '--out', out, ...four]);
    expect(wrong.code).toBe(2);
    expect(wrong.stderr).toMatch(/valLoss cannot compare trials with different losses, .* loss\.dice; /);
    const changed = await runCli([...words, '--metric', 'valMacroIou', '--data', data, '--out', out, ...four]);
    expect(changed.code).toBe(2);
    for (const part of [
      'holds another sweep: train.warmup was 0.03 and is now 0; ',
      'the space of train.lr was {logUniform: [0.001, 0.1]} and is now {logUniform: [0.001, 0.2]}; ',
      'the space of train.batchSize was {int: [3, 6]} and is now not searched; ',
      '--metric was valF and is now valMacroIou; --seed was 0 and is now 3. ',
    ]) {
      expect(changed.stderr).toContain(part);
    }
  });

  it('records a trial that fails and goes on', async () => {
    const wild = join(folder, 'wild.yaml');
    await writeFile(wild, stringify({ space: { 'train.optimizer.weightDecay': [0, 1e12] } }));
    const overrides = ['train.optimizer.kind=sgd', 'train.lr=0.1', 'train.clipNorm=0', 'train.warmup=0'];
    const out = join(folder, 'wild');
    const words = ['sweep', config, ...overrides, '--space', wild, '--data', data, '--out', out, ...four];
    const { code, stdout, stderr } = await runCli(words);
    expect(code, stderr).toBe(0);
    expect(stderr).toMatch(/^trial [12] failed: the loss became (NaN|infinite) /m);
    expect(stdout).toMatch(/^The space has no more settings\.$/m);
    const again = await runCli([...words, '--json']);
    expect(again.code, again.stderr).toBe(0);
    expect(again.stderr).not.toMatch(/^trial/m);
    const { table, best } = JSON.parse(again.stdout);
    expect(table).toMatchObject([
      { rank: 1, failure: null },
      { rank: null, valF: null, failure: expect.any(String) },
    ]);
    expect(best.settings).toEqual({ 'train.optimizer.weightDecay': 0 });
    await rm(out, { recursive: true });
  });

  it.skipIf(process.platform !== 'linux')('tries a trial again whose process is killed, once', async () => {
    const killEach = (most: number): RunOptions => ({
      onStart: (parent) => {
        const killed = new Set<number>();
        const timer = setInterval(() => {
          for (const pid of childrenOf(parent.pid!)) {
            if (killed.size >= most || killed.has(pid)) continue;
            killed.add(pid);
            process.kill(pid, 'SIGKILL');
          }
        }, 50);
        parent.on('close', () => clearInterval(timer));
      },
    });
    const two = ['--trials', '2', ...four.slice(2), '--json'];
    const once = await sweep(join(folder, 'once'), two, killEach(1));
    expect(once.code, once.stderr).toBe(0);
    expect(JSON.parse(once.stdout).table.map(({ failure }: Row) => failure)).toEqual([undefined, undefined]);
    const always = await sweep(join(folder, 'always'), ['--trials', '1', ...four.slice(2)], killEach(9));
    expect(always.code).toBe(1);
    expect(always.stderr).toMatch(/^trial 1 failed: its process was killed \(SIGKILL\), as happens when the machine /m);
    expect(always.stderr).toMatch(/^faceparse: no trial succeeded; trial 1: its process was killed/m);
  });

  it.each([
    [[], 2, /a sweep needs an end; pass --budget MINUTES or --trials N, or both/],
    [['--trials', '4', '--shard', '3/2'], 2, /--shard is 3\/2, but must be i\/n with i from 1 to n/],
    [['--trials', '4', '--metric', 'valf'], 2, /Allowed choices are valF, /],
    [['--trials', '4', '--min-epochs', '3'], 2, /--min-epochs is 3, but must be at most train\.epochs, which is 2/],
    [['--no-train'], 2, /none contains no sweep; pass the --out folder of one, or leave out --no-train/],
  ] as const)('%j is refused in one line', async (words, exitCode, message) => {
    const { code, stdout, stderr } = await sweep(join(folder, 'none'), words);
    expect({ code, stdout }).toEqual({ code: exitCode, stdout: '' });
    expect(stderr).toMatch(message);
    expect(stderr.trim().split('\n')).toHaveLength(1);
  });
});

/** The lines of metrics.csv without the columns that depend on the speed of the machine. */
async function steadyMetrics(run: string): Promise<string[][]> {
  const rows = (await readFile(join(run, 'metrics.csv'), 'utf8')).split('\n').map((row) => row.split(','));
  const steady = rows[0].flatMap((name, index) => (['seconds', 'imagesPerSecond'].includes(name) ? [] : [index]));
  return rows.map((row) => steady.map((index) => row[index]));
}

/** The processes that a process has started. */
function childrenOf(pid: number): number[] {
  try {
    return readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ').filter(Boolean).map(Number);
  } catch {
    return [];
  }
}

/** F of the first validation of a trial. */
async function firstScore(out: string, trial: number): Promise<number> {
  const rows = (await readFile(join(out, 'trials', `000${trial}`, 'metrics.csv'), 'utf8')).trim().split('\n');
  const column = rows[0].split(',').indexOf('valF');
  return Number(rows.map((row) => row.split(',')[column]).find((text, index) => index > 0 && text !== ''));
}
