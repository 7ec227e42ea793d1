import { describe, expect, it } from 'vitest';
import { createNodeOnnxEngine } from '../../src/engine/onnx/node.ts';
import { countParameters } from '../../src/graph/cost.ts';
import { Graph } from '../../src/graph/graph.ts';
import { listEncoders } from '../../src/models/encoders/registry.ts';
import { createModel } from '../../src/models/registry.ts';
import { expectGolden, type GoldenCase, readZooGolden, statesOf } from './zoo-values.ts';

/** A case with the modules that the original has but does not use: the deepest layers of its encoder. */
interface PyramidCase extends GoldenCase {
  readonly unread: readonly string[];
}

/** Networks with more parameters than this are only compared by their states, unless FACEPARSE_GOLDEN is `all`. */
const largest = process.env.FACEPARSE_GOLDEN === 'all' ? Number.POSITIVE_INFINITY : 20_000_000;

const engine = await createNodeOnnxEngine({ device: 'cpu', threads: 1 });

function inferenceGraph(name: string, encoder: string, { size = [64, 64], ...settings }: GoldenCase['options']): Graph {
  const graph = new Graph();
  const image = graph.input('image', [1, 3, ...(size as [number, number])]);
  const model = createModel(name, { classes: 5, encoder, ...settings });
  graph.output('0', model.build(image, { training: false }).logits);
  return graph;
}

const cases = [...readZooGolden('pyramids')].flatMap(([key, list]) => {
  const [name, encoder] = key.split(' ') as [string, string];
  return (list as PyramidCase[]).map(
    (golden) => [`${name} on ${encoder} ${JSON.stringify(golden.options)}`, name, encoder, golden] as const,
  );
});

describe('the networks of segmentation_models.pytorch', () => {
  it.each(cases.filter(([, , encoder]) => listEncoders().includes(encoder)))('%s', async (_, name, encoder, golden) => {
    const graph = inferenceGraph(name, encoder, golden.options);
    if (countParameters(graph) < largest) await expectGolden(engine, graph, golden);
    else expect(statesOf(graph)).toEqual([...golden.states].sort());
    for (const path of golden.unread) {
      expect(path).toMatch(/^encoder\./);
      expect([...graph.states.keys()].filter((state) => state.startsWith(`${path}.`))).toEqual([]);
    }
  });
});
