import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { zipSync } from 'fflate';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { encodePalettePng } from '../../formats/png/palette-png.ts';
import { encodePyTorchCheckpoint } from '../../formats/pytorch/pytorch-checkpoint.ts';
import { encodeSafetensors } from '../../formats/safetensors.ts';
import { celebamask19 } from '../../labels/celebamask-19.ts';
import { checkZip } from '../check-zip.ts';
import { recogniseZip } from './course-layout.ts';

type Files = Record<string, Uint8Array | string>;

const folder = mkdtempSync(join(tmpdir(), 'faceparse-course-'));
afterAll(() => rmSync(folder, { recursive: true }));

beforeAll(async () => {
  mkdirSync(join(folder, 'test'));
  const image = sharp({ create: { width: 512, height: 512, channels: 3, background: 'red' } }).png();
  for (const stem of ['0', '1']) writeFileSync(join(folder, 'test', `${stem}.png`), await image.toBuffer());
});

const palette = celebamask19.classes.map(({ color }) => color);

function mask(side = 512): Uint8Array {
  return encodePalettePng({ width: side, height: side, data: new Uint8Array(side * side) }, palette);
}

function checkpoint(width: number): Uint8Array {
  const data = new Float32Array(width * 4);
  return encodePyTorchCheckpoint({
    state_dict: new Map([['head.weight', { dtype: 'float32', shape: [width, 4], data }]]),
  });
}

function pdf(pages: number, id = 'A12345678B'): string {
  return `%PDF-1.7\n<</Type /Pages /Count ${pages}>> <</Keywords (matriculation number ${id})>>`;
}

const readme = 'A12345678B: report.pdf, masks in results/, weights/.\nThird-party libraries: torch.\nRun python run.py';

const good = (): Files => ({
  'report.pdf': pdf(5),
  'results/0.png': mask(),
  'results/1.png': mask(),
  'code/run.py': 'print()',
  'weights/ckpt.pth': checkpoint(5),
  'Readme.txt': readme,
});

async function check(files: Files, name = 'A12345678B.zip', course?: string) {
  const zip = join(folder, name);
  const entries = Object.entries(files).map(([path, data]) => {
    return [path, typeof data === 'string' ? new TextEncoder().encode(data) : data];
  });
  writeFileSync(zip, zipSync(Object.fromEntries(entries), { level: 1 }));
  return checkZip({ zip, test: join(folder, 'test'), ...(course && { course }) });
}

async function faultsOf(files: Files, name?: string): Promise<string[]> {
  const { layout, faults } = await check(files, name, 'A12345678B');
  expect(layout).toBe('course');
  return faults.map(({ check: what, where }) => `${what}: ${where}`);
}

function without(name: string): Files {
  return Object.fromEntries(Object.entries(good()).filter(([path]) => path !== name));
}

describe('the check of a course zip', () => {
  it('finds no fault in a correct zip', async () => {
    expect(await check(good())).toMatchObject({ layout: 'course', faults: [], masks: 2, pages: 5, parameters: 20 });
    const wrapped = Object.fromEntries(Object.entries(good()).map(([path, data]) => [`A12345678B/${path}`, data]));
    expect(await faultsOf(wrapped)).toEqual([]);
  });

  it('finds weights that are not those of the report', async () => {
    const weights = encodeSafetensors(new Map([['w', { dtype: 'F32', shape: [1], data: Float32Array.of(1) }]]));
    const about = (digest: string) => `${pdf(5)} <</Keywords (run a, weights ${digest})>>`;
    const files = (digest: string) => ({
      ...good(),
      'report.pdf': about(digest).replace(/<<\/Keywords \(matr.*?>>/, ''),
      'weights/best.safetensors': weights,
    });
    expect(await faultsOf(files(createHash('sha256').update(weights).digest('hex')))).toEqual([]);
    expect(await faultsOf(files('0'.repeat(64)))).toEqual(['weights-mismatch: weights/best.safetensors']);
  });

  it('keeps the layout of the name where the zip cannot be read', async () => {
    const zip = join(folder, 'A12345678B.zip');
    writeFileSync(zip, 'PK');
    expect(await checkZip({ zip, test: join(folder, 'test') })).toMatchObject({
      layout: 'course',
      faults: [{ check: 'zip-unreadable' }],
    });
  });

  it.each<[string, () => Files, string[]]>([
    ['no report', () => without('report.pdf'), ['missing-file: report.pdf']],
    ['six pages', () => ({ ...good(), 'report.pdf': pdf(6) }), ['report-pages: report.pdf']],
    ['a report that is no PDF', () => ({ ...good(), 'report.pdf': 'hello' }), ['report-unreadable: report.pdf']],
    ['two PDFs', () => ({ ...good(), 'other.pdf': pdf(1) }), ['several-reports: report.pdf and 1 more']],
    ['another number in it', () => ({ ...good(), 'report.pdf': pdf(5, 'B12345678A') }), ['id-mismatch: report.pdf']],
    ['a missing mask', () => without('results/1.png'), ['missing-masks: results/1.png']],
    ['an extra mask', () => ({ ...good(), 'results/9.png': mask() }), ['extra-masks: results/9.png']],
    ['a small mask', () => ({ ...good(), 'results/0.png': mask(256) }), ['mask-size: results/0.png']],
    ['no code', () => without('code/run.py'), ['missing-file: code/']],
    ['empty code', () => ({ ...good(), 'code/run.py': '' }), ['code-empty: code']],
    ['no weights', () => without('weights/ckpt.pth'), ['missing-file: weights/']],
    ['damaged weights', () => ({ ...good(), 'weights/ckpt.pth': 'x' }), ['checkpoint-unreadable: weights/ckpt.pth']],
    [
      'many parameters',
      () => ({ ...good(), 'weights/ckpt.pth': checkpoint(500_000) }),
      ['too-many-parameters: weights/ckpt.pth'],
    ],
    ['no Readme.txt', () => without('Readme.txt'), ['missing-file: Readme.txt']],
    ['README.md', () => ({ ...without('Readme.txt'), 'README.md': readme }), ['readme-name: README.md']],
    ['an empty Readme.txt', () => ({ ...good(), 'Readme.txt': ' ' }), ['readme-empty: Readme.txt']],
    [
      'Readme.txt in Latin-1',
      () => ({ ...good(), 'Readme.txt': Uint8Array.of(0xfc, 0x20) }),
      ['readme-unreadable: Readme.txt'],
    ],
    [
      'a part not described',
      () => ({ ...good(), 'Readme.txt': readme.replace('results', 'there') }),
      ['readme-files: Readme.txt'],
    ],
    [
      'no libraries',
      () => ({ ...good(), 'Readme.txt': readme.replace(/Third.*\n/, '') }),
      ['readme-libraries: Readme.txt'],
    ],
    [
      'a script that is not there',
      () => ({ ...good(), 'Readme.txt': readme.replace('run.py', 'main.py') }),
      ['readme-script: Readme.txt'],
    ],
    [
      'another number in Readme.txt',
      () => ({ ...good(), 'Readme.txt': readme.replace('A12345678B', 'B12345678A') }),
      ['id-mismatch: Readme.txt'],
    ],
    [
      'a script that Readme.txt runs and the zip lacks',
      () => ({ ...good(), 'Readme.txt': `${readme}\npython3 -u code/train.py` }),
      ['readme-script: Readme.txt'],
    ],
    [
      'masks as JPEG',
      () => ({ ...without('results/1.png'), 'results/1.jpg': mask() }),
      ['mask-extension: results/1.jpg'],
    ],
    [
      'masks at the top',
      () => {
        const { 'results/0.png': first, 'results/1.png': second, ...files } = good();
        return { ...files, '0.png': mask(), '1.png': mask() };
      },
      ['masks-misplaced: 0.png and 1 more'],
    ],
    ['empty weights', () => ({ ...good(), 'weights/ckpt.pth': '' }), ['weights-empty: weights/ckpt.pth']],
    [
      'damaged safetensors',
      () => ({ ...good(), 'weights/best.safetensors': 'x' }),
      ['weights-unreadable: weights/best.safetensors'],
    ],
    [
      'a module that is not in the zip',
      () => ({ ...good(), 'code/run.py': 'import torch\nfrom model import Net\n', 'code/nets/model.py': 'x' }),
      ['code-incomplete: code/run.py'],
    ],
    [
      'a module that another one needs',
      () => ({
        ...good(),
        'code/run.py': 'from model import Net',
        'code/model.py': 'import blocks.conv',
        'code/blocks/a.py': '#',
      }),
      ['code-incomplete: code/model.py'],
    ],
    ['what macOS leaves', () => ({ ...good(), '__MACOSX/._x': 'x' }), ['litter: __MACOSX/._x']],
  ])('finds %s', async (_, files, faults) => {
    expect(await faultsOf(files())).toEqual(faults);
  });

  it('notes weights that did not start from random ones', async () => {
    const notesOf = async (origin?: unknown) => {
      const tensors = new Map([['a.weight', { dtype: 'F32', shape: [4], data: new Float32Array(4) } as const]]);
      const metadata: Record<string, string> = {};
      if (origin !== undefined) metadata.origin = JSON.stringify(origin);
      const { notes, faults } = await check({
        ...good(),
        'weights/best.safetensors': encodeSafetensors(tensors, metadata),
      });
      expect(faults).toEqual([]);
      return notes.filter((note) => note.includes('best.safetensors'));
    };
    const random = { kind: 'random', seed: 2 };
    const file = { kind: 'file', file: 'a.safetensors', sha256: 'a'.repeat(64) };
    expect(await notesOf()).toEqual([]);
    expect(await notesOf(random)).toEqual([]);
    expect(await notesOf({ ...file, before: random })).toEqual([
      expect.stringMatching(
        /^the training of weights\/best\.safetensors started from a\.safetensors, SHA-256 a{64}, which began with random weights \(random, seed 2\); pretrained/,
      ),
    ]);
    expect(await notesOf({ ...file, before: file })).toEqual([
      expect.stringMatching(/, from a\.\S+, .*whose own start is unknown/),
    ]);
    expect(await notesOf('?')).toEqual([expect.stringMatching(/not in a known form$/)]);
  });

  it('accepts code whose modules are in the zip, in the standard library or listed', async () => {
    const files = {
      'code/run.py': 'import os, torch\nfrom PIL import Image\nfrom nets import unet\ntry:\n    import cupy\n',
      'code/nets/unet.py': 'from .blocks import conv\nfrom .. import run\n',
      'code/nets/blocks/__init__.py': "'''\nimport nothing\n'''",
      'code/requirements.txt': 'pillow',
    };
    expect(await faultsOf({ ...good(), ...files })).toEqual([]);
  });

  it('requires the matriculation number as the name of the zip', async () => {
    expect(await faultsOf(good(), 'mine.zip')).toEqual(['zip-name: mine.zip']);
    expect(await faultsOf(good(), 'B12345678A.zip')).toContain('id-mismatch: B12345678A.zip');
  });

  it('states its assumption about an ambiguous zip', async () => {
    const { layout, notes } = await check({ ...good(), 'solution/run.py': 'x' });
    expect(layout).toBe('course');
    expect(notes[0]).toContain('ambiguous');
    expect(recogniseZip('a.zip', [])).toEqual({ kind: 'leaderboard', sure: false });
    const own = ['Readme.txt', 'report.pdf', 'results/0.png', 'code/solution/run.py'];
    expect(recogniseZip('A12345678B.zip', own)).toEqual({ kind: 'course', sure: true });
    expect(recogniseZip('a.zip', ['masks/0.png'])).toEqual({ kind: 'leaderboard', sure: true });
  });
});
