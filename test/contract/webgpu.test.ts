import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { listOnnxDevices } from '../../src/engine/onnx/node.ts';
import { listOps } from '../../src/graph/op.ts';
import { buildCase } from './op-case.ts';
import { opCases } from './op-cases.ts';
import { runInChild } from './run-in-child.ts';

/** Debian's chromium package brings a Vulkan driver that runs on the processor, and the library that loads drivers. */
const chromium = '/usr/lib/chromium';
const driver = join(chromium, 'vk_swiftshader_icd.json');
const loader = [chromium, '/usr/lib', '/usr/lib64', '/usr/lib/x86_64-linux-gnu', '/usr/lib/aarch64-linux-gnu'].find(
  (folder) => existsSync(join(folder, 'libvulkan.so.1')),
);

const missing = !listOnnxDevices().includes('webgpu')
  ? 'this ONNX Runtime was built without WebGPU'
  : !existsSync(driver)
    ? `no software driver: ${driver} is missing (Debian: apt-get install chromium)`
    : !loader && 'no libvulkan.so.1';

/** What is run there, as patterns of names: all cases would take minutes, since each compiles its shaders in software. */
const representative = [
  'conv2d (1×1, stride 2|3×3, padding 1, fewer|3×3, stride 2, odd|stride 2, asym|dilation 2, stride 2)',
  'conv2d (groups 2, stride|depthwise, stride 2, odd size$|depthwise, dil|depthwise, two filters a channel, s)',
  'conv2d(, one weight|, batchNorm)',
  'matMul of a batch and',
  '(add|sub|mul|div|minimum|maximum|greater) (of equal|with 1×C)',
  '(exp|log|sqrt|scale)$',
  'activation \\w+ (close|far|at zero)',
  'dropout$',
  'batchNorm\\w+ (of a batch|of small|with given)',
  'batchNormInference',
  'oftmax (over channels$|of logits)',
  'oneHot, ignored',
  'crossEntropy (with any label|with smoothing, weights|with every)',
  'softmaxSums (with any label|of many pixels|with overlap)',
  'lovaszJaccard (with any label|of equal|of many pixels)',
  'loss focal',
  'maxPool (2 on odd|3, stride 2, padding 1$|2, stride 3|3, stride 3|of)',
  'avgPool (3, stride 2, padding 1$|3, stride 3)',
  'adaptiveAvgPool 8×9',
  'globalAvgPool',
  'resize (nearest to twice|\\w+ down to no)',
  '(reshape to more|transpose|concat along|split|slice in|pad) ',
  'reduce\\w+ over (.2,3.|.0,2,3.|many)',
  '(broadcastTo from|sumTo back, from) (2×3×1×1|1×3×1×5)',
  'a tensor that flows',
].join('|');
const chosen = opCases.filter(({ name }) => new RegExp(representative).test(name));

/** Runs tests of this folder on WebGPU. */
function runOnWebgpu(file: string, pattern?: string) {
  return runInChild(file, pattern, {
    FACEPARSE_CONTRACT_DEVICE: 'webgpu',
    LD_LIBRARY_PATH: [loader, process.env.LD_LIBRARY_PATH].filter(Boolean).join(':'),
    VK_ICD_FILENAMES: driver,
  });
}

/** Longer than any of it takes on two busy cores. */
const timeout = 400_000;

describe.skipIf(missing)(`the onnx engine on WebGPU${missing ? ` (skipped: ${missing})` : ''}`, () => {
  it('runs every op', () => {
    const used = new Set(chosen.flatMap((opCase) => buildCase(opCase).graph.nodes.map(({ op }) => op)));
    expect(listOps().filter((op) => !used.has(op))).toEqual([]);
  });

  it('computes ops and their gradients as the reference does', { timeout }, async () => {
    expect((await runOnWebgpu('ops.test.ts', representative)).length).toBe(chosen.length);
  });

  it('keeps, reads and writes the states of programs', { timeout }, async () => {
    expect((await runOnWebgpu('programs.test.ts')).length).toBeGreaterThan(25);
  });

  it('shares the states of entries', { timeout }, async () => {
    expect((await runOnWebgpu('entries.test.ts')).length).toBe(5);
  });

  it('trains as double precision does, with the states on the device', { timeout }, async () => {
    expect((await runOnWebgpu('training.test.ts')).length).toBe(4);
  });
});
