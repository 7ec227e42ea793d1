import { mkdir, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { temporaryFolder } from '../../../test/dataset-fixture.ts';
import { FaceScore } from '../../metrics/face-score.ts';
import { readScores, type StoredScores, scoresKey, writeScores } from './score-store.ts';

function scores(key: string): StoredScores {
  const score = new FaceScore(3);
  const { f } = score.add(Uint8Array.of(0, 1, 1, 2), Uint8Array.of(0, 1, 2, 2));
  return {
    key,
    images: [
      { stem: 'a', f, pixels: [1, 2, 1] },
      { stem: 'ü "b"', f, boundaryF: 0.25, pixels: [4, 0, 0] },
    ],
    summary: score.summary(),
    networkMilliseconds: 1.5,
  };
}

describe('stored scores', () => {
  it('are read as they were written, by their key', async () => {
    const file = join(await temporaryFolder(), 'run', 'val.json');
    await writeScores(file, scores('k'));
    expect(await readScores(file, 'k')).toEqual(scores('k'));
    expect(await readScores(file, 'other')).toBeUndefined();
    expect(await readScores(`${file}x`, 'k')).toBeUndefined();
  });

  it.each([
    '',
    '[]',
    '{"key":"k"}',
    JSON.stringify({ ...scores('k'), images: [] }),
    JSON.stringify({ ...scores('k'), images: [{ stem: 'a', f: 2, pixels: [1, 2, 1] }] }),
  ])('are made again if the file is damaged: %j', async (text) => {
    const file = join(await temporaryFolder(), 'val.json');
    await writeFile(file, text);
    expect(await readScores(file, 'k')).toBeUndefined();
  });
});

it('a key changes with the settings, the pairs and their files', async () => {
  const folder = await temporaryFolder();
  await mkdir(join(folder, 'images'));
  const item = { stem: 'a', imagePath: join(folder, 'images', 'a.png'), maskPath: join(folder, 'a.png') };
  await writeFile(item.imagePath, '1');
  await writeFile(item.maskPath, '22');
  const dataset = { folder, items: [item] };
  const key = await scoresKey(dataset, { weights: 'w' });
  expect(await scoresKey(dataset, { weights: 'w' })).toBe(key);
  expect(await scoresKey(dataset, { weights: 'v' })).not.toBe(key);
  expect(await scoresKey({ folder, items: [{ ...item, stem: 'b' }] }, { weights: 'w' })).not.toBe(key);
  await utimes(item.maskPath, 1, 1);
  expect(await scoresKey(dataset, { weights: 'w' })).not.toBe(key);
});
