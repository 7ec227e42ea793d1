import { describe, expect, it } from 'vitest';
import { requireMatriculationNumber } from './matriculation-number.ts';

describe('requireMatriculationNumber', () => {
  it('takes a letter, 7 or 8 digits and a letter', () => {
    for (const id of ['A12345678B', 'U1234567K']) expect(() => requireMatriculationNumber(id)).not.toThrow();
  });

  it.each(['A123', 'a12345678b', 'A12345678', 'A123456789B', ' A12345678B', 'A12345678B\n', ''])('refuses %j', (id) => {
    expect(() => requireMatriculationNumber(id)).toThrow(/is not a matriculation number; .*such as A12345678B$/);
    expect(() => requireMatriculationNumber(id)).toThrow(JSON.stringify(id));
  });
});
