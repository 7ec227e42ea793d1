import { InferenceSession, Tensor } from 'onnxruntime-node';
import { describe, expect, it } from 'vitest';
import type { Engine, Values } from '../../src/engine/engine.ts';
import { freezeForInference } from '../../src/engine/freeze-for-inference.ts';
import { createNodeNativeEngine, findNative } from '../../src/engine/native/node.ts';
import { createNodeOnnxEngine } from '../../src/engine/onnx/node.ts';
import { onnxModel } from '../../src/export/onnx/onnx.ts';
import { gradients } from '../../src/graph/autodiff.ts';
import { countParameters, gigaMultiplyAccumulates } from '../../src/graph/cost.ts';
import { Graph, sizeOf, stateAttributes, trainableStates } from '../../src/graph/graph.ts';
import { mul } from '../../src/graph/ops/elementwise.ts';
import { reduceSum } from '../../src/graph/ops/reduction.ts';
import { photoToInput } from '../../src/image/preprocessing.ts';
import type { NetworkName } from '../../src/models/list-networks.ts';
import { inferenceGraph } from '../../src/models/model.ts';
import { createModel, getArchitecture, type ModelOptions } from '../../src/models/registry.ts';
import { decodeWeights, encodeWeights, type Weights } from '../../src/models/weights-file.ts';
import { weightsGraph } from '../../src/models/weights-graph.ts';
import { Random } from '../../src/random/random.ts';
import { buildTrainingStep } from '../../src/training/step/training-step.ts';
import { drawOnce } from '../initial-states.ts';
import { expectClose } from './compare.ts';
import { loadEngines } from './engines.ts';
import { allNetworks, eachPart, titleOf, trainedNetworks } from './networks.ts';

/** Side of the pictures: the deepest features are 2×2 pixels. Batch normalisation over fewer makes losses jump. */
function sideOf({ name }: NetworkName): number {
  return 2 * Math.max(32, getArchitecture(name).multiple);
}

function modelOf({ name, ...settings }: NetworkName, options: Partial<ModelOptions> = {}) {
  return createModel(name, { ...settings, classes: 5, ...options });
}

interface StepSize {
  readonly batchSize?: number;
  readonly side?: number;
}

/** The initial weights of the network whose tests run, for all of its steps. */
let drawn: { readonly network?: NetworkName; readonly states: Map<string, Float32Array> } = { states: new Map() };

function stepOf(network: NetworkName, { batchSize = 2, side = sideOf(network) }: StepSize = {}): Graph {
  const step = buildTrainingStep({
    model: modelOf(network),
    batchSize,
    size: side,
    labelSize: side / 2,
    seed: 1,
    average: false,
    clipNorm: 1,
    loss: { crossEntropy: 1, dice: 1 },
    optimizer: { kind: 'sgd', momentum: 0.9, nesterov: false, weightDecay: 0 },
  }).entries.step!;
  if (drawn.network !== network) drawn = { network, states: new Map() };
  drawOnce(step, drawn.states);
  return step;
}

/** Pictures whose classes can be read from their colours. Nothing is dropped, so that a step depends on the batch alone. */
function batchOf(step: Graph): Values {
  const random = new Random(5, 'batch');
  const [batchSize, , side] = step.inputs.get('image')!.shape as [number, number, number, number];
  const half = side / 2;
  const labels = Int32Array.from({ length: batchSize * half ** 2 }, () => random.integer(5));
  const image = new Float32Array(batchSize * 3 * side * side);
  for (let i = 0; i < image.length; i++) {
    const [n, y, x] = [Math.floor(i / (3 * side * side)), Math.floor(i / side) % side, i % side];
    image[i] = labels[n * half ** 2 + Math.floor(y / 2) * half + Math.floor(x / 2)] / 2 - 1 + 0.1 * random.normal();
  }
  const kept = [...step.inputs]
    .filter(([name]) => name.startsWith('random.'))
    .map(([name, { shape }]) => [name, new Float32Array(sizeOf(shape)).fill(1)] as const);
  return { image, labels, learningRate: Float32Array.of(0.002), ...Object.fromEntries(kept) };
}

describe.each([...allNetworks, ...eachPart].map((network) => ({ network, title: titleOf(network) })))(
  '$title',
  ({ network }) => {
    it('builds for sides that are no powers of two, and for any number of classes', () => {
      const { multiple } = modelOf(network);
      for (const classes of [2, 19]) {
        const [height, width] = [3 * multiple, 7 * multiple];
        const graph = inferenceGraph(modelOf(network, { classes }), { batch: 1, height, width });
        const [n, c, h, w] = graph.outputs.get('logits')!.shape as [number, number, number, number];
        expect([n, c]).toEqual([1, classes]);
        expect(height / h).toBe(width / w);
      }
    });

    it('has the same states in training and in inference, and a gradient for each parameter', () => {
      const model = modelOf(network);
      const graph = new Graph();
      const { logits } = model.build(graph.input('image', [2, 3, 64, 64]), { training: true });
      const inference = inferenceGraph(model, { batch: 1, height: 64, width: 64 });
      expect([...graph.states.keys()]).toEqual([...inference.states.keys()]);
      const parameters = trainableStates(graph);
      const all = gradients(reduceSum(mul(logits, logits)), parameters);
      expect(all.map(({ shape }) => shape)).toEqual(parameters.map(({ shape }) => shape));
      expect(new Set(all.map(({ node }) => node.op))).not.toContain('constant');
    });
  },
);

// Engines are compared value by value in models.test.ts and op by op, not by a step of a deep network with random weights: rounding
// moves a few pixels across the kinks of ReLU and max pooling, and batch normalisation over 2×2 pixels amplifies that. A step of
// pspnet-resnet50-conv3 on 64² differs from the reference engine in float64 by this share of the largest momentum: 0.17 % on the
// reference engine in float32, 0.09 % on native, 1.0 % on onnx. Inputs changed by 1e-7 of their values change it by 0.17 % in
// float64, by 0.09 % to 0.7 % on native and by 0.01 % to 1.0 % on onnx, so these differences are rounding.
const engines = await loadEngines();
const native = findNative().available;
/** The engine for what is compared with itself. */
const engine = native ? createNodeNativeEngine({ threads: 2 }) : await createNodeOnnxEngine({ threads: 2 });

const runsEverything = process.env.FACEPARSE_ALL_NETWORKS !== undefined;
/** Multiply-accumulates, in 10⁹, up to which a network is trained on the engines of one thread. */
const slowLimit = 0.028;
/** Parameters up to which a network is trained on all other engines: drawing the initial ones takes seconds. */
const largeLimit = 15e6;

function isTooSlow(network: NetworkName, { name, device }: Engine): boolean {
  if (runsEverything) return false;
  const side = sideOf(network);
  const cost = gigaMultiplyAccumulates(inferenceGraph(modelOf(network), { batch: 1, height: side, width: side }));
  return cost > slowLimit && (name === 'reference' || device === 'wasm');
}

/** The large ones are resumed, stored and exported below. */
const trainedOnAll = trainedNetworks.filter(
  (network) =>
    runsEverything ||
    countParameters(inferenceGraph(modelOf(network), { batch: 1, height: 64, width: 64 })) < largeLimit,
);

describe.each(trainedOnAll.map((network) => ({ network, title: titleOf(network) })))(
  'training of $title',
  ({ network }) => {
    it.each(engines.filter((each) => !isTooSlow(network, each)))(
      'lowers the loss in three steps on $name, $device',
      async (each) => {
        const step = stepOf(network);
        const program = await each.compile(step);
        const losses: number[] = [];
        for (let index = 0; index < 3; index++) losses.push((await program.run(batchOf(step), ['loss'])).loss[0]);
        expect(losses[2]).toBeLessThan(losses[0]);
        await program.dispose();
      },
    );

    it('works on one picture, whose deepest features are one pixel', async () => {
      const step = stepOf(network, { batchSize: 1, side: sideOf(network) / 2 });
      const program = await engine.compile(step);
      for (let index = 0; index < 2; index++) {
        const { loss, gradientNorm } = await program.run(batchOf(step));
        expect(Number.isFinite(loss[0]) && Number.isFinite(gradientNorm[0])).toBe(true);
      }
      await program.dispose();
    });
  },
);

/** ResNet-34 has the blocks of ResNet-18, and more of them. */
const resumed = trainedNetworks.filter(({ encoder }) => runsEverything || encoder !== 'resnet34');

describe.each(resumed.map((network) => ({ network, title: titleOf(network) })))('$title', ({ network }) => {
  it('resumed from its states goes on as if it had not stopped; its weights are read as they were written', async () => {
    const step = stepOf(network);
    const program = await engine.compile(step);
    const first = (await program.run(batchOf(step), ['loss'])).loss[0];
    const states = await program.readStates();
    const second = (await program.run(batchOf(step), ['loss'])).loss[0];
    expect(second).not.toBe(first);
    const after = await program.readStates();
    await program.writeStates(new Map([...states].map(([name, values]) => [name, new Float32Array(values.length)])));
    await program.writeStates(states);
    expect((await program.run(batchOf(step), ['loss'])).loss[0]).toBe(second);
    for (const [name, values] of await program.readStates()) {
      expect(Buffer.from(values.buffer).equals(Buffer.from(after.get(name)!.buffer)), name).toBe(true);
    }
    await program.dispose();

    const model = modelOf(network, { classes: 19 });
    const size = sideOf(network);
    const inference = inferenceGraph(model, { batch: 1, height: size, width: size });
    const preprocessing = { ...model.trainingPreprocessing, size };
    const values = [...inference.states].map(
      ([name, state]) =>
        [
          name,
          after.get(name)?.length === sizeOf(state.shape) ? after.get(name)! : stateAttributes(state).initial(),
        ] as const,
    );
    const { name, settings } = model;
    const written: Weights = {
      model: name,
      ...(settings.encoder && { settings }),
      labels: 'celebamask-19',
      preprocessing,
      states: new Map(values),
    };
    const weights = decodeWeights(encodeWeights(written, inference));
    expect({ ...weights, states: [], notes: {} }).toEqual({ ...written, states: [], notes: {} });
    for (const [key, data] of written.states) {
      expect(Buffer.compare(Buffer.from(weights.states.get(key)!.buffer), Buffer.from(data.buffer)), key).toBe(0);
    }

    const random = new Random(6);
    const photo = {
      width: size,
      height: size,
      data: Uint8Array.from({ length: 3 * size * size }, () => random.integer(256)),
    };
    // As FaceParser does it: the weights are constants, and no initial ones are drawn.
    const rebuilt = await engine.compile(freezeForInference(weightsGraph(weights, 'the weights'), weights.states));
    const { logits } = await rebuilt.run({ image: photoToInput(photo, preprocessing) });
    const session = await InferenceSession.create(onnxModel(weights, { output: 'logits' }), { intraOpNumThreads: 1 });
    const outputs = await session.run({ photo: new Tensor('uint8', photo.data, [1, size, size, 3]) });
    expectClose(outputs.logits.data as Float32Array, logits, 1e-3, 'the logits of the ONNX export');
    await session.release();
    await rebuilt.dispose();
  });
});
