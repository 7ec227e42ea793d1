import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Command } from 'commander';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { getLabelSet } from '../../labels/registry.ts';
import { addOutputOptions, type OutputOptions, requestedOutputs, resolveOutputs } from './outputs.ts';

let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'faceparse-'));
  await mkdir(join(folder, 'run', 'weights'), { recursive: true });
  await writeFile(join(folder, 'photo.jpg'), '');
});
afterAll(() => rm(folder, { recursive: true }));

/** Parses words as `predict` does; `@` stands for the folder. */
function parse(...words: readonly string[]) {
  const command = addOutputOptions(new Command().exitOverride().argument('[words...]'));
  command.parse(
    words.map((word) => word.replace('@', folder)),
    { from: 'user' },
  );
  return requestedOutputs(command.opts<OutputOptions>(), command.args);
}

describe('requestedOutputs', () => {
  it.each<[string[], object, string[]]>([
    [['@/photo.jpg'], {}, ['@/photo.jpg']],
    [['@/photo.jpg', '--probabilities'], { probabilities: 'npy' }, ['@/photo.jpg']],
    [['--probabilities', 'png', '@/photo.jpg'], { probabilities: 'png' }, ['@/photo.jpg']],
    [['--probabilities', '@/photo.jpg'], { probabilities: 'npy' }, ['@/photo.jpg']],
    [['--probabilities', '@/run', '@/photo.jpg'], { probabilities: 'npy' }, ['@/run', '@/photo.jpg']],
    [['@/run', '--cutout', '@/photo.jpg'], { cutout: true }, ['@/run', '@/photo.jpg']],
    [['--cutout', 'missing.jpg'], { cutout: true }, ['missing.jpg']],
    [['--cutout', 'hair,14', '@/photo.jpg'], { cutout: ['hair', 14] }, ['@/photo.jpg']],
    [['--cutout', 'haar'], { cutout: ['haar'] }, []],
    [['--only', 'hair, hat', '--soft'], { only: ['hair', 'hat'], soft: true }, []],
    [['--only', 'hair', '--only', 'hat', '--cutout', '1', '--cutout=2'], { only: ['hair', 'hat'], cutout: [1, 2] }, []],
    [['--overlay', '--cutout', '--only=0'], { overlay: true, cutout: true, only: [0] }, []],
  ])('%j', async (words, outputs, rest) => {
    const at = (word: string) => word.replace('@', folder);
    expect(await parse(...words)).toEqual({ outputs, words: rest.map(at) });
  });

  it.each([
    [['--probabilities', 'pnq'], /^--probabilities has no format 'pnq'; did you mean 'png'\?$/],
    [['--probabilities', 'tiff'], /^--probabilities has no format 'tiff'; it takes npy or png$/],
    [['--soft'], /^--soft applies only to --only; /],
    [['--only', '@/photo.jpg'], /^--only takes classes, such as hair,hat, but .*photo\.jpg is a file or folder$/],
    [['--only', 'hair,', 'hat'], /^--only 'hair,' ends with a comma; write the classes without spaces/],
  ])('refuses %j', async (words, message) => {
    await expect(parse(...words)).rejects.toThrow(message);
    await expect(parse(...words)).rejects.toMatchObject({ exitCode: 2 });
  });
});

describe('resolveOutputs', () => {
  const set = getLabelSet('celebamask-19');

  it('finds the ids of classes; a cutout is all but the background', () => {
    expect(resolveOutputs({ overlay: true, only: ['hair', 14], cutout: ['nose'] }, set)).toEqual({
      overlay: true,
      only: [13, 14],
      cutout: [2],
    });
    const { cutout } = resolveOutputs({ cutout: true }, set);
    expect(cutout).toEqual(Array.from({ length: 18 }, (_, i) => i + 1));
    expect(resolveOutputs({ cutout: true }, getLabelSet('face-8')).cutout).toHaveLength(7);
  });

  it.each([
    [{ only: ['hairs'] }, "--only: celebamask-19 has no class 'hairs'; did you mean 'hair'?"],
    [{ cutout: [19] }, '--cutout: celebamask-19 has no class with the id 19; its ids are 0 to 18'],
    [{ only: [] }, '--only: no class is given; name at least one'],
  ])('refuses %j', (requested, message) => {
    expect(() => resolveOutputs(requested, set)).toThrow(expect.objectContaining({ message, exitCode: 2 }));
  });
});
