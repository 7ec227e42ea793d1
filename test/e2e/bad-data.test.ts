import { cp, readdir, readFile, rename, rm, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import sharp from 'sharp';
import { beforeAll, describe, expect, it } from 'vitest';
import { readMask } from '../../src/image/read-image.ts';
import { celebamask19 } from '../../src/labels/celebamask-19.ts';
import { mirrorTable } from '../../src/labels/mirror.ts';
import { maskBytes, temporaryFolder } from '../dataset-fixture.ts';
import { askCli } from './run-cli.ts';
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
    says: ['face-00001', '1 photo of 2 without a mask', 'add the mask or'],
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
    says: [mask('train'), /RGB PNG/, '8-bit palette or greyscale'],
  },
  {
    name: 'a 16-bit mask',
    spoil: async (data) => {
      const grey = rgb.clone().extractChannel(0).toColourspace('grey16').png();
      await writeFile(join(data, mask('val')), await grey.toBuffer());
    },
    says: [mask('val'), /16-bit/, '8-bit palette or greyscale'],
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
    name: 'masks of another size, in val/',
    spoil: (data) => writeFile(join(data, mask('val')), flat(1, 48)),
    says: [mask('val'), '48×64', '64×64', 'resize'],
  },
  {
    name: 'a mask with nothing to score, in val/',
    spoil: (data) => writeFile(join(data, mask('val')), flat(255)),
    says: [mask('val'), 'no pixel to score', '255'],
  },
  {
    name: 'training masks that are all ignored',
    spoil: async (data) => {
      for (const name of await readdir(join(data, 'train', 'masks'))) {
        await writeFile(join(data, 'train', 'masks', name), flat(255));
      }
    },
    says: ['no training mask', 'face-00000, face-00001, face-00002 and 1 more', 'faceparse data check'],
  },
  {
    name: 'a split instead of the data folder',
    spoil: (data) => rename(join(data, 'train', 'images'), join(data, 'images')),
    code: 2,
    says: [/train has no folder images|itself a split/],
  },
];

describe('train refuses, in one line and without a run folder,', () => {
  it.each(faults)('$name', async ({ spoil, code = 1, says }) => {
    const cwd = await temporaryFolder();
    const data = join(cwd, 'data');
    await cp(good, data, { recursive: true });
    await spoil(data);
    const result = await askCli(['train', '--data', 'data', ...smallTraining], { cwd });
    expect(result.stdout).toBe('');
    expect(result.stderr).toMatch(/^faceparse: [^\n]*\n$/);
    expect(result.stderr).not.toContain('unexpected error');
    for (const text of says) expect(result.stderr).toMatch(text);
    expect(result.code).toBe(code);
    expect((await readdir(cwd)).filter((name) => name !== 'data')).toEqual([]);
  });
});

describe('train', () => {
  it.each(['train', 'val'])('names all bad files of %s at once', async (split) => {
    const cwd = await temporaryFolder();
    const data = join(cwd, 'data');
    await cp(good, data, { recursive: true });
    await truncate(join(data, split, 'images', 'face-00000.jpg'), 900);
    await writeFile(join(data, mask(split)), flat(200));
    const { code, stdout, stderr } = await askCli(['train', '--data', 'data', ...smallTraining], { cwd });
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    const lines = stderr
      .trimEnd()
      .split('\n')
      .filter((line) => !line.startsWith('reading images'));
    expect(lines[0]).toBe(`faceparse: 2 bad files in ${join('data', split)}:`);
    expect(lines[1]).toMatch(/^ {2}\S*face-00000\.jpg: .*damaged/);
    expect(lines[2]).toMatch(/^ {2}\S*face-00001\.png.* 200/);
    expect(lines).toHaveLength(3);
    expect(await readdir(cwd)).toEqual(['data']);
  });

  it('goes on where some masks have nothing to learn from, and says how many', async () => {
    const cwd = await temporaryFolder();
    const data = join(cwd, 'data');
    await cp(good, data, { recursive: true });
    await writeFile(join(data, mask('train')), flat(255));
    const words = ['train', '--data', 'data', ...smallTraining, 'train.epochs=1', 'validation.limit=1'];
    const { code, stderr } = await askCli(words, { cwd });
    expect(code, stderr).toBe(0);
    expect(stderr).toMatch(/^faceparse: 1 of 4 training masks has no pixel to learn from, .*: face-00001$/m);
  });

  it('says how many masks it repairs, and records it', async () => {
    const cwd = await temporaryFolder();
    const data = join(cwd, 'data');
    await cp(good, data, { recursive: true });
    const { data: ids } = await readMask(join(data, mask('train')));
    const table = mirrorTable(celebamask19);
    const swapped = { width: side, height: side, data: ids.map((id) => table[id]) };
    await writeFile(join(data, mask('train')), maskBytes(swapped));
    const words = ['train', '--data', 'data', ...smallTraining, 'train.epochs=1', 'validation.limit=1', '--name', 'a'];
    const { code, stderr } = await askCli(words, { cwd });
    expect(code, stderr).toBe(0);
    expect(stderr).toMatch(
      /^faceparse: left and right labels exchanged in 1 of 4 training masks, .*\(data\.repair\)$/m,
    );
    const environment = JSON.parse(await readFile(join(cwd, 'runs', 'a', 'environment.json'), 'utf8'));
    expect(environment.trainingData.repaired).toEqual({ whole: 1, part: 0 });
  });
});
