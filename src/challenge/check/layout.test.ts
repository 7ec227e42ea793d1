import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { inspectLayout } from './layout.ts';

const stems = ['0', '1', '2'];
const good = [
  'masks/0.png',
  'masks/1.png',
  'masks/2.png',
  'solution/run.py',
  'solution/ckpt.pth',
  'solution/requirements.txt',
];
const without = (...names: string[]) => good.filter((name) => !names.includes(name));
const faultsOf = (names: readonly string[]) =>
  inspectLayout(names, stems).faults.map(({ check, where }) => `${check}: ${where}`);
const messagesOf = (names: readonly string[]) => inspectLayout(names, stems).faults.map(({ message }) => message);

describe('inspectLayout', () => {
  it('accepts the layout of the challenge and additional code', () => {
    const { faults, masks, checkpoint, runnable, solution } = inspectLayout([...good, 'solution/nets/unet.py'], stems);
    expect(faults).toEqual([]);
    expect([...masks.keys()]).toEqual(stems);
    expect(checkpoint?.path).toBe('solution/ckpt.pth');
    expect(runnable).toBe(true);
    expect(solution.map(({ path }) => path)).toContain('solution/nets/unet.py');
  });

  it('accepts files in any order', () => {
    fc.assert(
      fc.property(fc.shuffledSubarray(good, { minLength: good.length }), (names) => {
        expect(faultsOf(names)).toEqual([]);
      }),
    );
  });

  it('reports folders that wrap everything and looks into them', () => {
    const names = good.map((name) => `my work/v2/${name}`);
    const { faults, masks, runnable } = inspectLayout([...names, '__MACOSX/x'], stems);
    expect(faults.map(({ check }) => check)).toEqual(['wrapper-folder', 'litter']);
    expect(faults[0].message).toMatch(
      /^everything is inside my work\/v2\/, but masks\/ and solution\/ belong at the top/,
    );
    expect(masks.get('1')).toEqual({ name: 'my work/v2/masks/1.png', path: 'masks/1.png' });
    expect(runnable).toBe(true);
  });

  it('reports masks in a wrong folder, by folder', () => {
    const names = [...without('masks/0.png', 'masks/1.png', 'masks/2.png'), '0.png', '2.png', 'out/masks/1.png'];
    expect(faultsOf(names)).toEqual(['masks-misplaced: 0.png and 1 more', 'masks-misplaced: out/masks/1.png']);
    expect(messagesOf(names)[0]).toBe('2 masks are at the top of the zip, but masks belong in masks/; move them there');
    expect(messagesOf(names)[1]).toMatch(/^1 mask is in out\/masks\/,/);
    expect(inspectLayout(names, stems).masks.size).toBe(3);
  });

  it('reports missing masks, masks in other formats and masks without an image', () => {
    const names = [
      ...without('masks/0.png', 'masks/1.png', 'masks/2.png'),
      'masks/1.jpg',
      'masks/2.PNG',
      'masks/3.png',
    ];
    expect(faultsOf(names)).toEqual([
      'mask-extension: masks/1.jpg',
      'mask-extension: masks/2.PNG',
      'missing-masks: masks/0.png',
      'extra-masks: masks/3.png',
    ]);
    expect(messagesOf(names)[2]).toMatch(/^1 of 3 test images have no mask/);
  });

  it('treats a second copy of a mask outside its folder as an extra file', () => {
    expect(faultsOf([...good, 'old/0.png'])).toEqual(['extra-files: old/0.png']);
  });

  it('reports missing files of the solution and similar files', () => {
    const missing = without('solution/run.py', 'solution/ckpt.pth', 'solution/requirements.txt');
    expect(faultsOf(missing)).toEqual([
      'missing-file: solution/run.py',
      'missing-file: solution/ckpt.pth',
      'missing-file: solution/requirements.txt',
    ]);
    const elsewhere = [...missing, 'run.py', 'solution/best.pt', 'solution/Requirements.txt'];
    expect(messagesOf(elsewhere)).toEqual([
      'is missing; if run.py is this file, move it there',
      'is missing; if solution/best.pt is this file, move it there',
      'is missing; if solution/Requirements.txt is this file, move it there',
    ]);
    const { checkpoint, runnable } = inspectLayout(elsewhere, stems);
    expect([checkpoint?.path, runnable]).toEqual(['solution/best.pt', false]);
  });

  it('reports a second weights file anywhere in the zip', () => {
    expect(faultsOf([...good, 'solution/fold1.pth.tar', 'weights.onnx'])).toEqual([
      'extra-weights: solution/fold1.pth.tar and 1 more',
    ]);
  });

  it('reports files left by systems and editors, and other files', () => {
    const litter = [
      'masks/.DS_Store',
      '__MACOSX/masks/._0.png',
      'solution/Thumbs.db',
      'solution/__pycache__/run.cpython-311.pyc',
    ];
    expect(faultsOf([...good, ...litter, 'README.md', 'masks/0.npy'])).toEqual([
      'extra-files: README.md and 1 more',
      'litter: masks/.DS_Store and 3 more',
    ]);
    expect(inspectLayout([...good, ...litter], stems).solution).toHaveLength(3);
  });

  it('reports an empty zip', () => {
    expect(inspectLayout([], stems).faults.map(({ check }) => check)).toEqual([
      'missing-masks',
      'missing-file',
      'missing-file',
      'missing-file',
    ]);
  });
});
