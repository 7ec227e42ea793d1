import { cp, mkdir, readFile, writeFile } from 'node:fs/promises';
import { basename, dirname, join, posix } from 'node:path';
import { unzipSync } from 'fflate';
import { beforeAll, describe, expect, it } from 'vitest';
import { decodePalettePng } from '../../src/formats/png/palette-png.ts';
import { drawSyntheticFace } from '../../src/synthetic/face.ts';
import { photoPng } from '../image-fixture.ts';
import { python, torchIsThere, torchTimeout } from './python.ts';
import { askCli } from './run-cli.ts';
import { askTrain, fileFolder, smallTraining, writeFaces } from './training-fixture.ts';

const root = await fileFolder();
const run = join(root, 'run');
const test = join(root, 'test');
const stems = ['a', 'b', 'c'];

beforeAll(async () => {
  const data = await writeFaces(root);
  await askTrain(['--data', data, '--out', root, '--name', 'run', ...smallTraining, 'train.epochs=2']);
  await mkdir(join(test, 'images'), { recursive: true });
  await mkdir(join(root, 'never'));
  for (const [seed, stem] of stems.entries()) {
    await writeFile(join(test, 'images', `${stem}.png`), await photoPng(drawSyntheticFace(seed, 512).photo));
  }
}, torchTimeout);

/** Runs `faceparse submit`. */
function submit(...words: string[]) {
  return askCli(['submit', ...words], { timeoutMs: torchTimeout });
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

  it('writes a zip for the leaderboard with reproducible bytes', async () => {
    const first = await submit(run, '--test', test, '--out', zip, '--no-run');
    expect(first.code, first.stderr).toBe(0);
    expect(first.stdout).toContain('no faults found');
    expect(first.stdout).toContain('trained on 24 pairs whose file names differ from the challenge');
    const again = join(root, 'again.zip');
    expect((await submit(run, '--test', test, '--out', again, '--no-run')).code).toBe(0);
    expect((await readFile(zip)).equals(await readFile(again))).toBe(true);

    const files = await readZip(zip);
    const solution = ['solution/ckpt.pth', 'solution/requirements.txt', 'solution/run.py'];
    expect(Object.keys(files).sort()).toEqual([...stems.map((stem) => `masks/${stem}.png`), ...solution]);
    const masks = join(root, 'masks');
    expect((await askCli(['predict', run, join(test, 'images'), '--faces', 'whole', '--out', masks])).code).toBe(0);
    for (const stem of stems) {
      const [packed, written] = [files[`masks/${stem}.png`], await readFile(join(masks, `${stem}.png`))].map((bytes) =>
        decodePalettePng(bytes),
      );
      expect(packed).toEqual(written);
    }
  });

  it.skipIf(!torchIsThere)('writes a run.py that reproduces the masks (skipped without torch)', async () => {
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

  it('averages masks and run.py as predict --tta does', async () => {
    const averaged = join(root, 'averaged.zip');
    const views = ['--tta', '--scales', '0.5,1.5'];
    const words = [run, '--test', test, '--out', averaged, ...views];
    const { code, stdout, stderr } = await submit(...words, ...(torchIsThere ? ['--python', python] : ['--no-run']));
    expect(code, stderr).toBe(0);
    if (torchIsThere) expect(stdout).toContain('run.py ran on 3 images');
    const files = await readZip(averaged);
    const script = Buffer.from(files['solution/run.py']).toString();
    expect(script).toMatch(/^SIDES = \[32, 64, 96\]/m);
    expect(script).toMatch(/^FLIP = True/m);
    const masks = join(root, 'averaged');
    expect(
      (await askCli(['predict', run, join(test, 'images'), '--faces', 'whole', '--out', masks, ...views])).code,
    ).toBe(0);
    for (const stem of stems) {
      const [packed, written] = [files[`masks/${stem}.png`], await readFile(join(masks, `${stem}.png`))].map((bytes) =>
        decodePalettePng(bytes),
      );
      expect(packed).toEqual(written);
    }
  });

  it('replaces an existing zip only with --force', async () => {
    const { code, stderr } = await submit(run, '--test', test, '--out', zip, '--no-run');
    expect(code).toBe(2);
    expect(stderr).toContain('--force');
    expect((await submit(run, '--test', test, '--out', zip, '--no-run', '--force')).code).toBe(0);
  });

  it('checks the place of the zip before it parses images', async () => {
    const { code, stdout, stderr } = await submit(run, '--test', test, '--out', join(root, 'missing', 'a.zip'));
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toMatch(
      /^faceparse: cannot write .*a\.zip: the folder .*missing does not exist; create it first, or choose another --out\n$/,
    );
  });

  it('checks a zip and lists every fault', async () => {
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
    [
      'more data',
      { trainingData: { folder: 'x', pairs: 30_000, stemsSha256: '0'.repeat(64) } },
      'trained on 30000 pairs',
    ],
    ['weights of another run', { parameters: 5 }, 'they belong to another run'],
  ])('refuses %s', async (name, said, message) => {
    const copy = await runThatSays(name.replaceAll(' ', '-'), (environment) => Object.assign(environment, said));
    const { code, stderr } = await submit(copy, '--test', test, '--out', join(root, 'never.zip'));
    expect(code).toBe(1);
    expect(stderr).toContain('cannot be submitted');
    expect(stderr).toContain(message);
  });

  it('refuses a run without environment.json', async () => {
    const copy = join(root, 'without-environment');
    await cp(run, copy, { recursive: true, filter: (source) => basename(source) !== 'environment.json' });
    const { code, stderr } = await submit(copy, '--test', test, '--out', join(root, 'never.zip'));
    expect(code).toBe(2);
    expect(stderr).toMatch(/cannot be submitted: .*environment\.json .*no such file/);
  });

  it.each([
    ['--report without --course', [run, '--report', '/nope'], /^faceparse: --report applies to .*--course NUMBER/],
    ['--data without --course', [run, '--data', '/nope'], /^faceparse: --data applies to .*--course NUMBER/],
    [
      '--data with a report that is there',
      [run, '--course', 'A12345678B', '--report', 'r', '--data', 'd'],
      /--data is for a new report/,
    ],
    ['--python with --course', [run, '--course', 'A12345678B', '--python', python], /--python applies to the check/],
    ['--no-run with --course', [run, '--course', 'A12345678B', '--no-run'], /--no-run applies to the check/],
    ['--python without a run of it', ['--check', zip, '--python', 'p', '--no-run'], /cannot be used with .*--no-run/],
    ['--report with --check', ['--check', zip, '--report', '/nope'], /cannot be used with .*--report/],
    ['--force with --check', ['--check', zip, '--force'], /cannot be used with .*--force/],
    ['--threads with --check', ['--check', zip, '--threads', '1'], /cannot be used with .*--threads/],
    ['a Python that is not there', ['--check', zip, '--python', './nope'], /\.\/nope cannot be started/],
    ['a Python that is not there, before any work', [run, '--python', './nope'], /\.\/nope cannot be started/],
  ])('refuses %s', async (_, words, message) => {
    const { code, stdout, stderr } = await submit(...words, '--test', test);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toMatch(message);
  });

  it.each([
    ['several networks', [run, run], 'ensembles are forbidden'],
    ['a weights file without its run', [join(run, 'weights', 'best.safetensors')], 'Pass the run folder'],
    ['no run', [], 'no run given'],
  ])('refuses %s', async (_, words, message) => {
    const { code, stderr } = await submit(...words, '--test', test, '--out', join(root, 'never.zip'));
    expect(code).toBe(2);
    expect(stderr).toContain(message);
  });

  it('refuses images with the wrong size before it parses them', async () => {
    const words = ['--test', join(root, 'data', 'val'), '--out', join(root, 'never.zip'), '--course', 'A12345678B'];
    const { code, stderr } = await submit(run, ...words);
    expect(code).toBe(1);
    expect(stderr).toContain('64×64; the images and masks of the challenge are 512×512');
    expect(stderr).not.toContain('parsing');
    // A run that does not exist is named first.
    expect((await submit('no-such-run', ...words)).stderr).toMatch(/^faceparse: no-such-run/);
  });
});

/** What TypeScript sources import from files that are not there. */
function missingImports(files: Record<string, Uint8Array>, names: readonly string[]): string[] {
  const statement = /^(?:import|export)\b[^;']*'(\.[^']+)';$|\bimport\('(\.[^']+)'\)/gm;
  return names
    .filter((name) => name.endsWith('.ts'))
    .flatMap((name) => {
      const imports = [...Buffer.from(files[name]).toString().matchAll(statement)];
      return imports.map(([, fixed, lazy]) => posix.join(dirname(name), fixed ?? lazy));
    })
    .filter((path) => !names.includes(path));
}

describe('faceparse submit --course', { timeout: torchTimeout }, () => {
  const zip = join(root, 'A12345678B.zip');

  it('packs report, results, code, weights and Readme.txt with reproducible bytes', async () => {
    const words = [run, '--course', 'A12345678B', '--test', test, '--out'];
    const first = await submit(...words, zip);
    expect(first.code, first.stderr).toBe(0);
    expect(first.stdout).toMatch(/A12345678B\.zip: no faults found \(course zip, 3 masks, \d pages/);
    await mkdir(join(root, 'again'));
    const again = join(root, 'again', 'A12345678B.zip');
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
    for (const wanted of [
      ...['package.json', 'package-lock.json', 'src/cli/main.ts', 'native/src/engine.cc', 'LICENSE'],
      ...['test/e2e/submit.test.ts', 'bench/training-step.mjs', 'vitest.config.ts', 'biome.json'],
    ]) {
      expect(code).toContain(`code/faceparse/${wanted}`);
    }
    expect(code.filter((name) => /node_modules|(?<!\/test\/golden\/[\w/-]+)\.safetensors$/.test(name))).toEqual([]);
    expect(missingImports(files, code)).toEqual([]);
    expect(Buffer.from(files['report.pdf'].subarray(0, 5)).toString()).toBe('%PDF-');
    const readme = Buffer.from(files['Readme.txt']).toString();
    for (const said of ['A12345678B', 'run.py', 'onnxruntime-node', 'trained from scratch', 'results/']) {
      expect(readme).toContain(said);
    }
    expect(readme).not.toContain(root);
  });

  it('writes a zip that its own check recognises and accepts', async () => {
    const { code, stdout, stderr } = await submit('--check', zip, '--test', test, '--json');
    expect(code, stdout + stderr).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ layout: 'course', faults: [], masks: 3, pages: expect.any(Number) });
    const other = await submit('--check', zip, '--test', test, '--course', 'B12345678A', '--json');
    expect(other.code).toBe(1);
    expect(JSON.parse(other.stdout).faults).toMatchObject([{ check: 'id-mismatch', where: 'A12345678B.zip' }]);
  });

  it('refuses a report about another run or another number, as folder and as PDF', async () => {
    const report = join(root, 'named-report');
    const made = await askCli(['report', run, '--id', 'A12345678B', '--out', report], { timeoutMs: torchTimeout });
    expect(made.code, made.stderr).toBe(0);
    const out = (id: string) => ['--test', test, '--course', id, '--out', join(root, 'never', `${id}.zip`)];
    const number = await submit(run, ...out('B12345678A'), '--report', report);
    expect(number.code).toBe(2);
    expect(number.stderr).toContain(
      `is for matriculation number A12345678B, but the zip is for B12345678A; replace A12345678B by B12345678A in ${join(report, 'report.typ')} and repeat`,
    );
    // The advice is sufficient.
    const source = join(report, 'report.typ');
    const text = await readFile(source, 'utf8');
    await writeFile(source, text.replaceAll('A12345678B', 'B12345678A'));
    const renamed = await submit(run, ...out('B12345678A').with(-1, join(root, 'B12345678A.zip')), '--report', report);
    expect(renamed.code, renamed.stderr).toBe(0);
    await writeFile(source, text);
    const other = join(root, 'other-run');
    await cp(run, other, { recursive: true });
    const weights = join(other, 'weights');
    await cp(join(weights, 'last.safetensors'), join(weights, 'best.safetensors'));
    const bytes = await readFile(join(weights, 'best.safetensors'));
    if (bytes.equals(await readFile(join(run, 'weights', 'best.safetensors')))) {
      bytes[bytes.length - 1] ^= 1;
      await writeFile(join(weights, 'best.safetensors'), bytes);
    }
    for (const given of [report, join(report, 'report.pdf')]) {
      const { code, stderr } = await submit(other, ...out('A12345678B'), '--report', given);
      expect(code).toBe(2);
      expect(stderr).toMatch(/is about run run \(weights \w+…\), but the zip contains run .*other-run \(weights/);
    }
  });

  it('accepts an existing report and describes how the masks were averaged', async () => {
    const report = join(root, 'mine.pdf');
    const pdf = '%PDF-1.7\n<</Type /Pages /Count 1>>';
    await writeFile(report, pdf);
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
      '--scales',
      '1.5',
    );
    expect(code, stderr).toBe(0);
    const files = await readZip(zip);
    expect(Buffer.from(files['report.pdf']).toString()).toBe(pdf);
    const readme = Buffer.from(files['Readme.txt']).toString();
    expect(readme).toContain('resized to squares of 64, 96 pixels, each with its mirror image');
    expect(readme).toContain('PHOTO.jpg --tta --scales 1,1.5');
    expect(Buffer.from(files['code/solution/run.py']).toString()).toMatch(/^SIDES = \[64, 96\]/m);
  });

  it('fails if its own check finds a fault', async () => {
    const report = join(root, 'long.pdf');
    await writeFile(report, '%PDF-1.7\n<</Type /Pages /Count 6>>');
    const words = ['--course', 'A12345678B', '--test', test, '--out', zip, '--force', '--report', report];
    const { code, stdout, stderr } = await submit(run, ...words);
    expect(code).toBe(1);
    expect(stdout).toContain('report.pdf: has 6 pages, but 5 are allowed');
    expect(stderr).toContain('A12345678B.zip would be refused');
  });

  it.each([
    ['another name of the zip', ['--course', 'A12345678B'], 'must be named A12345678B.zip, not never.zip'],
    ['a number of another form', ['--course', '12345'], 'is not a matriculation number'],
    [
      'a report that is no PDF',
      ['--course', 'A12345678B', '--report', join(run, 'config.yaml'), '--out', join(root, 'never', 'A12345678B.zip')],
      'is not a PDF',
    ],
  ])('refuses %s', async (_, words, message) => {
    const { code, stderr } = await submit(run, '--test', test, '--out', join(root, 'never.zip'), ...words);
    expect(code).toBe(2);
    expect(stderr).toContain(message);
  });
});
