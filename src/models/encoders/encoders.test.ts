import { describe, it } from 'vitest';
import { expectGolden, readZooGolden } from '../../../test/golden/zoo-values.ts';
import { createNodeOnnxEngine } from '../../engine/onnx/node.ts';
import { Graph } from '../../graph/graph.ts';
import { Scope } from '../../nn/scope.ts';
import { encoderFeatures } from './encoder-features.ts';

const engine = await createNodeOnnxEngine({ device: 'cpu', threads: 1 });

/** A graph with the features of an encoder as outputs `0`, `1`, …, from 64×64. */
function featureGraph(encoder: string, outputStride: number): Graph {
  const graph = new Graph();
  const scope = new Scope(graph, { training: false, seed: 0 });
  encoderFeatures(scope, graph.input('image', [1, 3, 64, 64]), { encoder, outputStride }).forEach(
    ({ tensor }, index) => {
      graph.output(String(index), tensor);
    },
  );
  return graph;
}

describe.each([...readZooGolden('encoders')])('%s', (encoder, cases) => {
  it.each(cases.map((golden) => [golden.options.output_stride as number, golden] as const))(
    'gives the features of the original at output stride %i',
    (outputStride, golden) => expectGolden(engine, featureGraph(encoder, outputStride), golden),
  );
});
