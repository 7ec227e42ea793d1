import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { temporaryFolder } from '../../test/dataset-fixture.ts';
import { findConfigFile, listBundledConfigs } from './bundled-configs.ts';
import { loadConfig } from './load-config.ts';

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

/** The settings of a bundled configuration, by dotted path, without its name. */
async function settingsOf(name: string): Promise<Map<string, unknown>> {
  const settings = new Map<string, unknown>();
  const collect = (value: unknown, path: string): void => {
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) {
      for (const [key, inner] of Object.entries(value)) collect(inner, path === '' ? key : `${path}.${key}`);
    } else settings.set(path, JSON.stringify(value));
  };
  const { name: _, model, ...others } = await loadConfig({ file: await findConfigFile(name) });
  collect(others, '');
  // As a whole: networks differ in the settings that they have.
  settings.set('model', JSON.stringify(model));
  return settings;
}

/** Configurations, those they start from, and the keys that differ. */
const steps = [
  ['sibling-deeplab', 'sibling-pspnet', ['model']],
  ['sibling-unet', 'sibling-pspnet', ['model']],
  ['sibling-linknet', 'sibling-pspnet', ['model']],
  ['sibling-icnet', 'sibling-pspnet', ['model', 'loss.auxiliary']],
  ['sibling-pspnet-mobilenet', 'sibling-pspnet', ['model']],
  ['sibling-deeplab-mobilenet', 'sibling-deeplab', ['model']],
  ['sibling-pspnet-focal', 'sibling-pspnet', ['loss.crossEntropy', 'loss.focal']],
  ['sibling-pspnet-lovasz', 'sibling-pspnet', ['loss.dice', 'loss.jaccard', 'loss.lovasz']],
  ['sibling-pspnet-adam', 'sibling-pspnet', ['train.lr', 'train.optimizer.kind', 'train.optimizer.momentum']],
  ['sibling-pspnet-momentum', 'sibling-pspnet', ['train.lr', 'train.optimizer.momentum']],
  ['sibling-pspnet-long', 'sibling-pspnet', ['train.epochs']],
  [
    'sibling-pspnet-augmented',
    'sibling-pspnet-long',
    ['rotation', 'scale', 'shift', 'brightness', 'contrast', 'saturation', 'grayscale', 'blur', 'jpeg'].map(
      (key) => `data.augmentation.${key}`,
    ),
  ],
] satisfies [string, string, string[]][];

describe('the bundled configurations', () => {
  it('are sorted by name and described', async () => {
    const bundled = await listBundledConfigs();
    const names = bundled.map(({ name }) => name);
    expect(names).toEqual([...names].sort());
    expect(names).toContain('sibling-pspnet');
    for (const { description } of bundled) expect(description).toMatch(/^\S.*\.$/);
  });

  it('have the names of their files', async () => {
    for (const { name, kind } of await listBundledConfigs()) {
      if (kind === 'config') expect((await loadConfig({ file: await findConfigFile(name) })).name).toBe(name);
    }
  });

  it.each(steps)('%s is %s but for what it tries', async (name, base, changed) => {
    const [own, others] = [await settingsOf(name), await settingsOf(base)];
    const different = [...new Set([...own.keys(), ...others.keys()])].filter((key) => own.get(key) !== others.get(key));
    expect(different.sort()).toEqual([...changed].sort());
  });

  it('that take a step from sibling-pspnet are all compared with it', async () => {
    const siblings = (await listBundledConfigs()).map(({ name }) => name).filter((name) => name.startsWith('sibling-'));
    expect(siblings).toEqual(['sibling-pspnet', ...steps.map(([name]) => name)].sort());
  });
});
