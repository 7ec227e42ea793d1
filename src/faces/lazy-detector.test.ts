import { expect, it } from 'vitest';
import { faceAt } from '../../test/face-fixture.ts';
import { LazyDetector } from './lazy-detector.ts';

const photo = { width: 1, height: 1, data: new Uint8Array(3) };

it('LazyDetector loads with the first photo, once, and disposes what it loaded', async () => {
  const calls: string[] = [];
  const faces = [faceAt({ x: 1, y: 2, side: 3, angle: 4 })];
  const lazy = new LazyDetector(async () => {
    calls.push('load');
    return {
      detect: async (_, options) => {
        calls.push(options?.signal ? 'detect with signal' : 'detect');
        return faces;
      },
      dispose: async () => void calls.push('dispose'),
    };
  });
  expect(calls).toEqual([]);
  const { signal } = new AbortController();
  expect(await Promise.all([lazy.detect(photo), lazy.detect(photo, { signal })])).toEqual([faces, faces]);
  await lazy.dispose();
  expect(calls).toEqual(['load', 'detect', 'detect with signal', 'dispose']);
});

it('LazyDetector rejects each photo if loading fails, and can be disposed at any time', async () => {
  const failing = new LazyDetector(() => Promise.reject(new Error('no such file')));
  await failing.dispose();
  await expect(failing.detect(photo)).rejects.toThrow('no such file');
  await expect(failing.detect(photo)).rejects.toThrow('no such file');
  await failing.dispose();
});
