import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { gzipSync, zipSync } from 'fflate';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { encodePalettePng } from '../../formats/png/palette-png.ts';
import { encodePyTorchCheckpoint } from '../../formats/pytorch/pytorch-checkpoint.ts';
import { encodeSafetensors } from '../../formats/safetensors.ts';
import { celebamask19 } from '../../labels/celebamask-19.ts';
import { challengeRules } from '../rules.ts';
import { checkSubmission, type SubmissionCheckOptions } from './check-submission.ts';

type Files = Record<string, Uint8Array | string>;

const palette = celebamask19.classes.map(({ color }) => color);
const stems = ['0', '1', '2', '3'];
const folder = mkdtempSync(join(tmpdir(), 'faceparse-check-'));
const test = join(folder, 'test');
const zip = join(folder, 'submission.zip');

function mask(shift: number, options: { side?: number; colors?: typeof palette } = {}): Uint8Array {
  const { side = 512, colors = palette } = options;
  const data = Uint8Array.from({ length: side * side }, (_, at) => (Math.floor(at / 4096) + shift) % 19);
  return encodePalettePng({ width: side, height: side, data }, colors);
}

const masks = Object.fromEntries(stems.map((stem) => [stem, mask(Number(stem))]));

function tensorsOf(shapes: Readonly<Record<string, number[]>>) {
  const tensors = Object.entries(shapes).map(([name, shape]) => {
    const data = new Float32Array(shape.reduce((product, extent) => product * extent, 1));
    return [name, { dtype: 'float32', shape, data }] as const;
  });
  return new Map(tensors);
}

function checkpoint(shapes: Readonly<Record<string, number[]>>, key = 'state_dict'): Uint8Array {
  return encodePyTorchCheckpoint({ [key]: tensorsOf(shapes) });
}

const network = { 'stem.weight': [4, 3, 3, 3], 'head.weight': [19, 4, 1, 1] };

/** A correct submission; each test changes something. */
const good = (): Files => ({
  ...Object.fromEntries(stems.map((stem) => [`masks/${stem}.png`, masks[stem]])),
  'solution/run.py': 'print("nothing")',
  'solution/ckpt.pth': checkpoint(network),
  'solution/requirements.txt': 'torch\n',
});

function without(name: string, files: Files = good()): Files {
  return Object.fromEntries(Object.entries(files).filter(([other]) => other !== name));
}

function check(files: Files, options: Partial<SubmissionCheckOptions> = {}) {
  const entries = Object.entries(files).map(([name, data]) => {
    return [name, typeof data === 'string' ? new TextEncoder().encode(data) : data];
  });
  writeFileSync(zip, zipSync(Object.fromEntries(entries), { level: 1, mtime: new Date(2020, 1, 1) }));
  return checkSubmission({ zip, test, ...options });
}

async function faultsOf(files: Files, options: Partial<SubmissionCheckOptions> = {}): Promise<string[]> {
  const { faults } = await check(files, options);
  return faults.map(({ check: name, where }) => `${name}: ${where}`);
}

beforeAll(async () => {
  mkdirSync(join(test, 'images'), { recursive: true });
  for (const stem of stems) {
    const create = {
      width: 512,
      height: 512,
      channels: 3,
      background: { r: 60 * Number(stem), g: 90, b: 30 },
    } as const;
    await sharp({ create })
      .png()
      .toFile(join(test, 'images', `${stem}.png`));
  }
});

afterAll(() => rmSync(folder, { recursive: true }));

describe('checkSubmission', () => {
  it('finds no fault in a correct submission and counts its contents', async () => {
    const result = await check(good());
    expect(result).toEqual({
      faults: [],
      notes: [expect.stringMatching(/ contains 7 files \([\d.]+ [KM]iB\)$/)],
      masks: 4,
      parameters: 184,
    });
  });

  it('refuses a missing zip, and a run folder in place of a zip', async () => {
    const checked = (zip: string) => checkSubmission({ zip, test, run: false });
    await expect(checked(join(test, 'none.zip'))).rejects.toThrow(
      /^the zip .*none\.zip does not exist; check the path$/,
    );
    await expect(checked(test)).rejects.toMatchObject({
      exitCode: 2,
      message: `${test} is a folder, not a zip; to pack a run, use faceparse submit ${test} --test FOLDER`,
    });
  });

  it('also accepts the folder of the images itself', async () => {
    expect(await faultsOf(good(), { test: join(test, 'images') })).toEqual([]);
  });

  it.each<[string, () => Files, string[]]>([
    [
      'one folder around everything',
      () => Object.fromEntries(Object.entries(good()).map(([name, data]) => [`submission/${name}`, data])),
      ['wrapper-folder: submission/masks/0.png and 6 more'],
    ],
    [
      'masks in a wrong folder',
      () =>
        Object.fromEntries(Object.entries(good()).map(([name, data]) => [name.replace(/^masks/, 'predictions'), data])),
      ['masks-misplaced: predictions/0.png and 3 more'],
    ],
    [
      'masks of half the size',
      () => ({ ...good(), 'masks/2.png': mask(2, { side: 256 }) }),
      ['mask-size: masks/2.png'],
    ],
    ['a missing mask', () => without('masks/1.png'), ['missing-masks: masks/1.png']],
    ['an extra file', () => ({ ...good(), 'notes.txt': 'hello' }), ['extra-files: notes.txt']],
    ['an extra mask', () => ({ ...good(), 'masks/9.png': masks['0'] }), ['extra-masks: masks/9.png']],
    ['what macOS leaves', () => ({ ...good(), '__MACOSX/masks/._0.png': 'x' }), ['litter: __MACOSX/masks/._0.png']],
    [
      'label 19',
      () => {
        const data = new Uint8Array(512 * 512);
        data[7] = 19;
        const stray = encodePalettePng({ width: 512, height: 512, data }, [...palette, [1, 1, 1]]);
        return { ...good(), 'masks/3.png': stray };
      },
      ['mask-labels: masks/3.png'],
    ],
    [
      'a wrong palette',
      () => ({ ...good(), 'masks/0.png': mask(0, { colors: palette.toReversed() }) }),
      ['mask-palette: masks/0.png'],
    ],
    [
      'a mask that is too large a file',
      () => ({ ...good(), 'masks/0.png': new Uint8Array(5e6) }),
      ['mask-unreadable: masks/0.png'],
    ],
    ['a missing script', () => without('solution/run.py'), ['missing-file: solution/run.py']],
    ['missing requirements', () => without('solution/requirements.txt'), ['missing-file: solution/requirements.txt']],
    ['a missing checkpoint', () => without('solution/ckpt.pth'), ['missing-file: solution/ckpt.pth']],
    [
      'a checkpoint of another name, which is checked all the same',
      () => ({ ...without('solution/ckpt.pth'), 'solution/best.pth': checkpoint(network, 'model') }),
      ['missing-file: solution/ckpt.pth', 'checkpoint-without-state-dict: solution/best.pth'],
    ],
    [
      'a second network',
      () => ({ ...good(), 'solution/second.pth': checkpoint(network) }),
      ['extra-weights: solution/second.pth'],
    ],
    [
      'a checkpoint without state_dict',
      () => ({ ...good(), 'solution/ckpt.pth': checkpoint(network, 'model') }),
      ['checkpoint-without-state-dict: solution/ckpt.pth'],
    ],
    [
      'a state_dict of nothing',
      () => ({ ...good(), 'solution/ckpt.pth': checkpoint({}) }),
      ['checkpoint-empty: solution/ckpt.pth'],
    ],
    [
      'a checkpoint of text',
      () => ({ ...good(), 'solution/ckpt.pth': 'weights' }),
      ['checkpoint-unreadable: solution/ckpt.pth'],
    ],
    [
      'an ensemble',
      () => {
        const members = Object.entries(network).flatMap(([name, shape]) => [
          [`models.0.${name}`, shape],
          [`models.1.${name}`, shape],
        ]);
        return { ...good(), 'solution/ckpt.pth': checkpoint(Object.fromEntries(members)) };
      },
      ['several-networks: solution/ckpt.pth'],
    ],
    [
      'weights among the code, whatever their names',
      () => ({
        ...good(),
        'solution/second.dat': checkpoint(network),
        'solution/more.zip': zipSync({ 'a.txt': new Uint8Array(9) }),
        'solution/ckpt2.pth.gz': gzipSync(checkpoint(network)),
        'solution/raw.txt': Uint8Array.of(0x80, 4, 0x4b, 7, 0x2e),
        'solution/flat.dat': encodeSafetensors(new Map()),
      }),
      [
        'extra-weights: solution/second.dat and 1 more',
        'extra-weights: solution/ckpt2.pth.gz',
        'extra-weights: solution/raw.txt',
        'extra-weights: solution/flat.dat',
      ],
    ],
    [
      'weights that are called statistics',
      () => ({ ...good(), 'solution/ckpt.pth': checkpoint({ ...network, 'x.running_mean': [3_000_000] }) }),
      ['too-many-parameters: solution/ckpt.pth'],
    ],
    [
      'as many parameters as the limit',
      () => ({ ...good(), 'solution/ckpt.pth': checkpoint({ w: [challengeRules.parameterLimit] }) }),
      ['too-many-parameters: solution/ckpt.pth'],
    ],
    [
      'one parameter fewer',
      () => ({ ...good(), 'solution/ckpt.pth': checkpoint({ w: [challengeRules.parameterLimit - 1] }) }),
      [],
    ],
    ['a name that leads out of the folder', () => ({ ...good(), '../x.png': 'x' }), [`zip-unreadable: ${zip}`]],
  ])('reports %s and nothing else', async (_, files, faults) => {
    expect(await faultsOf(files())).toEqual(faults);
  });

  it('groups masks with the same fault', async () => {
    const create = { width: 512, height: 512, channels: 3, background: '#c00' } as const;
    const rgb = await sharp({ create }).png().toBuffer();
    const jpeg = await sharp({ create }).jpeg().toBuffer();
    const files = { ...good(), 'masks/0.png': rgb, 'masks/1.png': rgb, 'masks/2.png': rgb, 'masks/3.png': jpeg };
    expect(await faultsOf(files)).toEqual(['mask-mode: masks/0.png and 2 more', 'mask-format: masks/3.png']);
  });

  it('reports all faults at once', async () => {
    const { 'masks/0.png': _, 'solution/run.py': __, ...rest } = good();
    const files = { ...rest, 'masks/1.png': mask(1, { side: 256, colors: palette.toReversed() }), 'a.txt': 'a' };
    expect(await faultsOf(files)).toEqual([
      'missing-masks: masks/0.png',
      'missing-file: solution/run.py',
      'extra-files: a.txt',
      'mask-size: masks/1.png',
      'mask-palette: masks/1.png',
    ]);
  });

  it('describes the fix', async () => {
    const { faults } = await check({ ...good(), 'solution/ckpt.pth': checkpoint({ w: [1_821_085] }) });
    expect(faults[0].message).toMatch(/^has 1,821,085 trainable parameters; fewer than 1,821,085 are allowed: make/);
    const bare = await check({ ...good(), 'solution/ckpt.pth': checkpoint(network, 'net') });
    expect(bare.faults[0].message).toMatch(/^it has no state_dict: it contains "net"; save it with torch\.save/);
  });

  it('notes anything stored next to the weights, such as an average or another network', async () => {
    const weights = tensorsOf(network);
    const ckpt = encodePyTorchCheckpoint({ state_dict: weights, ema: weights });
    const { faults, notes } = await check({ ...good(), 'solution/ckpt.pth': ckpt });
    expect(faults).toEqual([]);
    expect(notes[1]).toMatch(
      /^solution\/ckpt\.pth contains 736 bytes in addition to the 736 bytes of weights \(under "ema"\)/,
    );
    expect(notes[1]).toContain('only one network is allowed');
  });

  it('notes masks with a single class', async () => {
    const plain = encodePalettePng({ width: 512, height: 512, data: new Uint8Array(512 * 512) }, palette);
    const { faults, notes } = await check({ ...good(), 'masks/0.png': plain, 'masks/1.png': plain });
    expect(faults).toEqual([]);
    expect(notes[1]).toMatch(/^masks\/0\.png and 1 more: all pixels have the same class/);
  });

  it('refuses zip bombs and files that are not a zip', async () => {
    const claims = Buffer.from(zipSync({ 'a.png': new Uint8Array(1000) }));
    claims.writeUInt32LE(2 ** 31, claims.indexOf('PK\x01\x02', 0, 'latin1') + 24);
    writeFileSync(zip, claims);
    const bomb = await checkSubmission({ zip, test });
    expect(bomb).toEqual({
      faults: [
        { check: 'zip-unreadable', where: zip, message: expect.stringMatching(/"a\.png" has 2147483648 bytes/) },
      ],
      notes: [],
      masks: 0,
    });
    writeFileSync(zip, 'no zip at all');
    expect((await checkSubmission({ zip, test })).faults.map(({ check: name }) => name)).toEqual(['zip-unreadable']);
  });

  it('reports damaged entries once and continues', async () => {
    const files = { ...good(), 'solution/model.py': 'import torch  # a unique comment' };
    const entries = Object.entries(files).map(([name, data]) => {
      return [name, [typeof data === 'string' ? new TextEncoder().encode(data) : data, { level: 0 }]];
    });
    const bytes = Buffer.from(zipSync(Object.fromEntries(entries)));
    bytes.write('A', bytes.indexOf('a unique comment'));
    writeFileSync(zip, bytes);
    const { faults, notes } = await checkSubmission({ zip, test, run: true });
    expect(faults.map(({ check: name, where }) => [name, where])).toEqual([['zip-damaged', 'solution/model.py']]);
    expect(notes).toContain('not run: solution/model.py is damaged');
  });

  it('requires a zip, a folder of images and a valid number of images', async () => {
    const wrong = (options: Partial<SubmissionCheckOptions>) => checkSubmission({ zip, test, ...options });
    await expect(wrong({ zip: join(folder, 'none.zip') })).rejects.toMatchObject({ exitCode: 2 });
    await expect(wrong({ zip: folder })).rejects.toMatchObject({ exitCode: 2 });
    await expect(wrong({ test: join(folder, 'none') })).rejects.toMatchObject({ exitCode: 2 });
    await expect(wrong({ images: 0 })).rejects.toMatchObject({ exitCode: 2 });
  });

  it('stops on abort', async () => {
    await expect(check(good(), { signal: AbortSignal.abort(new Error('stop')) })).rejects.toThrow('stop');
  });
});

const python = 'python3';
const pythonIsThere = spawnSync(python, ['-c', '']).status === 0;

/** A script that only needs Python: it copies the answer next to it. */
const copying = `
import os, shutil, sys
given = dict(zip(sys.argv[1::2], sys.argv[2::2]))
assert list(given) == ['--input', '--output', '--weights'] and os.path.exists(given['--weights'])
assert os.path.isabs(given['--input']) and open(given['--input'], 'rb').read(4) == b'\\x89PNG'
stem = os.path.basename(given['--input'])[:-4]
`;
const answers = (): Files => Object.fromEntries(stems.map((stem) => [`solution/answers/${stem}.png`, masks[stem]]));
const scripted = (script: string): Files => ({ ...good(), ...answers(), 'solution/run.py': copying + script });

describe.skipIf(!pythonIsThere)('the run of a solution (skipped without python3)', () => {
  const run = { run: true, python, modules: [], seconds: 30 } as const;
  /** Own folder for temporary files, so that what is left behind is seen. */
  const temporary = join(folder, 'temporary');

  beforeAll(() => {
    mkdirSync(temporary);
    vi.stubEnv('TMPDIR', temporary);
  });

  afterAll(() => {
    expect(readdirSync(temporary)).toEqual([]);
    vi.unstubAllEnvs();
  });

  it('agrees with the masks in the zip', async () => {
    const files = scripted(`shutil.copy(f'answers/{stem}.png', given['--output'])`);
    const { faults, notes, ran } = await check(files, run);
    expect([faults, ran, notes.length]).toEqual([[], 3, 1]);
  });

  it('runs only on request', async () => {
    const result = await check(scripted('sys.exit(1)'));
    expect([result.faults, result.ran]).toEqual([[], undefined]);
  });

  it('runs on the requested number of images in a minimal environment', async () => {
    vi.stubEnv('FACEPARSE_SECRET', 'token');
    vi.stubEnv('PYTHONPATH', temporary);
    const script = `
assert 'FACEPARSE_SECRET' not in os.environ and 'PYTHONPATH' not in os.environ
shutil.copy(f'answers/{stem}.png', given['--output'])`;
    const { faults, ran } = await check(scripted(script), { ...run, images: 9 });
    expect([faults, ran]).toEqual([[], 4]);
  });

  it.each<[string, string, string, RegExp]>([
    [
      'failing',
      `raise SystemExit('no such layer: \\x1b[31mstem')`,
      'solution-failed',
      /exited with code 1; its output:\nno such layer: \[31mstem$/,
    ],
    ['dying', `os.kill(os.getpid(), 9)`, 'solution-failed', /^was killed by SIGKILL, without a message$/],
    ['writing nothing', '', 'solution-output', /^exited with code 0 but wrote no file to --output/],
    ['writing text', `open(given['--output'], 'w').write('0 ' * 50)`, 'solution-output', /^its mask is not a PNG/],
    [
      'linking',
      `os.symlink(os.path.abspath('run.py'), given['--output'])`,
      'solution-output',
      /but wrote no file to --output$/,
    ],
    [
      'writing another mask',
      `shutil.copy(f'answers/{(int(stem) + 1) % 4}.png', given['--output'])`,
      'solution-disagrees',
      /a different mask from the one in the zip \(0\.0 % of the pixels agree; at least 99\.9 % must\)/,
    ],
  ])('reports a script that is %s', async (_, script, name, message) => {
    const { faults } = await check(scripted(script), { ...run, images: 2 });
    expect(faults).toEqual([
      {
        check: name,
        where: expect.stringMatching(/^solution\/run\.py on 1\.png/),
        message: expect.stringMatching(message),
      },
    ]);
  });

  it('kills a script that hangs, with its children', async () => {
    const pidFile = join(folder, 'child.pid');
    const script = `
import subprocess, time
child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'])
open('${pidFile}', 'w').write(str(child.pid))
time.sleep(600)`;
    const { faults, ran } = await check(scripted(script), { ...run, seconds: 2 });
    expect(faults).toMatchObject([{ check: 'solution-timeout', where: 'solution/run.py on 0.png' }]);
    expect(ran).toBe(0);
    const child = spawnSync('cat', [pidFile], { encoding: 'utf8' }).stdout;
    await vi.waitFor(() => expect(() => process.kill(Number(child), 0)).toThrow(), { timeout: 5000 });
  });

  it('kills the script on abort', async () => {
    const controller = new AbortController();
    setTimeout(() => controller.abort(new Error('interrupted')), 1500);
    const hanging = check(scripted('import time; time.sleep(600)'), { ...run, signal: controller.signal });
    await expect(hanging).rejects.toThrow('interrupted');
  });

  it('resolves a path of Python against the working directory, not the temporary folder', async () => {
    const relativePython = relative(process.cwd(), join(folder, 'bin', 'python'));
    mkdirSync(join(folder, 'bin'));
    writeFileSync(relativePython, `#!/bin/sh\nexec ${python} "$@"\n`, { mode: 0o755 });
    const files = scripted(`shutil.copy(f'answers/{stem}.png', given['--output'])`);
    const { faults, ran } = await check(files, { ...run, python: relativePython });
    expect([faults, ran]).toEqual([[], 3]);
  });

  it('refuses a Python that cannot be started', async () => {
    for (const wrong of [join(folder, 'no-python'), 'no-such-python', folder]) {
      const checking = check(scripted(''), { ...run, python: wrong });
      await expect(checking).rejects.toMatchObject({ exitCode: 2, message: expect.stringContaining(wrong) });
    }
  });

  it('reports as a note that it cannot run', async () => {
    const files = scripted('sys.exit(1)');
    const noModule = await check(files, { ...run, modules: ['no_such_module'] });
    expect([noModule.faults, noModule.ran]).toEqual([[], 0]);
    expect(noModule.notes[1]).toMatch(
      /^not run: python3 cannot import no_such_module \(ModuleNotFoundError.*\); install/,
    );
    const noWeights = await check(without('solution/ckpt.pth', files), run);
    expect(noWeights.notes[1]).toBe('not run: the script or the weights are misplaced');
  });
});
