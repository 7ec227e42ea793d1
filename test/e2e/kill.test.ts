import { existsSync } from 'node:fs';
import { cp, readFile, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { temporaryFolder } from '../dataset-fixture.ts';
import { runCli } from './run-cli.ts';
import { fileFolder, listFiles, readTensors, smallTraining, train, writeFaces } from './training-fixture.ts';

const folder = await fileFolder();
/** 24 small steps; validations after 12 and 24, lines of metrics after 12, 20 and 24. */
const settings = [
  ...smallTraining,
  'train.size=32',
  'data.cacheSize=32',
  'train.batchSize=2',
  'train.epochs=2',
  'validation.every=1',
];
/** A checkpoint after every step. */
const often = 'train.checkpointMinutes=0.000001';
let data: string;
/** Trained without a break, with checkpoints at validations only. */
let straight: string;

beforeAll(async () => {
  data = await writeFaces(folder);
  straight = join(folder, 'straight', 'same');
  await train(wordsFor(straight, 'train.checkpointMinutes=0'));
});

function wordsFor(run: string, ...more: string[]): string[] {
  return ['--data', data, '--out', join(run, '..'), '--name', 'same', ...settings, ...more];
}

/** Begins or resumes a run that is killed at a place (see kill-at.mjs); gives what it wrote on stderr. */
async function killAt(place: string, words: readonly string[]): Promise<string> {
  const preload = new URL('./kill-at.mjs', import.meta.url).href;
  const env = { NODE_OPTIONS: `--import ${preload}`, FACEPARSE_TEST_KILL: place };
  const { code, stderr } = await runCli(['train', ...words], { env });
  expect({ place, code }, stderr).toEqual({ place, code: null });
  return stderr;
}

/** The lines of metrics.csv without the columns that depend on the speed of the machine. */
async function steadyMetrics(run: string): Promise<string[][]> {
  const rows = (await readFile(join(run, 'metrics.csv'), 'utf8')).split('\n').map((row) => row.split(','));
  const steady = rows[0].flatMap((name, index) => (['seconds', 'imagesPerSecond'].includes(name) ? [] : [index]));
  return rows.map((row) => steady.map((index) => row[index]));
}

async function outcome(run: string) {
  const { metadata, tensors } = await readTensors(join(run, 'checkpoint.safetensors'));
  const { bestStep, eventBytes, window } = JSON.parse(metadata.record);
  const bytes = (name: string) => readFile(join(run, name), 'base64');
  return {
    files: await listFiles(run),
    metrics: await steadyMetrics(run),
    best: await bytes('weights/best.safetensors'),
    last: await bytes('weights/last.safetensors'),
    images: [await bytes('validation.png'), await bytes('batch.png')],
    checkpoint: { step: metadata.step, bestF: metadata.bestF, bestStep, eventBytes, count: window.count },
    states: [...tensors].map(([name, { data: values }]) => [name, Buffer.from(values.buffer).toString('base64')]),
    eventBytes: (await stat(join(run, 'events.out.tfevents.faceparse'))).size,
  };
}

/** Compares without printing megabytes where they differ. */
async function expectSameOutcome(run: string): Promise<void> {
  const [is, wanted] = [await outcome(run), await outcome(straight)];
  const { best, last, images, states, ...small } = is;
  expect(small).toMatchObject({
    files: wanted.files,
    metrics: wanted.metrics,
    checkpoint: wanted.checkpoint,
    eventBytes: wanted.eventBytes,
  });
  for (const key of ['best', 'last', 'images', 'states'] as const) {
    expect(JSON.stringify(is[key]) === JSON.stringify(wanted[key]), key).toBe(true);
  }
}

const beginsAgain = /^faceparse: [^\n]*same was stopped before its first checkpoint; it restarts$/m;

describe('a run that is killed', () => {
  it('again and again, in all that it writes, has the files of one that was not', { timeout: 180_000 }, async () => {
    const run = join(await temporaryFolder(), 'same');
    const begin = wordsFor(run, often);
    const resume = ['--resume', run];
    // Before there is a folder, so that the same command can be given again.
    for (const place of ['write:config.yaml', 'rename:same']) {
      await killAt(place, begin);
      expect(existsSync(run), place).toBe(false);
    }
    // Before the first checkpoint.
    await killAt('write:batch.png', begin);
    expect(await killAt('write:checkpoint.safetensors', resume)).toMatch(beginsAgain);
    expect(await killAt('write:metrics.csv', resume)).toMatch(beginsAgain);
    // In the first validation, over and over.
    for (const file of ['best.safetensors', 'last.safetensors', 'validation.png', 'metrics.csv']) {
      await killAt(`rename:${file}`, resume);
    }
    // In the middle of a window, of a record of the events, and in the last validation.
    for (const place of ['checkpoint.safetensors#4', 'events.out.tfevents.faceparse', 'best.safetensors']) {
      await killAt(`write:${place}`, resume);
    }
    await train(resume);
    await expectSameOutcome(run);
  });

  it('does not give its folder to two at once', async () => {
    const run = join(await temporaryFolder(), 'same');
    let second: ReturnType<typeof runCli> | undefined;
    await runCli(['train', ...wordsFor(run)], {
      onStart: (child) => {
        const timer = setInterval(() => {
          if (second || !existsSync(join(run, 'batch.png'))) return;
          // Stopped, it lives, and cannot have finished when the second comes.
          child.kill('SIGSTOP');
          second = runCli(['train', '--resume', run]).finally(() => child.kill('SIGKILL'));
        }, 10);
        child.on('close', () => clearInterval(timer));
      },
    });
    const { code, stderr } = await second!;
    expect(code).toBe(1);
    expect(stderr).toMatch(/^faceparse: \S*same is being trained by process \d+; wait for it, or stop it first\.\n$/);
  });
});

describe('a run that lost its checkpoint', () => {
  it('does not begin again over its weights', async () => {
    const run = join(await temporaryFolder(), 'same');
    await cp(straight, run, { recursive: true });
    await rm(join(run, 'checkpoint.safetensors'));
    const { code, stderr } = await runCli(['train', '--resume', run, 'train.epochs=5']);
    expect(code).toBe(1);
    expect(stderr).toMatch(/^faceparse: no checkpoint to resume from at [^\n]* but the run had one, [^\n]*\n$/);
    expect(existsSync(join(run, 'weights', 'best.safetensors'))).toBe(true);
    // It is finished, but there is nothing to train further from.
    const { stdout } = await train(['--resume', run]);
    expect(stdout).toMatch(/is finished: 24 steps /);
    expect(stdout).toContain(`train.init=${run} `);
    expect(stdout).not.toContain('train longer');
  });
});
