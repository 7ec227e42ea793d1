import { cp, readdir, rename, rm, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import sharp from 'sharp';
import { beforeAll, describe, expect, it } from 'vitest';
import { maskBytes, temporaryFolder } from '../dataset-fixture.ts';
import { runCli } from './run-cli.ts';
import { fileFolder, smallTraining, writeFaces } from './training-fixture.ts';

const folder = await fileFolder();
let good: string;

beforeAll(async () => {
  good = await writeFaces(folder, { train: 4, val: 2 });
});

const side = 64;
const flat = (id: number, width = side) =>
  maskBytes({ width, height: side, data: new Uint8Array(width * side).fill(id) });
const rgb = sharp(Buffer.alloc(side * side * 3, 1), { raw: { width: side, height: side, channels: 3 } });
const photo = (split: string) => join(split, 'images', 'face-00001.jpg');
const mask = (split: string) => join(split, 'masks', 'face-00001.png');

interface Fault {
  readonly name: string;
  /** Spoils a copy of good data. */
  readonly spoil: (data: string) => Promise<unknown>;
  readonly code?: number;
  /** What the line names: the file, what is wrong, what to do. */
  readonly says: readonly (string | RegExp)[];
  readonly settings?: readonly string[];
}

const faults: readonly Fault[] = [
  {
    name: 'no such folder',
    spoil: (data) => rm(data, { recursive: true }),
    code: 2,
    says: ['folder ', 'not found; check the path'],
  },
  {
    name: 'no val/',
    spoil: (data) => rm(join(data, 'val'), { recursive: true }),
    code: 2,
    says: ['no split "val"', 'train'],
  },
  {
    name: 'an empty split',
    spoil: async (data) => {
      for (const name of await readdir(join(data, 'train', 'images'))) await rm(join(data, 'train', 'images', name));
    },
    says: [join('train', 'images'), 'contains no photos', 'put photos there'],
  },
  {
    name: 'a mask without a photo',
    spoil: (data) => rm(join(data, photo('train'))),
    says: ['face-00001', '1 mask of 4 without a photo', 'remove'],
  },
  {
    name: 'a photo without a mask',
    spoil: (data) => rm(join(data, mask('val'))),
    says: ['face-00001', '1 photo of 2 without a mask', 'add the mask'],
  },
  {
    name: 'a truncated JPEG',
    spoil: (data) => truncate(join(data, photo('train')), 900),
    says: [photo('train'), 'truncated or damaged', 'replace it'],
  },
  {
    name: 'a truncated JPEG in val/',
    spoil: (data) => truncate(join(data, photo('val')), 900),
    says: [photo('val'), 'truncated or damaged', 'replace it'],
  },
  {
    name: 'an RGB mask',
    spoil: async (data) => writeFile(join(data, mask('train')), await rgb.clone().png().toBuffer()),
    says: [mask('train'), /RGB PNG/, '8-bit palette or grayscale'],
  },
  {
    name: 'a 16-bit mask',
    spoil: async (data) => {
      const grey = rgb.clone().extractChannel(0).toColourspace('grey16').png();
      await writeFile(join(data, mask('val')), await grey.toBuffer());
    },
    says: [mask('val'), /16-bit/, '8-bit palette or grayscale'],
  },
  {
    name: 'a label that there is not',
    spoil: (data) => writeFile(join(data, mask('train')), flat(200)),
    says: [mask('train'), '200', 'celebamask-19'],
  },
  {
    name: 'a label that there is not, in val/',
    spoil: (data) => writeFile(join(data, mask('val')), flat(200)),
    says: [/face-00001/, '200'],
  },
  {
    name: 'a mask of another size',
    spoil: (data) => writeFile(join(data, mask('train')), flat(1, 48)),
    says: [mask('train'), '48×64', '64×64'],
  },
  {
    name: 'a split instead of the data folder',
    spoil: (data) => rename(join(data, 'train', 'images'), join(data, 'images')),
    code: 2,
    says: [/train has no folder images|itself a split/],
  },
  {
    name: 'fewer images than a batch',
    spoil: async () => {},
    code: 2,
    says: ['a batch of 8', '4 pairs', 'lower train.batchSize'],
    settings: ['train.batchSize=8'],
  },
];

describe('train refuses, in one line and without a run folder,', () => {
  it.each(faults)('$name', async ({ spoil, code = 1, says, settings = [] }) => {
    const cwd = await temporaryFolder();
    const data = join(cwd, 'data');
    await cp(good, data, { recursive: true });
    await spoil(data);
    const result = await runCli(['train', '--data', 'data', ...smallTraining, ...settings], { cwd });
    expect(result.stdout).toBe('');
    expect(result.stderr).toMatch(/^faceparse: [^\n]*\n$/);
    expect(result.stderr).not.toContain('unexpected error');
    for (const text of says) expect(result.stderr).toMatch(text);
    expect(result.code).toBe(code);
    expect((await readdir(cwd)).filter((name) => name !== 'data')).toEqual([]);
  });
});
