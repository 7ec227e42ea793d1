import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { parse } from 'yaml';
import { formatConfigReference } from '../../src/config/describe-config.ts';
import { configSchema } from '../../src/config/schema.ts';
import { listEncoders } from '../../src/models/encoders/registry.ts';
import { listNetworks } from '../../src/models/list-networks.ts';
import { listModels } from '../../src/models/registry.ts';
import { temporaryFolder } from '../dataset-fixture.ts';
import { defaultEngine } from './default-engine.ts';
import { askCli } from './run-cli.ts';

async function json(...words: string[]) {
  const { code, stdout, stderr } = await askCli([...words, '--json']);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  return JSON.parse(stdout);
}

it('models lists every network with parameters and cost', async () => {
  const { stdout } = await askCli(['models']);
  const { architectures, encoders, models, sizes } = await json('models', '--size', '64');
  expect(sizes).toEqual([64]);
  expect(encoders).toHaveLength(listEncoders({ variants: true }).length);
  expect(architectures.map(({ name }: { name: string }) => name)).toEqual(listModels());
  expect(models).toHaveLength(listNetworks().length);
  expect(stdout.split('\n').filter((line) => line.length > 100)).toEqual([]);
  for (const { name, encoder = '', parameters, underChallengeLimit, gigaMultiplyAccumulates } of models) {
    expect(parameters).toBeGreaterThan(10_000);
    expect(gigaMultiplyAccumulates[0]).toBeGreaterThan(0.001);
    const count = parameters.toLocaleString('en-US');
    const end = underChallengeLimit ? ' +yes$' : '$';
    expect(stdout).toMatch(new RegExp(`^${name} +${encoder} +${count} +\\d+\\.\\d\\d +\\d+\\.\\d\\d${end}`, 'm'));
  }
  expect(stdout).toMatch(/^pspnet +16 +1 +depth 3, outputStride 8, dropout 0\.2$/m);
  expect(stdout).toMatch(/^bisenet +32 +1 +2$/m);
});

it('models --encoder lists the networks on one encoder, and refuses unknown ones', async () => {
  const { models } = await json('models', '--size', '64', '--encoder', 'resnet34');
  expect(new Set(models.map(({ encoder }: { encoder: string }) => encoder))).toEqual(new Set(['resnet34']));
  const { code, stderr } = await askCli(['models', '--encoder', 'resnet-34']);
  expect({ code, stderr }).toEqual({ code: 2, stderr: expect.stringContaining("did you mean 'resnet34'?") });
  const larger = await askCli(['models', '--encoder', 'resnet101']);
  expect(larger.stderr).toMatch(/unknown encoder 'resnet101'; the encoders are resnet18, /);
});

it('models NAME takes the settings of the network', async () => {
  const { settings, parameters } = await json('models', 'unet', '--encoder', 'resnet34', '--depth', '4');
  expect(settings).toEqual({ encoder: 'resnet34', depth: 4, stochasticDepth: 0 });
  expect(parameters).toBeLessThan(24_000_000);
  const { code, stderr } = await askCli(['models', 'compact', '--depth', '4']);
  expect({ code, stderr }).toEqual({ code: 2, stderr: expect.stringContaining('compact has no setting depth') });
  const all = await askCli(['models', '--output-stride', '8']);
  expect(all).toMatchObject({ code: 2, stderr: expect.stringContaining('--output-stride is for one network') });
});

it('models NAME shows settings, encoders, auxiliary heads and the limit of the challenge', async () => {
  const { stdout } = await askCli(['models', 'bisenet', '--encoder', 'efficientnet-b0']);
  expect(stdout).toMatch(/^challenge +over its limit of 1,821,085 parameters$/m);
  expect(stdout).toMatch(/^image +3×256×256; sides must be multiples of 32$/m);
  expect(stdout).toMatch(/^auxiliary heads +2, with 150,144 more parameters in training \(loss\.auxiliary\)$/m);
  expect(stdout).toMatch(/^settings +encoder efficientnet-b0\n +stochasticDepth 0\.2$/m);
  expect(stdout).toMatch(/^timm-efficientnet-b0 +EfficientNet-B0 with symmetric padding/m);
  const about = stdout.slice(0, stdout.indexOf('\nlayer '));
  expect(about.split('\n').filter((line) => line.length > 100)).toEqual([]);
});

it('models NAME lists layers that add up', async () => {
  const unet = await json('models', 'mobile-unet', '--classes', '8', '--size', '128');
  const sum = unet.layers.reduce((total: number, { parameters }: { parameters: number }) => total + parameters, 0);
  expect(sum).toBe(unet.parameters);
  expect(unet.layers.at(-1)).toMatchObject({ path: 'head', type: 'conv 1×1', output: [8, 64, 64] });
  const { code, stdout } = await askCli(['models', 'mobile-unet']);
  expect(code).toBe(0);
  expect(stdout).toMatch(/^stem\.0 +conv 3×3, stride 2 +32×128×128 +864 +14\.16$/m);
  expect(stdout).toMatch(/^total +1,220,691 +\d+\.\d\d$/m);
  expect(stdout.split('\n').every((line) => line.length <= 110)).toBe(true);
});

it('doctor shows the machine and tests the engines', async () => {
  const { code, stdout } = await askCli(['doctor']);
  expect(code).toBe(0);
  expect(stdout).toMatch(/^Node +\d+\.\d+\.\d+ /m);
  expect(stdout).toMatch(new RegExp(`^(?:Engines)? +${defaultEngine} +works on cpu;.* default`, 'm'));
  expect(stdout).toMatch(/^ +reference +works on cpu$/m);
  const report = await json('doctor');
  expect(report.node).toBe(process.versions.node);
  expect(report.packages['onnxruntime-node']).toMatch(/^1\./);
  expect(report.defaultEngine).toBe(defaultEngine);
  expect(report.engines).toContainEqual(expect.objectContaining({ name: defaultEngine, works: true }));
  const native = report.engines[0];
  if (native.works) expect(native.details).toMatch(/^oneDNN \d+\.\d+\.\d+ \(\w+\), own kernels \w+, \d+ threads$/);
  else expect(native.reason).toContain('libdnnl-dev');
});

it('config prints the configuration of a file with overrides', async () => {
  const file = join(await temporaryFolder(), 'small.yaml');
  await writeFile(file, 'train:\n  size: 128 # small\n');
  const { code, stdout } = await askCli(['config', file, 'train.lr=3e-4']);
  const wanted = configSchema.parse({ name: 'small', train: { size: 128, lr: 3e-4 } });
  expect(code).toBe(0);
  expect(parse(stdout)).toEqual(wanted);
  expect(await json('config', file, 'train.lr=3e-4')).toEqual(wanted);
  // What it prints is itself a configuration.
  await writeFile(file, stdout);
  expect(parse((await askCli(['config', file])).stdout)).toEqual(wanted);
});

it('config names every unknown key with its line', async () => {
  const file = join(await temporaryFolder(), 'wrong.yaml');
  await writeFile(file, 'train:\n  learning_rate: 1\n  batch_size: 4\n');
  const { code, stderr } = await askCli(['config', file]);
  expect(code).toBe(2);
  expect(stderr).toMatch(/^ *(?:faceparse: )?\S*wrong\.yaml:2: unknown key 'train\.learning_rate'; /m);
  expect(stderr).toMatch(/^ *\S*wrong\.yaml:3: unknown key 'train\.batch_size'; did you mean 'train\.batchSize'\?$/m);
});

it('config --reference prints docs/config.md', async () => {
  expect((await askCli(['config', '--reference'])).stdout).toBe(formatConfigReference());
});
