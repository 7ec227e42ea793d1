import { describe, it } from 'vitest';
import { Graph } from '../../src/graph/graph.ts';
import { createModel } from '../../src/models/registry.ts';
import { loadEngines } from '../contract/engines.ts';
import { expectGolden, readZooGolden } from './zoo-values.ts';

// The contract compares the engines with each other; the fastest is enough here.
const engines = await loadEngines();
const engine = engines.find(({ name }) => name === 'native') ?? engines[0];

/** The options of zoo_realtime.py. */
interface Options {
  readonly encoder_name: string;
  readonly encoder_depth?: number;
  readonly size?: readonly [number, number];
}

describe.each([...readZooGolden('realtime')])('%s', (name, cases) => {
  it.each(cases)('with $options computes what PyTorch does', async (golden) => {
    const { encoder_name: encoder, encoder_depth: depth, size = [64, 64] } = golden.options as unknown as Options;
    const graph = new Graph();
    const image = graph.input('image', [1, 3, ...size]);
    const model = createModel(name, { classes: 5, encoder, ...(depth && { depth }) });
    const { logits, auxiliary = [] } = model.build(image, { training: false, auxiliary: true });
    [logits, ...auxiliary].forEach((scores, index) => {
      graph.output(String(index), scores);
    });
    await expectGolden(engine, graph, golden);
  });
});
