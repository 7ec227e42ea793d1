import { describe, expect, it } from 'vitest';
import { loadEngines } from '../../test/contract/engines.ts';
import { parseConfig } from '../config/parse-config.ts';
import { selectEngine } from '../engine/select-engine.ts';
import { Graph } from '../graph/graph.ts';
import { scale } from '../graph/ops/reduction.ts';
import { Random } from '../random/random.ts';
import { LogitsRecorder, ValidationLoss } from './validation-loss.ts';

const engine = await selectEngine({ name: 'reference' });

function lossOf(...overrides: string[]) {
  return parseConfig('', '', overrides).loss;
}

describe('ValidationLoss', () => {
  /** Two classes on 2×2 pixels: the logits of class 1 are `margin` above those of class 0. */
  const logits = (margin: number) => Float32Array.of(0, 0, 0, 0, margin, margin, margin, margin);
  const truth = { width: 4, height: 4, data: new Uint8Array(16).fill(1) };

  it('is the cross-entropy of the logits against the resized labels', async () => {
    const loss = await ValidationLoss.compile(engine, [1, 2, 2, 2], 2, lossOf('loss.dice=0'));
    expect(await loss.measure(logits(0), truth)).toBeCloseTo(Math.LN2, 6);
    expect(await loss.measure(logits(2), truth)).toBeCloseTo(Math.log(1 + Math.exp(-2)), 6);
    await loss.dispose();
  });

  it('has the weights and the label size of the run, and ignores label 255', async () => {
    const settings = lossOf('loss.dice=0', 'loss.crossEntropy=3');
    const loss = await ValidationLoss.compile(engine, [1, 2, 2, 2], 4, settings);
    const half = { ...truth, data: truth.data.map((id, index) => (index < 8 ? 255 : id)) };
    expect(await loss.measure(logits(2), half)).toBeCloseTo(3 * Math.log(1 + Math.exp(-2)), 5);
    await loss.dispose();
  });

  it('of a letterboxed photo ignores its margins', async () => {
    const rule = 'letterbox-area-bilinear';
    const loss = await ValidationLoss.compile(engine, [1, 2, 4, 4], 4, lossOf('loss.dice=0'), rule);
    // Class 1 leads by 2 in the middle rows, where the photo is, and by 50 the other way in the margins.
    const planes = Float32Array.from({ length: 32 }, (_, at) => {
      const row = Math.floor(at / 4) % 4;
      return at < 16 ? 0 : row === 1 || row === 2 ? 2 : -50;
    });
    const wide = { width: 8, height: 4, data: new Uint8Array(32).fill(1) };
    expect(await loss.measure(planes, wide)).toBeCloseTo(Math.log(1 + Math.exp(-2)), 6);
    await loss.dispose();
  });
});

it('is the same on every engine, with every loss', async () => {
  const settings = lossOf('loss.lovasz=1', 'loss.labelSmoothing=0.1', `loss.classWeights=[${'1,'.repeat(18)}2]`);
  const random = new Random(1);
  const logits = Float32Array.from({ length: 19 * 64 }, () => random.uniform(-2, 2));
  const data = Uint8Array.from({ length: 20 * 12 }, (_, index) => (index % 23 > 18 ? 255 : index % 19));
  const losses: number[] = [];
  for (const engine of await loadEngines()) {
    const loss = await ValidationLoss.compile(engine, [1, 19, 8, 8], 16, settings);
    losses.push(await loss.measure(logits, { width: 20, height: 12, data }));
    await loss.dispose();
  }
  expect(losses.length).toBeGreaterThan(1);
  for (const loss of losses) expect(loss).toBeCloseTo(losses[0], 4);
});

describe('LogitsRecorder', () => {
  it('keeps the logits of the last run, though the program gives its memory to the next', async () => {
    const recorder = new LogitsRecorder(engine);
    const graph = new Graph();
    graph.output('logits', scale(graph.input('image', [1, 1, 1, 2]), 2));
    const program = await recorder.compile(graph);
    expect(recorder.logits).toBeUndefined();
    const { logits } = await program.run({ image: Float32Array.of(1, 2) });
    logits.fill(0);
    expect([...recorder.logits!]).toEqual([2, 4]);
    expect(recorder.shape).toEqual([1, 1, 1, 2]);
    await program.dispose();
  });
});
