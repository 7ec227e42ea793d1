import { expect, it } from 'vitest';
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
