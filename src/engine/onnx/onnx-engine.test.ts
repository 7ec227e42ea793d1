import * as nodeRuntime from 'onnxruntime-node';
import * as webRuntime from 'onnxruntime-web';
import { describe, expect, it } from 'vitest';
import { Graph } from '../../graph/graph.ts';
import { add, mul } from '../../graph/ops/elementwise.ts';
import { createOnnxEngine } from './onnx-engine.ts';

webRuntime.env.wasm.numThreads = 1;

/** y = x·a, then a ← a + x. */
function buildGraph(): Graph {
  const graph = new Graph();
  const x = graph.input('x', [2]);
  const a = graph.state('a', [2], () => Float32Array.of(1, 10));
  graph.output('y', mul(x, a));
  graph.assign(a, add(a, x));
  return graph;
}

const x = Float32Array.of(2, 3);

it('requires a runtime', () => {
  for (const options of [{}, { runtime: {} }]) {
    expect(() => createOnnxEngine(options as never)).toThrow('createOnnxEngine requires ONNX Runtime');
  }
});

describe.each([
  ['onnxruntime-web, device not given', webRuntime, undefined],
  ['onnxruntime-web, cpu', webRuntime, 'cpu'],
  ['onnxruntime-web, wasm', webRuntime, 'wasm'],
  ['onnxruntime-node, cpu', nodeRuntime, 'cpu'],
] as const)('over %s', (_, runtime, device) => {
  const engine = createOnnxEngine({ runtime, ...(device && { device }) });

  it('outputs and states are those that the run computed', async () => {
    const program = await engine.compile(buildGraph());
    expect(await program.run({ x })).toEqual({ y: Float32Array.of(2, 30) });
    expect(await program.run({ x })).toEqual({ y: Float32Array.of(6, 39) });
    expect((await program.readStates()).get('a')).toEqual(Float32Array.of(5, 16));
    await program.dispose();
  });

  it('outputs of runs that overlap are arrays of their own', async () => {
    const program = await engine.compile(buildGraph());
    const results = await Promise.all([program.run({ x }), program.run({ x }), program.run({ x })]);
    expect(results.map(({ y }) => [...y])).toEqual([
      [2, 30],
      [6, 39],
      [10, 48],
    ]);
    await program.dispose();
  });
});
