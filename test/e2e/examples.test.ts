import { execFile } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { decodePalettePng } from '../../src/formats/png/palette-png.ts';
import { temporaryFolder } from '../dataset-fixture.ts';
import { drawPhoto, photoPng } from '../image-fixture.ts';
import { runCli } from './run-cli.ts';
import { smallTraining, train, writeFaces } from './training-fixture.ts';

const folder = fileURLToPath(new URL('../../examples/', import.meta.url));

/** Runs an example as its first lines say, from another folder. */
async function runExample(name: string, words: readonly string[], cwd: string, env = {}): Promise<string> {
  const { stdout } = await promisify(execFile)(process.execPath, [join(folder, name), ...words], {
    cwd,
    env: { ...process.env, ...env },
    timeout: 55_000,
  });
  return stdout;
}

/** An example as an option of Node, so that a command knows what it registers. */
const importing = (name: string) => ({ NODE_OPTIONS: `--import ${pathToFileURL(join(folder, name)).href}` });

describe('examples', () => {
  it('are numbered, and have 40 lines at most', () => {
    const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
    expect(files.length).toBeGreaterThanOrEqual(9);
    for (const { name, parentPath } of files) {
      const path = join(parentPath, name);
      expect(path.slice(folder.length), path).toMatch(/^0\d-[a-z-]+/);
      expect(readFileSync(path, 'utf8').trimEnd().split('\n').length, path).toBeLessThanOrEqual(40);
    }
  });

  it('01 labels a photo', async () => {
    const cwd = await temporaryFolder();
    await writeFile(join(cwd, 'face.png'), await photoPng(drawPhoto(90, 120, 5)));
    expect(await runExample('01-photo.mjs', ['face.png', 'a.png'], cwd)).toMatch(
      /^(?:\S+ +\d+\.\d %\n)+90×120, \d+ ms\n$/,
    );
    expect(decodePalettePng(await readFile(join(cwd, 'a.png')))).toMatchObject({ width: 90, height: 120 });
    expect(await runExample('01-photo.mjs', [], cwd)).toMatch(/^skin|^background/m);
  });

  it('03 finds the colour of the hair', async () => {
    const [, ...colour] = /rgb\((\d+), (\d+), (\d+)\)/.exec(await runExample('03-hair-colour.mjs', [], folder))!;
    expect(colour.map(Number).every((value) => value > 0 && value < 256)).toBe(true);
  });

  it('04 trains', async () => {
    const cwd = await temporaryFolder();
    const text = await runExample('04-train.mjs', ['runs/a'], cwd, { EPOCHS: '1' });
    expect(text).toMatch(/^epoch 1: F 0\.\d{3}\nbest F 0\.\d{3}; weights in .*best\.safetensors\n$/);
  });

  it('05 and 06 register a network and a loss, which commands then train, resume and score', async () => {
    const cwd = await temporaryFolder();
    expect(await runExample('05-own-network.mjs', [], cwd)).toBe('tiny-unet: logits 1×19×64×64\n');
    expect(await runExample('06-own-loss.mjs', [], cwd)).toMatch(/logCoshDice: 1/);
    const env = {
      NODE_OPTIONS: ['05-own-network.mjs', '06-own-loss.mjs'].map((name) => importing(name).NODE_OPTIONS).join(' '),
    };
    const data = await writeFaces(cwd);
    const words = [
      ...smallTraining,
      'model.name=tiny-unet',
      'loss.logCoshDice=1',
      '--data',
      data,
      '--name',
      'run',
      '--out',
      '.',
    ];
    await train([...words, 'train.epochs=4', 'validation.every=4'], { cwd, env });
    const [header, line] = (await readFile(join(cwd, 'run', 'metrics.csv'), 'utf8')).split('\n');
    expect(Number(line.split(',')[header.split(',').indexOf('logCoshDice')])).toBeGreaterThan(0);
    const scored = await runCli(['evaluate', 'run', '--data', join(data, 'val'), '--json'], { cwd, env });
    expect(scored).toMatchObject({ code: 0 });
    // Without the example the network is not known, and the error says so.
    const unknown = await runCli(['evaluate', 'run', '--data', join(data, 'val')], { cwd });
    expect(unknown.code).not.toBe(0);
    expect(unknown.stderr).toMatch(/unknown model 'tiny-unet'/);
  });

  it('07 runs an exported network without faceparse', async () => {
    const cwd = await temporaryFolder();
    await writeFile(join(cwd, 'face.png'), await photoPng(drawPhoto(90, 120, 5)));
    expect(await runCli(['export', '--format', 'onnx', '--out', 'face.onnx'], { cwd })).toMatchObject({ code: 0 });
    const text = await runExample('07-onnx-alone.mjs', ['face.onnx', 'face.png'], cwd);
    const shares = [...text.matchAll(/^class \d+: (\d+\.\d) %$/gm)].map(([, share]) => Number(share));
    expect(shares.length).toBeGreaterThan(2);
    expect(Math.abs(shares.reduce((sum, share) => sum + share) - 100)).toBeLessThan(1);
    expect(await readFile(join(folder, '07-onnx-alone.mjs'), 'utf8')).not.toMatch(/from 'faceparse/);
  });

  it('08 registers an encoder, which configurations then name', async () => {
    const cwd = await temporaryFolder();
    expect(await runExample('08-own-encoder.mjs', [], cwd)).toBe('unet (tiny): logits 1×19×64×64\n');
    const words = ['config', 'model.name=unet', 'model.encoder=tiny'];
    const known = await runCli(words, { cwd, env: importing('08-own-encoder.mjs') });
    expect(known.stdout).toMatch(/^ {2}encoder: tiny$/m);
    const unknown = await runCli(words, { cwd });
    expect(unknown.code).toBe(2);
    expect(unknown.stderr).toMatch(/unknown encoder 'tiny'/);
  });

  it('09 registers a decoder, which takes any encoder', async () => {
    const cwd = await temporaryFolder();
    const text = await runExample('09-own-decoder.mjs', [], cwd);
    expect(text).toBe('fpn (resnet18): logits 1×19×32×32\nfpn (efficientnet-lite0): logits 1×19×32×32\n');
    const words = ['config', 'model.name=fpn', 'model.encoder=mobilenet_v2', 'model.depth=4'];
    const known = await runCli(words, { cwd, env: importing('09-own-decoder.mjs') });
    expect(known.stdout).toMatch(/^ {2}encoder: mobilenet_v2\n {2}depth: 4\n {2}dropout: 0\.1$/m);
  });
});
