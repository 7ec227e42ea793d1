import { InferenceSession, Tensor } from 'onnxruntime-node';
import { describe, expect, it } from 'vitest';
import { Graph } from '../../../graph/graph.ts';
import { scale } from '../../../graph/ops/reduction.ts';
import { createOnnxEngine } from '../onnx-engine.ts';
import { BackgroundRuntime, sessionWorkerUrl } from './background-runtime.ts';

const url = sessionWorkerUrl()!;

/** Twice the input. */
function doubling(length: number): Graph {
  const graph = new Graph();
  graph.output('y', scale(graph.input('x', [length]), 2));
  return graph;
}

describe('BackgroundRuntime', () => {
  it('gives what onnxruntime-node gives in this thread, for programs side by side', async () => {
    const background = createOnnxEngine({ runtime: new BackgroundRuntime(url), threads: 1 });
    const direct = createOnnxEngine({ runtime: { InferenceSession, Tensor }, threads: 1 });
    const x = Float32Array.from({ length: 1000 }, (_, i) => i / 7);
    const [one, two, other] = await Promise.all([
      background.compile(doubling(1000)),
      background.compile(doubling(3)),
      direct.compile(doubling(1000)),
    ]);
    const results = await Promise.all([one.run({ x }), two.run({ x: Float32Array.of(1, 2, 3) }), one.run({ x })]);
    expect(results[0]).toEqual(await other.run({ x }));
    expect(results[2]).toEqual(results[0]);
    expect([...results[1].y]).toEqual([2, 4, 6]);
    // What was sent is still the caller's.
    expect(x).toHaveLength(1000);
    await Promise.all([one.dispose(), two.dispose(), other.dispose()]);
  });

  it('adds one listener to the process for any number of workers, and takes it away again', async () => {
    const before = process.listenerCount('exit');
    const engines = Array.from({ length: 12 }, () =>
      createOnnxEngine({ runtime: new BackgroundRuntime(url), threads: 1 }),
    );
    const programs = await Promise.all(engines.map((engine) => engine.compile(doubling(2))));
    expect(process.listenerCount('exit')).toBe(before + 1);
    await Promise.all(programs.map((program) => program.dispose()));
    expect(process.listenerCount('exit')).toBe(before);
  });

  it('starts again after its last session has ended', async () => {
    const engine = createOnnxEngine({ runtime: new BackgroundRuntime(url) });
    for (let round = 0; round < 2; round++) {
      const program = await engine.compile(doubling(2));
      expect([...(await program.run({ x: Float32Array.of(4, 5) })).y]).toEqual([8, 10]);
      await program.dispose();
    }
  });

  it('leaves the event loop free while a network runs', async () => {
    const engine = createOnnxEngine({ runtime: new BackgroundRuntime(url), threads: 1 });
    const program = await engine.compile(doubling(2 ** 24));
    let turns = 0;
    const timer = setInterval(() => turns++, 1);
    const x = new Float32Array(2 ** 24);
    turns = 0;
    await program.run({ x });
    clearInterval(timer);
    expect(turns).toBeGreaterThan(2);
    await program.dispose();
  });

  it('hands on what ONNX Runtime refuses, and a worker that cannot start', async () => {
    const runtime = new BackgroundRuntime(url);
    const options = { executionProviders: ['cpu'] };
    await expect(runtime.InferenceSession.create(Uint8Array.of(1, 2, 3), options)).rejects.toThrow(/model|protobuf/i);
    const broken = new BackgroundRuntime(new URL('./nothing.js', url));
    await expect(broken.InferenceSession.create(Uint8Array.of(1), options)).rejects.toThrow(
      /^the thread of ONNX Runtime failed: Cannot find module/,
    );
  });

  it('says so when its thread was lost, frees what is left, and can open new sessions', async () => {
    const code = `
      import { parentPort } from 'node:worker_threads';
      parentPort.on('message', ({ id, command }) => {
        if (command.kind === 'run') process.exit(3);
        parentPort.postMessage({ id, outputs: {} });
      });`;
    const runtime = new BackgroundRuntime(new URL(`data:text/javascript,${encodeURIComponent(code)}`));
    const create = () => runtime.InferenceSession.create(new Uint8Array(1), { executionProviders: ['cpu'] });
    const [one, two] = [await create(), await create()];
    await expect(one.run({}, [])).rejects.toThrow('the thread of ONNX Runtime ended with code 3');
    await expect(one.run({}, [])).rejects.toThrow('the thread of ONNX Runtime has ended; load the network again');
    const later = await create();
    await Promise.all([one.release(), two.release()]);
    // The sessions of the lost thread do not end the new one.
    await expect(later.run({}, [])).rejects.toThrow('ended with code 3');
    await later.release();
  });
});
