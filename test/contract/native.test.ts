import { spawnSync } from 'node:child_process';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import type { Values } from '../../src/engine/engine.ts';
import { createNodeNativeEngine, findNative } from '../../src/engine/native/node.ts';
import { createNodeOnnxEngine } from '../../src/engine/onnx/node.ts';
import type { Graph } from '../../src/graph/graph.ts';
import { conv2d } from '../../src/graph/ops/convolution.ts';
import { defaultPreprocessing } from '../../src/image/preprocessing.ts';
import { createModel, getArchitecture } from '../../src/models/registry.ts';
import type { Addon, NativePlan } from '../../src/native-addon/addon.ts';
import { noiseInputs } from '../../src/training/step/timed-program.ts';
import { buildTrainingStep, type TrainingStepOptions } from '../../src/training/step/training-step.ts';
import { expectClose, expectSameBytes } from './compare.ts';
import { runInChild } from './run-in-child.ts';

const native = findNative();
const skipped = native.available ? '' : ` (skipped: ${native.reason})`;
const addonFile = fileURLToPath(new URL('../../native/build/Release/faceparse_native.node', import.meta.url));

function step(options: Partial<TrainingStepOptions> & { name?: string } = {}): Graph {
  const { name = 'mobile-unet', ...rest } = options;
  return buildTrainingStep({
    model: createModel(name, { classes: 5 }),
    batchSize: 2,
    size: 32,
    labelSize: 32,
    seed: 1,
    average: true,
    clipNorm: 1,
    loss: { crossEntropy: 1, dice: 1 },
    optimizer: { kind: 'adamw', beta1: 0.9, beta2: 0.999, epsilon: 1e-2, weightDecay: 0.01 },
    ...rest,
  }).entries.step!;
}

function inputs(graph: Graph, seed = 1): Values {
  return { ...noiseInputs(graph, 5, seed), learningRate: Float32Array.of(0.01), averageDecay: Float32Array.of(0.9) };
}

/** Steps of one convolution and an optimiser: small enough for thousands. */
function tinyStep(): Graph {
  return buildTrainingStep({
    model: {
      name: 'tiny',
      title: 'tiny',
      settings: {},
      classes: 3,
      multiple: 1,
      trainingPreprocessing: defaultPreprocessing,
      build: (image) => ({
        logits: conv2d(
          image,
          image.graph.state('w', [3, 3, 3, 3], () => new Float32Array(81).fill(0.1), { trainable: true }),
          {
            padding: 1,
          },
        ),
      }),
    },
    batchSize: 1,
    size: 8,
    labelSize: 8,
    seed: 1,
    average: true,
    clipNorm: 1,
    loss: { crossEntropy: 1, dice: 1 },
    optimizer: { kind: 'adamw', beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weightDecay: 0.01 },
  }).entries.step!;
}

const mebibyte = 2 ** 20;

describe.skipIf(!native.available)(`the native engine${skipped}`, () => {
  const engine = native.available ? createNodeNativeEngine({ threads: 2 }) : undefined!;

  it.each([
    { name: 'mobile-unet', batchSize: 1, size: 128 },
    { name: 'mobile-unet', batchSize: 3, size: 96, labelSize: 50 },
    { name: 'compact', batchSize: 2, size: 64, labelSize: 32 },
  ])('trains $name with $batchSize images of $size² as onnx does', async (options) => {
    expect(options.size % getArchitecture(options.name).multiple).toBe(0);
    const onnx = await createNodeOnnxEngine({ threads: 2 });
    const graph = step(options);
    const [mine, other] = [await engine.compile(graph), await onnx.compile(graph)];
    const values = inputs(graph);
    const [actual, expected] = [await mine.run(values), await other.run(values)];
    expectClose(actual.loss, expected.loss, 1e-4, 'the loss');
    // Some fifty layers of single precision, normalised over few pixels at the bottom, lie behind the gradients.
    expectClose(actual.gradientNorm, expected.gradientNorm, 1e-2, 'the norm of the gradients');
    const states = await mine.readStates();
    for (const [name, value] of await other.readStates()) {
      if (name.endsWith('running_mean') || name.endsWith('running_var'))
        expectClose(states.get(name), value, 1e-3, name);
    }
    await Promise.all([mine.dispose(), other.dispose()]);
  });

  it('goes on from states that were read as if it had never stopped', async () => {
    const graph = step();
    const whole = await engine.compile(graph);
    for (let run = 0; run < 6; run++) await whole.run(inputs(graph, run));
    const first = await engine.compile(graph);
    for (let run = 0; run < 3; run++) await first.run(inputs(graph, run));
    const second = await engine.compile(graph);
    await second.writeStates(await first.readStates());
    for (let run = 3; run < 6; run++) await second.run(inputs(graph, run));
    expectSameBytes(await second.readStates(), await whole.readStates());
    for (const program of [whole, first, second]) await program.dispose();
  });

  it('holds its memory over 10,000 steps', { timeout: 120_000 }, async () => {
    const graph = tinyStep();
    const program = await engine.compile(graph);
    const values = inputs(graph);
    const run = async (count: number) => {
      for (let index = 0; index < count; index++) await program.run(values);
      return process.memoryUsage.rss();
    };
    await run(2000);
    const before = await run(1000);
    // What JavaScript's collector leaves lying around comes and goes; a leak of a hundred bytes a step would show.
    expect((await run(10_000)) - before).toBeLessThan(8 * mebibyte);
    await program.dispose();
  });

  it('gives the memory of programs back', { timeout: 120_000 }, async () => {
    const graph = step();
    let bytes = 0;
    const cycle = async (count: number) => {
      for (let index = 0; index < count; index++) {
        const program = await engine.compile(graph);
        ({ bytes } = program);
        await program.run(inputs(graph));
        await program.dispose();
      }
      return process.memoryUsage.rss();
    };
    const before = await cycle(5);
    const grown = (await cycle(20)) - before;
    // oneDNN keeps code that it has generated, and the allocators what they may use again: up to 65 MB have been seen.
    expect(bytes).toBeGreaterThan(30 * mebibyte);
    expect(grown).toBeLessThan(5 * bytes);
  });

  it('runs programs of one engine at the same time', async () => {
    const graph = step();
    const programs = await Promise.all([engine.compile(graph), engine.compile(graph), engine.compile(graph)]);
    const results = await Promise.all(programs.map((program) => program.run(inputs(graph))));
    expect(results[1]).toEqual(results[0]);
    expect(results[2]).toEqual(results[0]);
    await Promise.all(programs.map((program) => program.dispose()));
  });

  it('gives the same numbers in every run', async () => {
    const graph = step({ size: 64 });
    const states: Map<string, Float32Array>[] = [];
    for (let run = 0; run < 2; run++) {
      const program = await engine.compile(graph);
      for (let index = 0; index < 3; index++) await program.run(inputs(graph, index));
      states.push(await program.readStates());
      await program.dispose();
    }
    expectSameBytes(states[1], states[0]);
  });

  it('says how long every step takes', async () => {
    const graph = step();
    const program = await engine.compile(graph);
    await program.profile(true);
    await program.run(inputs(graph));
    const profile = await program.profile(false);
    expect(profile.every(({ seconds }) => seconds >= 0)).toBe(true);
    expect(profile.reduce((sum, { seconds }) => sum + seconds, 0)).toBeGreaterThan(0);
    const convolutions = profile.filter(({ kind }) => kind === 'convolution');
    expect(convolutions.length).toBeGreaterThan(60);
    expect(convolutions.every(({ flops }) => flops > 0)).toBe(true);
    expect(profile.some(({ label }) => label.includes('decoder.0.0.weight'))).toBe(true);
    await program.dispose();
  });

  it('lets the process end while it is idle, and while a worker is stopped in the middle of a run', () => {
    const script = `
      import { Worker, isMainThread, parentPort } from 'node:worker_threads';
      const { createNodeNativeEngine } = await import(${JSON.stringify(new URL('../../dist/engine/native/node.js', import.meta.url).href)});
      const { Graph } = await import(${JSON.stringify(new URL('../../dist/graph/graph.js', import.meta.url).href)});
      const { matMul } = await import(${JSON.stringify(new URL('../../dist/graph/ops/matmul.js', import.meta.url).href)});
      const graph = new Graph();
      const x = graph.input('x', [800, 800]);
      graph.output('y', matMul(matMul(x, x), x));
      const program = await createNodeNativeEngine({ threads: 1 }).compile(graph);
      const run = () => program.run({ x: new Float32Array(640000).fill(1e-3) });
      await run();
      if (isMainThread) {
        // A second engine, which never runs anything.
        createNodeNativeEngine({ threads: 2 });
        for (let time = 0; time < 3; time++) {
          const worker = new Worker(new URL(import.meta.url));
          await new Promise((resolve) => worker.once('message', resolve));
          console.log('stopped with', await worker.terminate());
        }
      } else {
        parentPort.postMessage('running');
        for (;;) await run();
      }
    `;
    const url = `data:text/javascript,${encodeURIComponent(script)}`;
    const result = spawnSync(process.execPath, ['--input-type=module', '-e', `await import(${JSON.stringify(url)})`], {
      encoding: 'utf8',
      timeout: 60_000,
    });
    expect(result.stderr).toBe('');
    expect(result.status).toBe(0);
    expect(result.stdout).toContain('stopped with 1');
  });
});

describe.skipIf(!native.available)(`the add-on, given plans that are wrong${skipped}`, () => {
  const addon = native.available ? (createRequire(import.meta.url)(addonFile) as Addon) : undefined!;
  const compile = (plan: Partial<NativePlan>) =>
    new addon.PlanBuilder(new addon.NativeEngine(1)).compile({ bytes: 1024, initial: [], entries: [[]], ...plan }, []);
  const one = (fields: Record<string, unknown>) => async () =>
    compile({ entries: [[{ label: 'the test', ...fields } as never]] });
  const map = [0, 1, 1, 4, 4, 1, 16];
  const reduce = { kind: 'reduce', extents: [4], reduced: [1], factor: 1, source: 0, target: 64, workspace: 128 };
  const sum = {
    kind: 'elementwise',
    extents: [],
    length: 4,
    operands: [0, 0, 0],
    instructions: [0, 0, 0, 0],
    immediates: [0],
    outputs: [1, 64],
  };

  it.each([
    ['an unknown kind', { kind: 'mystery' }, "the kind of step 'mystery' is unknown"],
    ['a missing field', { kind: 'clear', target: 0 }, "'bytes' is missing"],
    ['memory outside of the block', { kind: 'clear', target: 1020, bytes: 8 }, 'outside of the program'],
    ['a negative offset', { kind: 'clear', target: -4, bytes: 8 }, "'target'"],
    ['an offset that is no number', { kind: 'clear', target: 'x', bytes: 8 }, "'target'"],
    ['an enormous size', { kind: 'clear', target: 0, bytes: 2 ** 60 }, "'bytes'"],
    [
      'a map that does not fit',
      { kind: 'reorder', from: map, to: [0, 1, 1, 4000, 4000, 1, 16000000] },
      'outside of the program',
    ],
    ['a map with an unknown block', { kind: 'reorder', from: map, to: [0, 1, 1, 4, 4, 3, 48] }, 'no feature map'],
    [
      'a primitive that was never asked for',
      { kind: 'convolution', primitive: 7, source: map, destination: map, weights: 0 },
      'primitive',
    ],
    ['a sum with too many axes', { ...reduce, extents: new Array(9).fill(1), reduced: new Array(9).fill(1) }, 'axes'],
    ['a program that reads a value before it is there', { ...sum, instructions: [0, 0, 5, 0] }, 'instruction 0'],
    ['a program with an unknown op', { ...sum, instructions: [99, 0, 0, 0] }, 'instruction 0'],
    ['an output without a value', { ...sum, outputs: [9, 64] }, 'no value'],
    [
      'taps outside of the map',
      { kind: 'resize', x: map, y: [64, 1, 1, 1, 1, 1, 1], rows: [9, 0, 0], columns: [0, 0, 0] },
      'tap',
    ],
    ['copies that are cut off', { kind: 'copies', copies: [3, 0, 0, 1] }, 'copies'],
  ])('refuses %s', async (_, fields, message) => {
    await expect(one(fields)()).rejects.toThrow(message);
    await expect(one(fields)()).rejects.toThrow(/the test|mystery/);
  });

  it('refuses more memory than there is', async () => {
    await expect((async () => compile({ bytes: 1e12 }))()).resolves.toBeDefined();
    await expect((async () => compile({ bytes: 1e13 }))()).rejects.toThrow('how many bytes');
  });

  it('refuses arrays that do not fit the program', async () => {
    const program = await compile({});
    expect(() => program.write(1020, new Float32Array(2))).toThrow('outside of the program');
    expect(() => program.read(-4, new Float32Array(2))).toThrow('outside of the program');
    expect(() => program.run(0, [2000, new Float32Array(1)], [])).toThrow('outside of the program');
    for (const entry of [1, -1, 0.5, Number.NaN]) expect(() => program.run(entry, [], [])).toThrow('has 1 entries');
    program.dispose();
    expect(() => program.write(0, new Float32Array(2))).toThrow('disposed');
  });
});

/** Longer than any of it takes on two busy cores. */
const timeout = 300_000;

describe.skipIf(!native.available)(`the native engine on other processors${skipped}`, () => {
  it.each([
    { isa: 'avx2', environment: { DNNL_MAX_CPU_ISA: 'AVX2', FACEPARSE_NATIVE_ISA: 'avx2' } },
    { isa: 'baseline', environment: { DNNL_MAX_CPU_ISA: 'SSE41', FACEPARSE_NATIVE_ISA: 'baseline' } },
  ])('computes every op with $isa', { timeout }, async ({ environment }) => {
    expect((await runInChild('ops.test.ts', 'native', environment)).length).toBeGreaterThan(400);
  });
});
