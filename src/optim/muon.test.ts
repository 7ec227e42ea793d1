import { describe, expect, it } from 'vitest';
import type { Engine } from '../engine/engine.ts';
import { createReferenceEngine } from '../engine/reference/reference-engine.ts';
import { selectEngine } from '../engine/select-engine.ts';
import { Graph, sizeOf, type Tensor } from '../graph/graph.ts';
import { flatten } from './flat-vector.ts';
import { isMuonKernel } from './muon.ts';
import { type MuonAdamWOptions, updateParameters } from './optimizer.ts';

/** Two kernels that are equal as matrices, one that is taller than wide, a depthwise one and a bias. */
const shapes = [[16, 24, 1, 1], [16, 6, 2, 2], [32, 16, 1, 1], [18, 1, 5, 5], [5]];
const optimizer: MuonAdamWOptions = {
  kind: 'muon',
  beta1: 0.9,
  beta2: 0.99,
  epsilon: 1e-8,
  weightDecay: 0.3,
  muonMomentum: 0.9,
};

const fill = (size: number, valueAt: (k: number) => number) =>
  Float32Array.from({ length: size }, (_, k) => valueAt(k));
const weightOf = (i: number, size: number) => fill(size, (k) => (((k * 7 + i * 3) % 11) - 5) / 10);
const gradientOf = (i: number, size: number, t: number) =>
  fill(size, (k) => (((k * 5 + i + t * 4 + Math.floor(k / 8)) % 13) - 6) / 10);

interface Options {
  readonly engine?: Engine;
  readonly kind?: 'muon' | 'adamw';
  /** Factor of the learning rate of the second kernel. */
  readonly factor?: number;
  readonly steps?: number;
}

/** Three steps with rates 0.1, 0.1/2, 0.1/3. */
async function train({ engine = createReferenceEngine(), kind = 'muon', factor, steps = 3 }: Options = {}) {
  const graph = new Graph();
  const parameters = shapes.map((shape, i) =>
    graph.state(`p${i}`, shape, () => weightOf(i, sizeOf(shape)), { trainable: true, decay: shape.length > 1 }),
  );
  const gradients = shapes.map((shape, i) => graph.input(`g${i}`, shape));
  const chosen = kind === 'muon' ? optimizer : { ...optimizer, kind };
  updateParameters(parameters, flatten(gradients), graph.input('rate', []), {
    optimizer: chosen,
    clipNorm: 0,
    ...(factor !== undefined && { rateFactor: (p: Tensor) => (p === parameters[1] ? factor : 1) }),
  });
  const program = await engine.compile(graph);
  for (let t = 1; t <= steps; t++) {
    const inputs = shapes.map((shape, i) => [`g${i}`, gradientOf(i, sizeOf(shape), t)] as const);
    await program.run({ rate: Float32Array.of(0.1 / t), ...Object.fromEntries(inputs) });
  }
  const states = await program.readStates();
  await program.dispose();
  return { states, parameters, weights: shapes.map((_, i) => [...states.get(`p${i}`)!]) };
}

const preferred = await selectEngine({ name: 'auto', device: 'cpu', threads: 1 });

describe('Muon', () => {
  it('takes kernels that mix channels', async () => {
    const { parameters, states } = await train({ steps: 0 });
    expect(parameters.map(isMuonKernel)).toEqual([true, true, true, false, false]);
    const own = [...states]
      .filter(([name]) => name.startsWith('optimizer.'))
      .map(([name, { length }]) => [name, length]);
    expect(Object.fromEntries(own)).toEqual({
      'optimizer.muon.16x24': 2 * 16 * 24,
      'optimizer.muon.32x16': 32 * 16,
      'optimizer.first': 18 * 25 + 5,
      'optimizer.second': 18 * 25 + 5,
      'optimizer.beta1Power': 1,
      'optimizer.beta2Power': 1,
    });
  });

  // Every 97th weight after three steps of PyTorch 2.15, with bfloat16 of its Newton–Schulz iteration replaced by float32:
  // torch.optim.Muon(kernels, lr=0.1, weight_decay=0.3, momentum=0.9, adjust_lr_fn='match_rms_adamw').
  it.each([
    ['reference', createReferenceEngine()],
    ['the preferred engine', preferred],
  ])('gives the kernels of PyTorch on %s', async (_, engine) => {
    const { weights } = await train({ engine });
    const expected = [
      [-0.479821, 0.286498, 0.003643, -0.240455],
      [-0.186778, -0.508725, 0.266772, 0.008116],
      [0.096192, -0.151825, -0.514259, 0.29225, 0.004696, -0.289714],
    ];
    expected.forEach((values, i) => {
      const actual = weights[i].filter((__, k) => k % 97 === 0);
      expect(actual).toHaveLength(values.length);
      actual.forEach((value, k) => {
        expect(value).toBeCloseTo(values[k], 4);
      });
    });
  });

  it('leaves the other parameters to AdamW', async () => {
    const [muon, adamW] = [await train(), await train({ kind: 'adamw' })];
    expect(muon.weights.slice(3)).toEqual(adamW.weights.slice(3));
    expect(muon.weights[0]).not.toEqual(adamW.weights[0]);
  });

  it('multiplies the learning rate of a kernel by its factor', async () => {
    const [full, slow] = [await train({ steps: 1 }), await train({ steps: 1, factor: 0.1 })];
    const start = weightOf(1, full.weights[1].length);
    slow.weights[1].forEach((value, k) => {
      expect(value - start[k]).toBeCloseTo(0.1 * (full.weights[1][k] - start[k]), 6);
    });
    expect(slow.weights[0]).toEqual(full.weights[0]);
  });
});
