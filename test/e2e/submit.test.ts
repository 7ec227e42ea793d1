import { cp, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { unzipSync } from 'fflate';
import { beforeAll, describe, expect, it } from 'vitest';
import { drawSyntheticFace } from '../../src/data/synthetic-face.ts';
import { photoPng } from '../picture-fixture.ts';
import { torchIsThere, torchTimeout } from './python.ts';
import { runCli } from './run-cli.ts';
import { fileFolder, smallTraining, train, writeFaces } from './training-fixture.ts';

const root = await fileFolder();
const run = join(root, 'run');
const test = join(root, 'test');
const stems = ['a', 'b', 'c'];

beforeAll(async () => {
  const data = await writeFaces(root);
  await train(['--data', data, '--out', root, '--name', 'run', ...smallTraining, 'train.epochs=2']);
  await mkdir(join(test, 'images'), { recursive: true });
  for (const [seed, stem] of stems.entries()) {
    await writeFile(join(test, 'images', `${stem}.png`), await photoPng(drawSyntheticFace(seed, 512).photo));
  }
}, torchTimeout);

/** Runs `faceparse submit`. */
function submit(...words: string[]) {
  return runCli(['submit', ...words], { timeoutMs: torchTimeout });
}

/** A copy of the run whose environment.json says something else. */
async function runThatSays(name: string, change: (environment: Record<string, unknown>) => void): Promise<string> {
  const copy = join(root, name);
  await cp(run, copy, { recursive: true });
  const file = join(copy, 'environment.json');
  const environment = JSON.parse(await readFile(file, 'utf8'));
  change(environment);
  await writeFile(file, JSON.stringify(environment));
  return copy;
}

async function readZip(path: string): Promise<Record<string, Uint8Array>> {
  return unzipSync(await readFile(path));
}

describe('faceparse submit', { timeout: torchTimeout }, () => {
  const zip = join(root, 'submission.zip');

  it('writes what the leaderboard takes, the same bytes each time', async () => {
    const first = await submit(run, '--test', test, '--out', zip, '--no-run');
    expect(first.code, first.stderr).toBe(0);
    expect(first.stdout).toContain('no faults found');
    const again = join(root, 'again.zip');
    expect((await submit(run, '--test', test, '--out', again, '--no-run')).code).toBe(0);
    expect((await readFile(zip)).equals(await readFile(again))).toBe(true);

    const files = await readZip(zip);
    const solution = ['solution/ckpt.pth', 'solution/requirements.txt', 'solution/run.py'];
    expect(Object.keys(files).sort()).toEqual([...stems.map((stem) => `masks/${stem}.png`), ...solution]);
    const masks = join(root, 'masks');
    expect((await runCli(['predict', run, join(test, 'images'), '--out', masks])).code).toBe(0);
    for (const stem of stems) {
      expect(Buffer.from(files[`masks/${stem}.png`]!).equals(await readFile(join(masks, `${stem}.png`)))).toBe(true);
    }
  });

  it.skipIf(!torchIsThere)('writes a run.py that gives the masks again (skipped without torch)', async () => {
    const { code, stdout, stderr } = await submit(
      '--check',
      zip,
      '--test',
      test,
      '--json',
      '--python',
      '/usr/bin/python3',
    );
    expect(code, stderr).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ faults: [], masks: 3, ran: 3 });
  });

  it('refuses to replace a zip, unless it is told to', async () => {
    const { code, stderr } = await submit(run, '--test', test, '--out', zip, '--no-run');
    expect(code).toBe(2);
    expect(stderr).toContain('--force');
    expect((await submit(run, '--test', test, '--out', zip, '--no-run', '--force')).code).toBe(0);
  });

  it('checks a zip and tells every fault', async () => {
    const { code, stdout, stderr } = await submit(
      '--check',
      zip,
      '--test',
      join(test, '..', 'data', 'val'),
      '--no-run',
    );
    expect(code).toBe(1);
    expect(stdout).toMatch(/2 faults/);
    expect(stdout).toContain('masks/a.png');
    expect(stderr).toContain('would be refused');
    const json = await submit('--check', zip, '--test', join(root, 'data', 'val'), '--no-run', '--json');
    expect(JSON.parse(json.stdout).faults.map(({ check }: { check: string }) => check)).toEqual([
      'missing-masks',
      'extra-masks',
    ]);
  });

  it.each([
    ['weights of another origin', { initialWeights: 'imagenet' }, 'pretrained weights are forbidden'],
    ['more data', { trainingData: { folder: 'x', pairs: 30_000, stemsSha256: '' } }, 'trained on 30000 pairs'],
    ['weights of another run', { parameters: 5 }, 'they are of another run'],
  ])('refuses %s', async (name, said, message) => {
    const copy = await runThatSays(name.replaceAll(' ', '-'), (environment) => Object.assign(environment, said));
    const { code, stderr } = await submit(copy, '--test', test, '--out', join(root, 'never.zip'));
    expect(code).toBe(1);
    expect(stderr).toContain('cannot be handed in');
    expect(stderr).toContain(message);
  });

  it.each([
    ['several networks', [run, run], 'ensembles are forbidden'],
    ['a weights file without its run', [join(run, 'weights', 'best.safetensors')], 'give the folder of the run'],
    ['no run', [], 'name the run'],
  ])('refuses %s', async (_, words, message) => {
    const { code, stderr } = await submit(...words, '--test', test, '--out', join(root, 'never.zip'));
    expect(code).toBe(2);
    expect(stderr).toContain(message);
  });

  it('refuses pictures of another size than those of the challenge', async () => {
    const { code, stderr } = await submit(run, '--test', join(root, 'data', 'val'), '--out', join(root, 'never.zip'));
    expect(code).toBe(1);
    expect(stderr).toContain('64×64; the pictures of the challenge are 512×512');
  });
});

describe('faceparse submit --course', { timeout: torchTimeout }, () => {
  const zip = join(root, 'A12345678B.zip');

  it('packs report, results, code, weights and Readme.txt, the same bytes each time', async () => {
    const words = [run, '--course', 'A12345678B', '--test', test, '--out'];
    const first = await submit(...words, zip);
    expect(first.code, first.stderr).toBe(0);
    const again = join(root, 'again-course.zip');
    expect((await submit(...words, again)).code).toBe(0);
    expect((await readFile(zip)).equals(await readFile(again))).toBe(true);

    const files = await readZip(zip);
    const names = Object.keys(files);
    const code = names.filter((name) => name.startsWith('code/faceparse/'));
    expect(names.filter((name) => !code.includes(name)).sort()).toEqual([
      'Readme.txt',
      'code/solution/requirements.txt',
      'code/solution/run.py',
      'report.pdf',
      'results/a.png',
      'results/b.png',
      'results/c.png',
      'run/config.yaml',
      'run/metrics.csv',
      'weights/best.safetensors',
      'weights/ckpt.pth',
    ]);
    for (const wanted of ['package.json', 'package-lock.json', 'src/cli/main.ts', 'native/src/engine.cc', 'LICENSE']) {
      expect(code).toContain(`code/faceparse/${wanted}`);
    }
    expect(code.filter((name) => /node_modules|\.safetensors$/.test(name))).toEqual([]);
    expect(Buffer.from(files['report.pdf']!.subarray(0, 5)).toString()).toBe('%PDF-');
    const readme = Buffer.from(files['Readme.txt']!).toString();
    for (const said of ['A12345678B', 'run.py', 'onnxruntime-node', 'trained from scratch', 'results/']) {
      expect(readme).toContain(said);
    }
    expect(readme).not.toContain(root);
  });

  it('takes a report that is there', async () => {
    const report = join(root, 'mine.pdf');
    await writeFile(report, '%PDF-1.7 mine');
    const { code, stderr } = await submit(
      run,
      '--course',
      'A12345678B',
      '--test',
      test,
      '--out',
      zip,
      '--force',
      '--report',
      report,
    );
    expect(code, stderr).toBe(0);
    expect(Buffer.from((await readZip(zip))['report.pdf']!).toString()).toBe('%PDF-1.7 mine');
  });

  it.each([
    ['a number of another form', ['--course', '12345'], 'has the form A12345678B'],
    ['a report that is no PDF', ['--course', 'A12345678B', '--report', join(run, 'config.yaml')], 'is no PDF'],
  ])('refuses %s', async (_, words, message) => {
    const { code, stderr } = await submit(run, '--test', test, '--out', join(root, 'never.zip'), ...words);
    expect(code).toBe(2);
    expect(stderr).toContain(message);
  });
});
