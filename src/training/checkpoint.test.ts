import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { temporaryFolder } from '../../test/dataset-fixture.ts';
import { encodeSafetensors } from '../formats/safetensors.ts';
import { Graph } from '../graph/graph.ts';
import { averageState } from '../optim/moving-average.ts';
import { loadCheckpoint, requireFinite, saveCheckpoint } from './checkpoint.ts';

function smallGraph(columns = 3): Graph {
  const graph = new Graph();
  graph.state('w', [2, columns], () => new Float32Array(2 * columns));
  graph.state('optimizer.momentum', [1], () => new Float32Array(1));
  return graph;
}

const states = new Map([
  ['w', Float32Array.of(1, -0, 3, 1e-40, 0.1, 6)],
  ['optimizer.momentum', Float32Array.of(1 / 3)],
]);
const version1 = { step: 123, seconds: 45.678_901_234_567, bestF: 0.812_345_678_901_234_5, states };
const record = {
  bestStep: 100,
  resolution: 1,
  metrics: 'step,epoch,seconds\n100,1.5,30\n',
  eventBytes: 2048,
  window: { count: 3, read: 2, images: 24, seconds: 1 / 7, sums: { loss: 4.1 } },
};
const checkpoint = { ...version1, record };

describe('a checkpoint', () => {
  it('gives back every bit', async () => {
    const path = join(await temporaryFolder(), 'checkpoint.safetensors');
    await saveCheckpoint(path, checkpoint, smallGraph());
    expect(await loadCheckpoint(path, smallGraph())).toEqual(checkpoint);
    const plateau = { watch: 'valF', reduction: 0.1 ** 3, best: 1 / 3, bad: 1, cooldown: 2 };
    const watched = {
      ...checkpoint,
      record: { ...record, watch: { plateau, earlyStopping: { watch: 'valLoss', stale: 0 } } },
    };
    await saveCheckpoint(path, watched, smallGraph());
    expect(await loadCheckpoint(path, smallGraph())).toEqual(watched);
    // As earlier versions wrote it.
    await saveCheckpoint(path, version1, smallGraph());
    expect(await loadCheckpoint(path, smallGraph())).toEqual(version1);
  });

  it('of a version without sums lets them begin at 0', async () => {
    const path = join(await temporaryFolder(), 'checkpoint.safetensors');
    await saveCheckpoint(path, checkpoint, smallGraph());
    const graph = smallGraph();
    graph.state('sums.losses', [2], () => Float32Array.of(1, 1));
    const loaded = await loadCheckpoint(path, graph);
    expect(loaded.states).toEqual(new Map([...checkpoint.states, ['sums.losses', new Float32Array(2)]]));
    expect(loaded.lacksSums).toBe(true);
  });

  it('of a version with fewer sums lets all of them begin at 0', async () => {
    const path = join(await temporaryFolder(), 'checkpoint.safetensors');
    const before = smallGraph();
    before.state('sums.losses', [2], () => new Float32Array(2));
    const sums = new Map([...states, ['sums.losses', Float32Array.of(1, 2)]]);
    await saveCheckpoint(path, { ...checkpoint, states: sums }, before);
    const graph = smallGraph();
    graph.state('sums.losses', [2], () => new Float32Array(2));
    expect((await loadCheckpoint(path, graph)).states.get('sums.losses')).toEqual(Float32Array.of(1, 2));
    graph.state('sums.auxiliary', [1], () => new Float32Array(1));
    const loaded = await loadCheckpoint(path, graph);
    expect(loaded.lacksSums).toBe(true);
    expect(loaded.states.get('sums.losses')).toEqual(Float32Array.of(0, 0));
    expect(loaded.states.get('sums.auxiliary')).toEqual(Float32Array.of(0));
  });

  it('lets sums of other losses begin at 0, and may lack the average', async () => {
    const path = join(await temporaryFolder(), 'checkpoint.safetensors');
    const before = smallGraph();
    before.state('sums.losses', [3], () => new Float32Array(3));
    const sums = new Map([...states, ['sums.losses', Float32Array.of(1, 2, 3)]]);
    await saveCheckpoint(path, { ...checkpoint, states: sums }, before);
    const graph = smallGraph();
    graph.state('sums.losses', [2], () => new Float32Array(2));
    graph.state(averageState, [7], () => new Float32Array(7));
    const loaded = await loadCheckpoint(path, graph);
    expect(loaded.states).toEqual(new Map([...states, ['sums.losses', new Float32Array(2)]]));
  });

  it('that is missing, damaged, something else or of another network is told with its path', async () => {
    const folder = await temporaryFolder();
    const path = join(folder, 'checkpoint.safetensors');
    await expect(loadCheckpoint(path, smallGraph())).rejects.toThrow(`no checkpoint to resume from at ${path}`);
    await saveCheckpoint(path, checkpoint, smallGraph());
    await expect(loadCheckpoint(path, smallGraph(4))).rejects.toThrow(
      `the checkpoint ${path} does not match this configuration: 'w' is missing or has another size`,
    );
    await writeFile(path, (await readFile(path)).subarray(0, -1));
    await expect(loadCheckpoint(path, smallGraph())).rejects.toThrow(`the checkpoint ${path} is damaged: `);
    await writeFile(
      path,
      encodeSafetensors(new Map(), { format: 'faceparse-checkpoint', record: '{"bestStep": 1.5}' }),
    );
    await expect(loadCheckpoint(path, smallGraph())).rejects.toThrow(`the checkpoint ${path} is damaged: `);
    await writeFile(path, encodeSafetensors(new Map(), { format: 'faceparse-weights' }));
    await expect(loadCheckpoint(path, smallGraph())).rejects.toThrow(`${path} is not a faceparse checkpoint`);
    expect(await readdir(folder)).toEqual(['checkpoint.safetensors']);
  });
});

describe('requireFinite', () => {
  it('passes numbers, and names the state that holds something else', () => {
    expect(() => requireFinite(states, 5)).not.toThrow();
    for (const value of [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]) {
      const broken = new Map(states).set('head.bias', Float32Array.of(0, value));
      expect(() => requireFinite(broken, 5)).toThrow("after step 5 'head.bias' is no longer finite");
    }
  });
});
