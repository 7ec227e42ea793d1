import { describe, expect, it } from 'vitest';
import { npyHeader } from './npy.ts';

describe('npyHeader', () => {
  it('is that of numpy.save, padded to 64 bytes', () => {
    const bytes = npyHeader('<f2', [19, 30, 40]);
    expect([...bytes.subarray(0, 10)]).toEqual([0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59, 1, 0, 118, 0]);
    const text = new TextDecoder().decode(bytes.subarray(10));
    expect(text).toMatch(/^\{'descr': '<f2', 'fortran_order': False, 'shape': \(19, 30, 40,\), \} *\n$/);
  });

  it.each([[[1]], [[7, 100000]], [[19, 3000, 4000]], [[1, 2, 3, 4, 5, 6, 7, 8]]])('is aligned for %j', (shape) => {
    const bytes = npyHeader('|u1', shape);
    expect(bytes.length % 64).toBe(0);
    expect(bytes.at(-1)).toBe(10);
  });

  it('refuses what is no shape', () => {
    expect(() => npyHeader('<f2', [19, 0])).toThrow('must be a positive integer, not 0');
    expect(() => npyHeader('<f2', [1.5])).toThrow('not 1.5');
  });
});
