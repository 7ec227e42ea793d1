import { expect, it } from 'vitest';
import { defaultEngine } from './default-engine.ts';
import { runCli } from './run-cli.ts';

const small = ['train.batchSize=1', 'train.size=32', 'train.labelSize=32', '--steps', '2', '--inference-size', '32'];

it('bench times steps and inference', async () => {
  const { code, stdout } = await runCli(['bench', ...small, '--json']);
  expect(code).toBe(0);
  const result = JSON.parse(stdout);
  expect(result).toMatchObject({ engine: `${defaultEngine} on cpu`, parameters: 1_220_691 });
  expect(result.stepMilliseconds).toBeGreaterThan(0);
  expect(result.inferenceMilliseconds).toBeGreaterThan(0);
  expect(result.peakMebibytes).toBeGreaterThan(20);
});

it.runIf(defaultEngine === 'native')('bench --profile shows the time of each step', async () => {
  const { code, stdout } = await runCli(['bench', ...small, '--profile', '--rows', '5']);
  expect(code).toBe(0);
  expect(stdout).toMatch(/^training step +[\d.]+ ms$/m);
  expect(stdout).toMatch(/^Training step, [\d.]+ ms in \d{3} steps; sgemm: \d+ GFLOP\/s\.$/m);
  expect(stdout).toMatch(/^Inference, [\d.]+ ms in \d+ steps/m);
  expect(stdout).toMatch(/^convolution +\d+ +[\d.]+ +[\d.]+ % +\d+ +\d+ % +[\d.]+$/m);
  expect(stdout).toMatch(/^all +\d{3} /m);
  // Which steps are the five slowest varies from run to run at this size.
  const stepRows = stdout.match(/^\w+: .+ {2,}\d+ +[\d.]+ +[\d.]+ % .*$/gm);
  expect(stepRows).toHaveLength(2 * 5);
});

it('bench accepts a configuration and can skip inference', async () => {
  const { code, stdout } = await runCli([
    ...['bench', 'configs/compact.yaml', 'train.batchSize=1', 'train.size=64', 'data.workers=0'],
    ...['--engine', 'onnx', '--threads', '1', '--steps', '1', '--inference-size', '0'],
  ]);
  expect(code).toBe(0);
  expect(stdout).toMatch(/^engine +onnx on cpu$/m);
  expect(stdout).toMatch(/^parameters +1,790,931$/m);
  expect(stdout).not.toContain('inference');
});

it('bench refuses unsupported settings', async () => {
  const onnx = await runCli(['bench', ...small, '--profile', '--engine', 'onnx']);
  expect(onnx.code).toBe(2);
  expect(onnx.stderr).toContain('--profile requires the native engine, but the engine is onnx');
  const device = await runCli(['bench', ...small, '--engine', 'native', '--device', 'webgpu']);
  expect(device.code).toBe(2);
  expect(device.stderr).toContain('runs only on the CPU');
});
