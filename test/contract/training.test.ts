import { InferenceSession, Tensor } from 'onnxruntime-node';
import { describe, expect, it } from 'vitest';
import { createOnnxEngine } from '../../src/engine/onnx/onnx-engine.ts';
import { createReferenceEngine } from '../../src/engine/reference/reference-engine.ts';
import type { Tensor as GraphTensor } from '../../src/graph/graph.ts';
import { defaultPreprocessing } from '../../src/image/preprocessing.ts';
import type { Model } from '../../src/models/model.ts';
import { convBn, convolution, squeezeExcite } from '../../src/nn/layers.ts';
import { Scope } from '../../src/nn/scope.ts';
import { averageState } from '../../src/optim/moving-average.ts';
import { Random } from '../../src/random/random.ts';
import { buildTrainingStep, type TrainingStepOptions } from '../../src/training/step/training-step.ts';
import { expectClose } from './compare.ts';
import { loadEngines } from './engines.ts';

const batchSize = 2;
const size = 16;
const classes = 3;
const steps = 3;
/** Three steps of rounding, of which each goes through a few layers and their gradients; a wrong step is off by far more. */
const tolerance = 1e-4;

const network: Model = {
  name: 'small',
  title: 'small',
  settings: {},
  classes,
  multiple: 2,
  trainingPreprocessing: defaultPreprocessing,
  build(image, { training, seed = 0, auxiliary = false }) {
    const scope = new Scope(image.graph, { training, seed });
    const stem = convBn(scope.at('stem'), image, { filters: 6, kernel: 3, stride: 2 });
    const depthwise = convBn(scope.at('depthwise'), stem, { filters: 6, kernel: 3, groups: 6 });
    const gated = squeezeExcite(scope.at('gate'), depthwise, 2);
    const head = (name: string, x: GraphTensor) =>
      convolution(scope.at(name), x, { filters: classes, kernel: 1, bias: true });
    return { logits: head('head', gated), ...(auxiliary && { auxiliary: [head('auxiliary', depthwise)] }) };
  },
};

type Loss = TrainingStepOptions['loss'];

const losses: readonly [string, Loss][] = [
  ['cross-entropy and Dice', { crossEntropy: 1, dice: 1 }],
  ['Lovász and an auxiliary head besides', { crossEntropy: 1, dice: 1, lovasz: 0.5, auxiliary: 0.3 }],
];

function buildStep(loss: Loss) {
  return buildTrainingStep({
    model: network,
    batchSize,
    size,
    labelSize: size,
    seed: 1,
    average: true,
    clipNorm: 1,
    loss,
    // A large epsilon: with a small one the sign of a gradient that is all but zero decides on a whole step of a weight.
    optimizer: { kind: 'adamw', beta1: 0.9, beta2: 0.999, epsilon: 1e-2, weightDecay: 0.01 },
  }).entries.step!;
}

function batch(step: number) {
  const random = new Random(5, 'batch', step);
  return {
    image: Float32Array.from({ length: batchSize * 3 * size * size }, () => random.normal()),
    labels: Int32Array.from({ length: batchSize * size * size }, () => random.integer(classes)),
    learningRate: Float32Array.of(0.05),
    averageDecay: Float32Array.of(0.5),
  };
}

/** Gradient norms of the steps and the states after them, in double precision. */
async function expectedOf(loss: Loss) {
  const reference = await createReferenceEngine({ precision: 'float64' }).compile(buildStep(loss));
  const norms: number[] = [];
  for (let step = 0; step < steps; step++) norms.push((await reference.run(batch(step))).gradientNorm[0]);
  return { norms, states: await reference.readStates() };
}

const expected = new Map<string, Awaited<ReturnType<typeof expectedOf>>>();
for (const [name, loss] of losses) expected.set(name, await expectedOf(loss));

describe.each(await loadEngines())('training on the engine $name on $device', (engine) => {
  it.each(losses)('comes to the states and gradients of double precision: %s', async (name, loss) => {
    const { norms, states: expectedStates } = expected.get(name)!;
    const program = await engine.compile(buildStep(loss));
    const before = await program.readStates();
    for (let step = 0; step < steps; step++) {
      const { gradientNorm } = await program.run(batch(step));
      expectClose(gradientNorm, [norms[step]], tolerance, `the gradient norm of step ${step}`);
    }
    const states = await program.readStates();
    expect([...states.keys()]).toEqual([...expectedStates.keys()]);
    for (const [state, value] of expectedStates) expectClose(states.get(state), value, tolerance, state);
    // The weights have moved by far more than the tolerance.
    const moved = states.get(averageState)!.map((value, i) => Math.abs(value - before.get(averageState)![i]));
    expect(Math.max(...moved)).toBeGreaterThan(0.02);
    await program.dispose();
  });

  it.runIf(engine.device === 'webgpu')('keeps the states on the device between runs', async () => {
    const locations: string[][] = [];
    const recording = {
      async create(...args: Parameters<typeof InferenceSession.create>) {
        const session = await InferenceSession.create(...args);
        const run = session.run.bind(session) as InferenceSession['run'];
        session.run = (feeds: InferenceSession.FeedsType, ...rest: []) => {
          const states = Object.keys(feeds).filter((name) => name.startsWith('state/'));
          if (states.length > 0) locations.push([...new Set(states.map((name) => feeds[name].location))]);
          return run(feeds, ...rest);
        };
        return session;
      },
    } as unknown as typeof InferenceSession;
    const recorded = createOnnxEngine({ runtime: { InferenceSession: recording, Tensor }, device: 'webgpu' });
    const program = await recorded.compile(buildStep(losses[0][1]));
    for (let step = 0; step < 2; step++) await program.run(batch(step));
    await program.readStates();
    await program.run(batch(2));
    expect(locations).toEqual([['cpu'], ['gpu-buffer'], ['gpu-buffer']]);
    await program.dispose();
  });
});
