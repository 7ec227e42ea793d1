import { freezeForInference } from '../../engine/freeze-for-inference.ts';
import { Graph, type Tensor } from '../../graph/graph.ts';
import { relu } from '../../graph/ops/activation.ts';
import { add } from '../../graph/ops/elementwise.ts';
import { maxPool } from '../../graph/ops/pooling.ts';
import { pad } from '../../graph/ops/shape.ts';
import { constantInitializer } from '../../nn/initializers.ts';
import { convolution } from '../../nn/layers.ts';
import { defineModule, Scope } from '../../nn/scope.ts';

/** Both sides of an input must be multiples of this. */
export const inputMultiple = 32;

/** The values of a prediction: the box (centre x, centre y, width, height), then x and y of six landmarks. */
export const valuesPerAnchor = 16;

/** A head of the network: the pixels of the input per cell of its grid, and its predictions per cell. */
export interface DetectionHead {
  readonly name: 'fine' | 'coarse';
  readonly stride: number;
  readonly anchors: number;
}

/** The heads of the network. */
export const detectionHeads: readonly DetectionHead[] = [
  { name: 'fine', stride: 16, anchors: 2 },
  { name: 'coarse', stride: 32, anchors: 6 },
];

/** The weights come from a file; a network without them is never trained. */
const initializer = constantInitializer(0);

interface BlockOptions {
  readonly filters: number;
  readonly stride: number;
}

/** The padding "same" of TensorFlow for an even extent: with stride 2, the odd row and column are at the bottom and right. */
function samePadding(kernel: number, stride: number): readonly [number, number, number, number] {
  const before = Math.floor((kernel - stride) / 2);
  const after = kernel - stride - before;
  return [before, before, after, after];
}

function separable(scope: Scope, x: Tensor, { filters, stride }: BlockOptions): Tensor {
  const depthwise = convolution(scope.at('depthwise'), x, {
    filters: x.shape[1],
    groups: x.shape[1],
    kernel: 3,
    stride,
    padding: samePadding(3, stride),
    initializer,
  });
  return convolution(scope.at('pointwise'), depthwise, {
    filters,
    kernel: 1,
    bias: true,
    initializer,
    biasInitializer: initializer,
  });
}

const blazeBlock = defineModule(
  'BlazeBlock',
  'Depthwise 3x3 and 1x1 convolution, joined with what came in; new channels start from zeros (BlazeFace).',
  (scope, x: Tensor, options: BlockOptions): Tensor => {
    const pooled = options.stride === 1 ? x : maxPool(x, { kernel: options.stride });
    const added = options.filters - x.shape[1];
    return relu(add(separable(scope, x, options), pad(pooled, [0, 0, 0, 0], [0, added, 0, 0])));
  },
);

const downsampling = defineModule(
  'BlazeDownsampling',
  'Depthwise 3x3 convolution of stride 2 and 1x1 convolution.',
  (scope, x: Tensor): Tensor => relu(separable(scope, x, { filters: x.shape[1], stride: 2 })),
);

/** The channels and the stride of the blocks. */
const blocks: readonly BlockOptions[] = [24, 24, 48, 96].flatMap((filters, stage) =>
  Array.from({ length: stage === 0 ? 7 : 8 }, (_, index) => ({ filters, stride: stage > 0 && index === 0 ? 2 : 1 })),
);

/**
 * Builds BlazeFace (Bazarevsky et al. 2019), the variant for back cameras, 134k parameters. It is fully convolutional.
 *
 * The input `image` is N×3×height×width, RGB from -1 to 1. Each head has two outputs: `scores.NAME` (N×anchors×h×w, logits) and
 * `values.NAME` (N×(anchors·16)×h×w, pixels of the input, relative to the middle of the cell).
 *
 * @throws Error if a side is not a multiple of 32
 */
export function blazeFaceGraph({ batch, height, width }: { batch: number; height: number; width: number }): Graph {
  for (const side of [height, width]) {
    if (side % inputMultiple !== 0) throw new Error(`a side of ${side} pixels is not a multiple of ${inputMultiple}`);
  }
  const graph = new Graph();
  const scope = new Scope(graph, { training: false, seed: 0 });
  const biased = { bias: true, initializer, biasInitializer: initializer };
  let x = graph.input('image', [batch, 3, height, width]);
  x = relu(
    convolution(scope.at('stem'), x, { filters: 24, kernel: 5, stride: 2, padding: samePadding(5, 2), ...biased }),
  );
  blocks.forEach((options, index) => {
    x = blazeBlock(scope.at('blocks').at(index), x, options);
  });
  const features = { fine: x, coarse: downsampling(scope.at('downsampling'), x) };
  for (const { name, anchors } of detectionHeads) {
    const head = (of: string, filters: number) =>
      graph.output(
        `${of}.${name}`,
        convolution(scope.at(of).at(name), features[name], { filters, kernel: 1, ...biased }),
      );
    head('scores', anchors);
    head('values', anchors * valuesPerAnchor);
  }
  return graph;
}

/** Builds the network with its weights as constants. */
export function blazeFaceWithWeights(
  states: ReadonlyMap<string, Float32Array>,
  shape: { batch: number; height: number; width: number },
): Graph {
  return freezeForInference(blazeFaceGraph(shape), states);
}
