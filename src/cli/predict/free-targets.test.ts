import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { temporaryFolder } from '../../../test/dataset-fixture.ts';
import { predictionPaths } from '../../node/save-prediction.ts';
import { requireFreeTargets } from './free-targets.ts';

async function photoAt(path: string) {
  await mkdir(join(path, '..'), { recursive: true });
  await writeFile(path, '');
  return path;
}

describe('requireFreeTargets', () => {
  it('accepts paths that are free', async () => {
    const folder = await temporaryFolder();
    const photos = [{ stem: 'a', path: await photoAt(join(folder, 'a.jpg')) }];
    const outputs = { overlay: true, probabilities: 'png', only: [1], cutout: [1] };
    await requireFreeTargets(photos, ({ stem }) => predictionPaths(folder, stem, outputs), false);
  });

  it.each([
    ['only', 'only/a.png', { only: [1] }],
    ['cutout', 'cutout/a.png', { cutout: [1] }],
    ['probabilities', 'probabilities/a.npy', { probabilities: 'npy' }],
    ['probabilities', 'probabilities/a', { probabilities: 'png' }],
  ])('replaces nothing in %s/ without force: %s', async (_, name, outputs) => {
    const folder = await temporaryFolder();
    const photos = [{ stem: 'a', path: await photoAt(join(folder, 'a.jpg')) }];
    await photoAt(join(folder, name));
    const check = (force: boolean) =>
      requireFreeTargets(photos, ({ stem }) => predictionPaths(folder, stem, outputs), force);
    await expect(check(false)).rejects.toMatchObject({
      message: `${join(folder, name)} already exists; choose another --out, or use --force to replace it`,
      exitCode: 2,
    });
    await check(true);
  });

  it.each([
    ['only/a.png', { only: [1] }, /only\/a\.png is an input photo; choose another --out$/],
    ['cutout/a.png', { cutout: [1] }, /is an input photo; choose/],
    ['probabilities/a/hair.png', { probabilities: 'png' }, /probabilities\/a contains an input photo; choose/],
  ])('never writes over the photo %s', async (name, outputs, message) => {
    const folder = await temporaryFolder();
    const photos = [
      { stem: 'a', path: await photoAt(join(folder, 'a.jpg')) },
      { stem: 'hair', path: await photoAt(join(folder, name)) },
    ];
    const check = requireFreeTargets(photos, ({ stem }) => predictionPaths(folder, stem, outputs), true);
    await expect(check).rejects.toThrow(message);
  });

  it('refuses two results of one name, as photos in subfolders may have', async () => {
    const folder = await temporaryFolder();
    const photos = [
      { stem: 'a', path: await photoAt(join(folder, 'in', 'a.jpg')) },
      { stem: 'overlay/a', path: await photoAt(join(folder, 'in', 'overlay', 'a.jpg')) },
    ];
    const check = (outputs: object) =>
      requireFreeTargets(photos, ({ stem }) => predictionPaths(folder, stem, outputs), true);
    await check({ only: [1] });
    await expect(check({ overlay: true })).rejects.toThrow(
      /in\/a\.jpg and .*in\/overlay\/a\.jpg would both be written to .*overlay\/a\.png; use two calls$/,
    );
  });
});
