import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, vi } from 'vitest';
import { inspectMachine, instructionsOf } from './machine.ts';

it('reads instruction sets of x86 and ARM', () => {
  const x86 = 'processor\t: 0\nmodel name\t: x\nflags\t\t: fpu sse4_2 avx avx2 fma avx512f\nbugs\t: spectre\n';
  expect(instructionsOf(x86)).toEqual(['SSE4.2', 'AVX', 'AVX2', 'FMA', 'AVX-512']);
  expect(instructionsOf('processor\t: 0\nFeatures\t: fp asimd sve\n')).toEqual(['NEON', 'SVE']);
  expect(instructionsOf('')).toEqual([]);
});

it('finds the versions of the packages and the machine', () => {
  const machine = inspectMachine();
  expect(machine.faceparse).toMatch(/^\d+\.\d+\.\d+/);
  expect(machine.packages.zod).toMatch(/^4\./);
  expect(machine.processor.cores).toBeGreaterThan(0);
  expect(machine.memory.total).toBeGreaterThan(2 ** 20);
  expect(machine.memory.limit ?? 1).toBeGreaterThan(0);
});

it('finds fonts for other scripts in the working folder too, but not code', () => {
  const folder = mkdtempSync(join(tmpdir(), 'faceparse-app-'));
  for (const name of ['@expo-google-fonts/noto-sans-thai', 'commander']) {
    const path = join(folder, 'node_modules', name);
    mkdirSync(path, { recursive: true });
    writeFileSync(join(path, 'package.json'), JSON.stringify({ name, version: '9.9.9', main: 'index.js' }));
    writeFileSync(join(path, 'index.js'), '');
  }
  const inside = vi.spyOn(process, 'cwd').mockReturnValue(folder);
  try {
    const { packages } = inspectMachine();
    expect(packages['@expo-google-fonts/noto-sans-thai']).toBe('9.9.9');
    expect(packages.commander).not.toBe('9.9.9');
  } finally {
    inside.mockRestore();
    rmSync(folder, { recursive: true });
  }
});
