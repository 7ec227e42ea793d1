import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadConfig } from './load-config.ts';
import { configSchema } from './schema.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'faceparse-config-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

async function write(name: string, data: string | Uint8Array): Promise<string> {
  const path = join(folder, name);
  await writeFile(path, data);
  return path;
}

describe('loadConfig', () => {
  it('reads a file, a byte-order mark included, and applies overrides', async () => {
    const file = await write('small.yaml', '\uFEFFtrain:\n  size: 128\n');
    const config = await loadConfig({ file, overrides: ['train.lr=1e-3'] });
    expect(config).toMatchObject({ name: 'small', train: { size: 128, lr: 1e-3 } });
  });

  it('gives the defaults without a file', async () => {
    expect(await loadConfig()).toEqual(configSchema.parse({}));
  });

  it('names file and line of an error', async () => {
    const file = await write('wrong.yaml', 'train:\n  lrr: 1\n');
    await expect(loadConfig({ file })).rejects.toThrow(`${file}:2: unknown key 'train.lrr'`);
  });

  it('refuses what is no short UTF-8 file', async () => {
    const refusal = async (file: string): Promise<{ message: string; exitCode: number }> =>
      loadConfig({ file }).then(
        () => expect.unreachable(),
        (error) => error,
      );
    const large = await write('large.yaml', `# ${'x'.repeat(2 ** 20)}`);
    const binary = await write('binary.yaml', Uint8Array.of(0xff, 0xfe, 0, 1));
    expect(await refusal(large)).toMatchObject({ exitCode: 2, message: expect.stringContaining('larger than 1 MiB') });
    expect(await refusal(binary)).toMatchObject({ exitCode: 2, message: expect.stringContaining('not UTF-8') });
    expect(await refusal(folder)).toMatchObject({ exitCode: 2, message: expect.stringContaining('is a folder') });
    expect(await refusal(join(folder, 'no.yaml'))).toMatchObject({
      exitCode: 2,
      message: `cannot read the config ${join(folder, 'no.yaml')}: no such file`,
    });
  });
});
