import { expect, it } from 'vitest';
import { describeValue } from './describe-value.ts';

it.each([
  [undefined, 'undefined'],
  [null, 'null'],
  [7, 'a number'],
  [() => 0, 'a function'],
  [[1], 'an Array'],
  [new Float32Array(2), 'a Float32Array'],
  [Promise.resolve(), 'a Promise'],
  [{}, 'an empty object'],
  [{ a: 1, b: 2 }, 'an object with the keys a, b'],
  [Object.fromEntries('abcdefgh'.split('').map((key) => [key, 1])), 'an object with the keys a, b, c, d, e, f, …'],
  [Object.create(null), 'an empty object'],
])('%o is %s', (value, text) => {
  expect(describeValue(value)).toBe(text);
});

it('puts the article by sound', () => {
  const values = [new Uint8Array(1), new URL('file:///a'), new ArrayBuffer(1), 'text'];
  expect(values.map(describeValue)).toEqual(['a Uint8Array', 'a URL', 'an ArrayBuffer', 'a string']);
});
