import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { decodeSafetensors } from '../../src/formats/safetensors.ts';
import { gradients } from '../../src/graph/autodiff.ts';
import { Graph, type Tensor } from '../../src/graph/graph.ts';
import { type ActivationKind, activation } from '../../src/graph/ops/activation.ts';
import { conv2d } from '../../src/graph/ops/convolution.ts';
import { mul } from '../../src/graph/ops/elementwise.ts';
import { adaptiveAvgPool, avgPool, maxPool, type PoolingOptions } from '../../src/graph/ops/pooling.ts';
import { reduceSum } from '../../src/graph/ops/reduction.ts';
import { type ResizeMode, resize } from '../../src/graph/ops/resize.ts';
import { logSoftmax, softmax } from '../../src/graph/ops/softmax.ts';
import { combinedLoss } from '../../src/losses/combined.ts';
import { crossEntropyLoss } from '../../src/losses/cross-entropy.ts';
import { diceLoss } from '../../src/losses/dice.ts';
import { focalLoss } from '../../src/losses/focal.ts';
import { jaccardLoss } from '../../src/losses/jaccard.ts';
import { lovaszSoftmaxLoss } from '../../src/losses/lovasz.ts';
import { tverskyLoss } from '../../src/losses/tversky.ts';
import { batchNorm } from '../../src/nn/layers.ts';
import { Scope } from '../../src/nn/scope.ts';
import { expectClose } from '../contract/compare.ts';
import { loadEngines } from '../contract/engines.ts';

/** A case of ops.safetensors or losses.safetensors, as make.py describes it; its arrays are stored as `<name>/<array>`. */
interface GoldenCase {
  readonly name: string;
  readonly op: string;
  readonly attributes: Readonly<Record<string, unknown>>;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly gradients: readonly string[];
}

type Builder = (tensors: Readonly<Record<string, Tensor>>, attributes: GoldenCase['attributes']) => Tensor;

interface ConvolutionRow {
  readonly stride: number;
  readonly padding: number;
  readonly dilation: number;
  readonly groups: number;
}

const builders: Record<string, Builder> = {
  conv2d: ({ x, weight, bias }, attributes) =>
    conv2d(x, weight, { ...(attributes as unknown as ConvolutionRow), ...(bias && { bias }) }),
  maxPool: ({ x }, attributes) => maxPool(x, attributes as unknown as PoolingOptions),
  avgPool: ({ x }, attributes) => avgPool(x, attributes as unknown as PoolingOptions),
  adaptiveAvgPool: ({ x }, { size }) => adaptiveAvgPool(x, ...(size as [number, number])),
  resize: ({ x }, { size, mode }) => resize(x, ...(size as [number, number]), mode as ResizeMode),
  activation: ({ x }, { kind }) => activation(x, kind as ActivationKind),
  softmax: ({ x }, { axis }) => softmax(x, axis as number),
  logSoftmax: ({ x }, { axis }) => logSoftmax(x, axis as number),
  crossEntropy: ({ logits, labels }, attributes) => crossEntropyLoss(logits, labels, attributes),
  lovaszSoftmax: ({ logits, labels }) => lovaszSoftmaxLoss(logits, labels),
  dice: ({ logits, labels }, attributes) => diceLoss(logits, labels, attributes),
  jaccard: ({ logits, labels }, attributes) => jaccardLoss(logits, labels, attributes),
  tversky: ({ logits, labels }, attributes) => tverskyLoss(logits, labels, attributes),
  focal: ({ logits, labels }, attributes) => focalLoss(logits, labels, attributes),
  combined: ({ logits, labels }, attributes) => combinedLoss(logits, labels, attributes).total,
  // The layer, with its running statistics; its parameters are states of the graph.
  batchNorm: ({ x }, { training, momentum, epsilon }) =>
    batchNorm(new Scope(x.graph, { training: training as boolean, seed: 0 }), x, {
      momentum: momentum as number,
      epsilon: epsilon as number,
    }),
};

const files = ['ops.safetensors', 'losses.safetensors'].map((name) =>
  decodeSafetensors(readFileSync(new URL(name, import.meta.url))),
);
const cases = files.flatMap(({ metadata }) => JSON.parse(metadata.cases) as GoldenCase[]);
const stored = new Map(files.flatMap(({ tensors }) => [...tensors]));
const engines = await loadEngines();

function valuesOf({ name }: GoldenCase, array: string): { shape: readonly number[]; data: Float32Array | Int32Array } {
  const { shape, data } = stored.get(`${name}/${array}`)!;
  if (data instanceof Float32Array || data instanceof Int32Array) return { shape, data };
  throw new Error(`${name}/${array} is neither F32 nor I32`);
}

describe.each(engines)('the engine $name computes what PyTorch does', (engine) => {
  for (const goldenCase of cases) {
    it(goldenCase.name, async () => {
      const graph = new Graph();
      const isState = (input: string) => goldenCase.op === 'batchNorm' && input !== 'x';
      const feeds: Record<string, Float32Array | Int32Array> = {};
      const tensors: Record<string, Tensor> = {};
      for (const input of [...goldenCase.inputs.filter((name) => !isState(name)), 'cotangent']) {
        const { shape, data } = valuesOf(goldenCase, input);
        feeds[input] = data;
        tensors[input] = graph.input(input, shape, data instanceof Int32Array ? 'int32' : 'float32');
      }
      const y = builders[goldenCase.op](tensors, goldenCase.attributes);
      graph.output('y', y);
      const targets = goldenCase.gradients.map((name) => tensors[name] ?? graph.states.get(name)!);
      gradients(reduceSum(mul(y, tensors.cotangent)), targets).forEach((gradient, index) => {
        graph.output(`gradient.${goldenCase.gradients[index]}`, gradient);
      });

      const program = await engine.compile(graph);
      const states = goldenCase.inputs.filter(isState);
      await program.writeStates(new Map(states.map((name) => [name, valuesOf(goldenCase, name).data as Float32Array])));
      const outputs = await program.run(feeds);
      const next = await program.readStates(states);
      expect(y.shape).toEqual(valuesOf(goldenCase, 'y').shape);
      for (const name of [...goldenCase.outputs, ...goldenCase.gradients.map((input) => `gradient.${input}`)]) {
        const actual = name.startsWith('next.') ? next.get(name.slice('next.'.length)) : outputs[name];
        expectClose(actual, valuesOf(goldenCase, name).data, 1e-5, name);
      }
      await program.dispose();
    });
  }
});

it('has cases of every op that it can build, with names of their own', () => {
  expect([...new Set(cases.map(({ op }) => op))].sort()).toEqual(Object.keys(builders).sort());
  expect(new Set(cases.map(({ name }) => name)).size).toBe(cases.length);
});
