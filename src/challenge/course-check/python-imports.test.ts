import { describe, expect, it } from 'vitest';
import { checkPythonImports, pythonImports } from './python-imports.ts';
import { isLibrary } from './python-modules.ts';

describe('pythonImports', () => {
  it.each([
    [
      'import torch.nn as nn, os  # why',
      [
        [0, 'torch.nn', ''],
        [0, 'os', ''],
      ],
    ],
    ['from ..blocks.conv import (\n  a as b,\n  c,\n)', [[2, 'blocks.conv', 'a c']]],
    ['from . import losses', [[1, '', 'losses']]],
    ['x = """\nimport a\n"""\n    import b\nimportant = 1', []],
  ])('%j', (source, wanted) => {
    const found = pythonImports(source).map(({ level, parts, names }) => [level, parts.join('.'), names.join(' ')]);
    expect(found).toEqual(wanted);
  });

  it.each([
    ['dots', `from ${'.'.repeat(200_000)}`],
    ['spaces', `from${' '.repeat(200_000)}`],
    ['open brackets', 'from x import (\n'.repeat(20_000)],
  ])('takes little time for many %s', (_, source) => {
    const start = performance.now();
    pythonImports(source);
    expect(performance.now() - start).toBeLessThan(2000);
  });
});

describe('checkPythonImports', () => {
  async function missing(files: Record<string, string>, script = 'code/run.py', libraries = ''): Promise<string[]> {
    const names = new Set(Object.keys(files));
    const faults = await checkPythonImports([script], { files: names, read: async (name) => files[name], libraries });
    return faults.map(({ where, message }) => `${where} ${message.split(';')[0]}`);
  }

  it('terminates for modules that import each other', async () => {
    const files = { 'code/run.py': 'import a', 'code/a.py': 'import b', 'code/b.py': 'import a, run' };
    expect(await missing(files)).toEqual([]);
  });

  it('finds modules from a folder above the script', async () => {
    const files = { 'code/tools/run.py': 'import nets.a', 'code/nets/a.py': '' };
    expect(await missing(files, 'code/tools/run.py')).toEqual([]);
  });

  it('reports what is missing', async () => {
    expect(await missing({ 'code/run.py': 'from .a import b\nimport c' })).toEqual([
      'code/run.py imports .a, which is not in the zip',
      'code/run.py imports c, which is not in the zip and not listed as a library in Readme.txt or requirements.txt',
    ]);
  });
});

describe('isLibrary', () => {
  it.each([
    ['os', '', true],
    ['__future__', '', true],
    ['cv2', 'opencv-python', true],
    ['segmentation_models', 'segmentation-models==1', true],
    ['losses', 'torch', false],
  ])('%s in %j: %s', (module, libraries, is) => {
    expect(isLibrary(module, libraries)).toBe(is);
  });
});
