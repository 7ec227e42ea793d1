import { describe, expect, it } from 'vitest';
import { createNodeOnnxEngine } from '../../src/engine/onnx/node.ts';
import { Graph } from '../../src/graph/graph.ts';
import { listEncoders } from '../../src/models/encoders/registry.ts';
import { createModel } from '../../src/models/registry.ts';
import { expectGolden, type GoldenCase, readZooGolden } from './zoo-values.ts';

/** A case with the modules that the original has but does not use: the deepest layers of its encoder. */
interface PyramidCase extends GoldenCase {
  readonly unread: readonly string[];
}

const golden = readZooGolden('pyramids') as ReadonlyMap<string, readonly PyramidCase[]>;
const engine = await createNodeOnnxEngine({ device: 'cpu', threads: 1 });

function inferenceGraph(name: string, encoder: string, { size = [64, 64], ...settings }: GoldenCase['options']): Graph {
  const graph = new Graph();
  const image = graph.input('image', [1, 3, ...(size as [number, number])]);
  const model = createModel(name, { classes: 5, encoder, ...settings });
  graph.output('0', model.build(image, { training: false }).logits);
  return graph;
}

const cases = [...golden].flatMap(([key, list]) => {
  const [name, encoder] = key.split(' ') as [string, string];
  return list.map(
    (golden) => [`${name} on ${encoder} ${JSON.stringify(golden.options)}`, name, encoder, golden] as const,
  );
});

describe('the networks of segmentation_models.pytorch', () => {
  it.each(cases.filter(([, , encoder]) => listEncoders().includes(encoder)))('%s', async (_, name, encoder, golden) => {
    const graph = inferenceGraph(name, encoder, golden.options);
    await expectGolden(engine, graph, golden);
    for (const path of golden.unread) {
      expect(path).toMatch(/^encoder\./);
      expect([...graph.states.keys()].filter((state) => state.startsWith(`${path}.`))).toEqual([]);
    }
  });
});
