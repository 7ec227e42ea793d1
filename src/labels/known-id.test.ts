import { expect, it } from 'vitest';
import { face8 } from './face-8.ts';
import { findUnknownId, isKnownId } from './known-id.ts';

it('knows the ids of classes and 255', () => {
  const known = Array.from({ length: 256 }, (_, id) => id).filter((id) => isKnownId(id, face8));
  expect(known).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 255]);
});

it('finds the first id that is not known', () => {
  expect(findUnknownId(Uint8Array.of(0, 255, 7, 8, 9), face8)).toBe(3);
  expect(findUnknownId(Uint8Array.of(0, 255, 7), face8)).toBe(-1);
});
