import { describe, expect, it } from 'vitest';
import { expectGolden, readZooGolden } from '../../../test/golden/zoo-values.ts';
import { createNodeOnnxEngine } from '../../engine/onnx/node.ts';
import { countParameters } from '../../graph/cost.ts';
import { Graph, type InputAttributes, stateAttributes } from '../../graph/graph.ts';
import { Scope } from '../../nn/scope.ts';
import type { EncoderOptions } from './encoder.ts';
import { encoderFeatures } from './encoder-features.ts';
import { getEncoder, listEncoders } from './registry.ts';

const engine = await createNodeOnnxEngine({ device: 'cpu', threads: 1 });
const golden = readZooGolden('encoders');
const names = listEncoders({ variants: true });

/** A graph with the features of an encoder as outputs `0`, `1`, …, from 64×64. */
function featureGraph(encoder: string, options: EncoderOptions = {}, training = false): Graph {
  const graph = new Graph();
  const scope = new Scope(graph, { training, seed: 0 });
  const image = graph.input('image', [training ? 2 : 1, 3, 64, 64]);
  encoderFeatures(scope, image, { encoder, ...options }).forEach(({ tensor, stride }, index) => {
    expect(tensor.shape.slice(2)).toEqual([64 / stride, 64 / stride]);
    graph.output(String(index), tensor);
  });
  return graph;
}

/** The rates of stochastic depth that are more than 0, in order. */
function dropRates(graph: Graph): number[] {
  return [...graph.inputs.values()].flatMap(({ node }) => {
    const { random } = node.attributes as InputAttributes;
    return random?.kind === 'dropout' ? [1 - random.keep] : [];
  });
}

it('every encoder has golden values', () => {
  expect([...golden.keys()].sort()).toEqual([...names].sort());
});

// Names, shapes and channels of each level are compared too.
describe.each([...golden])('%s', (encoder, cases) => {
  it.each(cases.map((one) => [one.options.output_stride as number, one] as const))(
    'gives the features of the original at output stride %i',
    (outputStride, one) => expectGolden(engine, featureGraph(encoder, { outputStride }), one),
  );
});

describe('parameters', () => {
  const count = (name: string) => countParameters(featureGraph(name));

  it.each([
    ['resnet18', 11_176_512],
    ['resnet34', 21_284_672],
    ['resnet50', 23_508_032],
    ['mobilenet_v2', 2_223_872],
    ['mobilenet_v3_large', 2_971_952],
  ])('%s has those of the literature without the head: %i', (name, published) => {
    expect(count(name)).toBe(published);
  });

  it.each([
    ['efficientnet-b0', 4_007_548],
    ['efficientnet-lite0', 3_371_008],
  ])(
    '%s has those of the literature without the head, %i, less the last convolution that it leaves out',
    (name, published) => {
      // 320 to 1280 channels without bias, and gamma and beta of the normalisation.
      const lastConvolution = 320 * 1280 + 2 * 1280;
      expect(count(name) + lastConvolution).toBe(published);
    },
  );

  it.each(names.filter((name) => getEncoder(name).variantOf))('the variant %s has those of its original', (name) => {
    const statesOf = (encoder: string) =>
      [...featureGraph(encoder).states].map(([key, { shape }]) => `${key} ${shape}`);
    expect(statesOf(name)).toEqual(statesOf(getEncoder(name).variantOf!));
  });
});

describe.each(names)('%s', (name) => {
  it('builds no deeper layers than asked for', () => {
    const full = featureGraph(name);
    const shapes = [...full.outputs.values()].map(({ shape }) => shape);
    let before = 0;
    for (const depth of [1, 2, 3, 4, 5]) {
      const graph = featureGraph(name, { depth });
      expect([...graph.outputs.values()].map(({ shape }) => shape)).toEqual(shapes.slice(0, depth));
      // Whatever it has is read by one of its features: the states are the full network's first ones.
      expect([...full.states.keys()].slice(0, graph.states.size)).toEqual([...graph.states.keys()]);
      expect(graph.states.size).toBeGreaterThan(before);
      before = graph.states.size;
    }
  });
});

describe('stochastic depth', () => {
  it('has the default rates of the originals', () => {
    expect(Object.fromEntries(listEncoders().map((name) => [name, getEncoder(name).stochasticDepth]))).toEqual({
      resnet18: 0,
      resnet34: 0,
      resnet50: 0,
      mobilenet_v2: 0,
      mobilenet_v3_large: 0,
      'efficientnet-b0': 0.2,
      'efficientnet-lite0': 0.2,
    });
  });

  it('rises linearly with the index of the block, at the blocks with a shortcut', () => {
    // The blocks of EfficientNet-B0 that keep resolution and channels.
    const blocks = [2, 4, 6, 7, 9, 10, 12, 13, 14];
    const rates = dropRates(featureGraph('efficientnet-b0', { stochasticDepth: 0.2 }, true));
    expect(rates).toHaveLength(blocks.length);
    rates.forEach((rate, index) => {
      expect(rate).toBeCloseTo((0.2 * blocks[index]) / 16, 12);
    });
  });

  it.each(names)('%s has none in inference or at rate 0', (name) => {
    expect(dropRates(featureGraph(name, { stochasticDepth: 0.2 }))).toEqual([]);
    expect(dropRates(featureGraph(name, { stochasticDepth: 0 }, true))).toEqual([]);
    expect(dropRates(featureGraph(name, { stochasticDepth: 0.2 }, true)).length).toBeGreaterThan(0);
  });
});

describe('initial weights', () => {
  const initial = (encoder: string, name: string) =>
    stateAttributes(featureGraph(encoder, { depth: 4 }).states.get(`encoder.${name}`)!).initial();
  const deviation = (values: Float32Array) =>
    Math.sqrt(values.reduce((sum, value) => sum + value ** 2, 0) / values.length);

  // Torchvision counts the filters of all groups in the fan-out, TensorFlow those of one.
  it.each([
    ['mobilenet_v2', 'features.7.conv.1.0.weight', 9 * 192],
    ['mobilenet_v3_large', 'features.12.block.1.0.weight', 9 * 672],
    ['efficientnet-b0', '_blocks.6._depthwise_conv.weight', 9],
    ['efficientnet-lite0', '_blocks.6._project_conv.weight', 80],
  ])('of %s, %s, have the variance 2 / fan-out of the original', (encoder, name, fanOut) => {
    expect(deviation(initial(encoder, name)) / Math.sqrt(2 / fanOut)).toBeCloseTo(1, 1);
  });

  it.each([
    ['mobilenet_v3_large', 'features.4.block.2.fc1.bias'],
    ['efficientnet-b0', '_blocks.0._se_expand.bias'],
  ])('of %s, %s, are zeros', (encoder, name) => {
    expect(initial(encoder, name).every((value) => value === 0)).toBe(true);
  });
});
