// Our side of the comparison: the registry's `unet` on the onnx engine, timed as torch_unet.py times PyTorch.
// Prints one JSON line. Options: --batch 8 --size 256 --steps 15 --threads 2 --optimizer sgd|adamw.
import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { createNodeOnnxEngine } from '../dist/engine/onnx/node.js';
import { evaluateNode } from '../dist/engine/reference/reference-engine.js';
import { countParameters } from '../dist/graph/cost.js';
import { Graph, sizeOf } from '../dist/graph/graph.js';
import { resize } from '../dist/graph/ops/resize.js';
import { foldBatchNorm } from '../dist/graph/passes/batch-norm-folding.js';
import { foldConstants } from '../dist/graph/passes/constant-folding.js';
import { removeDeadCode } from '../dist/graph/passes/dead-code.js';
import { freezeStates } from '../dist/graph/passes/freeze.js';
import { createModel } from '../dist/models/registry.js';
import { Random } from '../dist/random/random.js';
import { buildTrainingStep } from '../dist/training/training-step.js';

const classes = 19;
const inferenceSize = 512;

const { values } = parseArgs({
  options: {
    batch: { type: 'string', default: '8' },
    size: { type: 'string', default: '256' },
    steps: { type: 'string', default: '15' },
    threads: { type: 'string', default: '2' },
    optimizer: { type: 'string', default: 'sgd' },
  },
});
const [batch, size, steps, threads] = ['batch', 'size', 'steps', 'threads'].map((name) => Number(values[name]));

/** What torch_unet.py uses: SGD with momentum, or AdamW as PyTorch has it. */
const optimizers = {
  sgd: { rate: 0.05, options: { kind: 'sgd', momentum: 0.9, nesterov: false, weightDecay: 0 } },
  adamw: {
    rate: 1e-3,
    options: { kind: 'adamw', beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weightDecay: 0.01 },
  },
};
const optimizer = optimizers[values.optimizer];
if (!optimizer) throw new Error(`--optimizer is ${values.optimizer}; it can be ${Object.keys(optimizers).join(', ')}`);

async function medianMs(run, count, warmup) {
  const times = [];
  for (let i = 0; i < count + warmup; i++) {
    const start = performance.now();
    await run();
    times.push(performance.now() - start);
  }
  const sorted = times.slice(warmup).sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  const median = sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
  return Math.round(median * 10) / 10;
}

const random = new Random(0, 'bench');
const pixels = (shape) => Float32Array.from({ length: sizeOf(shape) }, () => random.uniform());
const engine = await createNodeOnnxEngine({ threads });
const model = createModel('unet', { classes });

/** A whole step, logits enlarged to the size of the picture and labels at that size: the peer's loss. */
async function timeTraining() {
  const { graph, networkStates } = buildTrainingStep({
    model,
    batchSize: batch,
    size,
    labelSize: size,
    loss: { crossEntropy: 1, dice: 0 },
    optimizer: optimizer.options,
    clipNorm: 0,
    average: false,
    seed: 0,
  });
  const program = await engine.compile(graph);
  const inputs = {
    image: pixels([batch, 3, size, size]),
    labels: Int32Array.from({ length: batch * size * size }, () => random.integer(classes)),
    learningRate: Float32Array.of(optimizer.rate),
  };
  try {
    const milliseconds = await medianMs(() => program.run(inputs), steps, 3);
    const states = await program.readStates(networkStates.map((state) => state.node.attributes.name));
    return { milliseconds, states, parameters: countParameters(graph) };
  } finally {
    await program.dispose();
  }
}

/** One picture of 512², made ready as FaceParser does, and enlarged to the size of the picture as the peer does. */
async function timeInference(states) {
  const graph = new Graph();
  const image = graph.input('image', [1, 3, inferenceSize, inferenceSize]);
  const { logits } = model.build(image, { training: false });
  graph.output('logits', resize(logits, inferenceSize, inferenceSize));
  const ready = removeDeadCode(foldConstants(foldBatchNorm(freezeStates(graph, states)), evaluateNode));
  const program = await engine.compile(ready);
  const inputs = { image: pixels(image.shape) };
  try {
    return await medianMs(() => program.run(inputs), 20, 4);
  } finally {
    await program.dispose();
  }
}

const training = await timeTraining();
const inference = await timeInference(training.states);
const { version } = JSON.parse(readFileSync(new URL('../node_modules/onnxruntime-node/package.json', import.meta.url)));
console.log(
  JSON.stringify({
    engine: `onnxruntime-node ${version}`,
    parameters: training.parameters,
    batch,
    size,
    threads,
    optimizer: values.optimizer,
    train_step_ms: training.milliseconds,
    infer_512_ms: inference,
    peak_mib: Math.floor(process.resourceUsage().maxRSS / 1024),
  }),
);
