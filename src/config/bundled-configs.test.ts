import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { temporaryFolder } from '../../test/dataset-fixture.ts';
import { findConfigFile } from './bundled-configs.ts';

const start = process.cwd();
afterEach(() => process.chdir(start));

describe('findConfigFile', () => {
  it('finds the bundled file beside a folder of its name', async () => {
    const folder = await temporaryFolder();
    await mkdir(join(folder, 'compact'));
    await mkdir(join(folder, 'mine'));
    process.chdir(folder);
    expect(await findConfigFile('compact')).toMatch(/configs.compact\.yaml$/);
    expect(await findConfigFile('mine')).toBe('mine');
  });

  it.each([
    ['unet', 'config unet not found; unet is a network, which a configuration names; write model.name=unet'],
    ['DeepLabV3+', /deeplabv3plus is a network, .*; write model.name=deeplabv3plus$/],
    ['resnet-18', /resnet18 is an encoder, .*; write model.name=unet model.encoder=resnet18$/],
    ['compakt', "config compakt not found; did you mean 'compact'?"],
  ])('says what %s is', async (word, message) => {
    await expect(findConfigFile(word)).rejects.toThrow(message);
  });
});
