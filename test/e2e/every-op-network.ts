import { Graph, type Tensor } from '../../src/graph/graph.ts';
import { activation, activationKinds } from '../../src/graph/ops/activation.ts';
import { conv2d } from '../../src/graph/ops/convolution.ts';
import { add, div, exp, greater, log, maximum, minimum, mul, sqrt, sub } from '../../src/graph/ops/elementwise.ts';
import { matMul } from '../../src/graph/ops/matmul.ts';
import { adaptiveAvgPool, avgPool, globalAvgPool, maxPool } from '../../src/graph/ops/pooling.ts';
import { broadcastTo, reduceMean, reduceSum, scale } from '../../src/graph/ops/reduction.ts';
import { resize } from '../../src/graph/ops/resize.ts';
import { concat, pad, reshape, slice, split, transpose } from '../../src/graph/ops/shape.ts';
import { logSoftmax, softmax } from '../../src/graph/ops/softmax.ts';
import { appendCoordinates } from '../../src/nn/coordinates.ts';
import { constantInitializer, heNormal } from '../../src/nn/initializers.ts';
import { convBn, convolution, squeezeExcite, transposedConvolution } from '../../src/nn/layers.ts';
import { defineModule, Scope } from '../../src/nn/scope.ts';

/** Attention between the channels of x, over its pixels: matrix products and changes of shape. */
const attention = defineModule('Attention', 'Attention between channels.', (scope, x: Tensor): Tensor => {
  const [n, channels, height, width] = x.shape as [number, number, number, number];
  const pixels = reshape(x, [n, channels, height * width]);
  const weights = softmax(scale(matMul(pixels, pixels, false, true), 0.05), 2);
  const mixed = transpose(matMul(weights, pixels), [0, 2, 1]);
  const gain = scope.parameter('gain', [channels], constantInitializer(1), { decay: false });
  return reshape(transpose(mul(mixed, gain), [0, 2, 1]), [n, channels, height, width]);
});

/** Every pixel block of 2×2 side by side in the channels. */
function fold(x: Tensor): Tensor {
  const [n, channels, height, width] = x.shape as [number, number, number, number];
  const blocks = reshape(x, [n, channels, height / 2, 2, width / 2, 2]);
  return reshape(transpose(blocks, [0, 1, 3, 5, 2, 4]), [n, channels * 4, height / 2, width / 2]);
}

/** A module of two inputs: x where both x and the skip ask for it. */
const gate = defineModule('Gate', 'A gate of two inputs.', (scope, x: Tensor, skip: Tensor): Tensor => {
  const layer = { filters: x.shape[1], kernel: 1, bias: true };
  const asked = add(convolution(scope.at('inner'), x, layer), convolution(scope.at('outer'), skip, layer));
  return mul(x, activation(asked, 'sigmoid'));
});

/** Modules that no class of their own calls: weights used twice, lists and dictionaries with other things in between. */
function scattered(scope: Scope, x: Tensor): Tensor {
  const layer = { filters: x.shape[1], kernel: 3 };
  const place = scope.at('shared').at(0);
  const weight = place.module('Conv2d', () => place.parameter('weight', [6, 6, 3, 3], heNormal, { decay: true }));
  const shared = (y: Tensor) => {
    const enlarged = scale(y, 3);
    return activation(
      place.module('Conv2d', () => conv2d(enlarged, weight, { padding: 1 })),
      'relu6',
    );
  };
  const left = convolution(scope.at('pair').at('left'), shared(x), layer);
  const first = convBn(scope.at('steps').at(0), shared(left), { ...layer, activation: 'none' });
  const right = convolution(scope.at('pair').at('right'), first, layer);
  const mixed = convolution(scope.at('mixed').at('tail'), convolution(scope.at('mixed').at(0), right, layer), layer);
  const small = maxPool(convBn(scope.at('steps').at(1), mixed, layer), { kernel: 3, stride: 2, padding: 1 });
  // The same block on images of two sizes, enlarged by transposed convolutions.
  const block = (at: Scope, y: Tensor) => convBn(at.at('block'), y, { ...layer, activation: 'silu' });
  const up = { filters: 6, kernel: 4, stride: 2, padding: 1, bias: true };
  const enlarged = transposedConvolution(scope.at('up').at('even'), block(scope, small), up);
  const whole = block(scope.again(), first);
  return add(add(resize(enlarged, x.shape[2], x.shape[3]), whole), first);
}

/** An artificial network that contains every op that inference supports, and modules in every form. */
export function buildEveryOp(rows: number, columns: number): Graph {
  const graph = new Graph();
  const scope = new Scope(graph, { training: false, seed: 3 });
  const image = graph.input('image', [2, 3, rows, columns]);
  const stem = convBn(scope.at('stem'), appendCoordinates(scope.at('coordinates'), image), {
    filters: 8,
    kernel: 3,
    stride: 2,
    activation: 'silu',
  });
  const options = { kernel: 3, stride: 2, padding: 1 };
  const [largest, mean] = [maxPool(stem, options), avgPool(stem, options)];
  const bounded = concat([minimum(largest, mean), maximum(largest, graph.scalar(-0.1))], 1);
  const [first, second] = split(bounded, 1, [6, 10]) as [Tensor, Tensor];
  const part = slice(second, 1, 2, 8);
  const smooth = div(sub(first, part), add(exp(scale(part, -0.5)), graph.scalar(1)));
  let x = attention(scope.at('attention'), log(add(sqrt(add(mul(smooth, smooth), graph.scalar(0.5))), first)));
  x = mul(x, broadcastTo(add(globalAvgPool(part), graph.scalar(1)), x.shape));
  x = mul(x, add(greater(x, graph.scalar(0)), graph.scalar(0.5)));
  x = maxPool(pad(x, [0, 0, 1, 0], [0, 0, 1, 2]), { kernel: 3, stride: 1 });
  x = add(x, reduceSum(x, [1], true));
  x = sub(x, reduceMean(x, [3], true));
  for (const kind of activationKinds) {
    const layer = { filters: 6, kernel: 3, dilation: 2, groups: 2, bias: true };
    // Large enough to pass the bounds of every activation, and with a way around: six in a row forget what came in.
    x = add(scale(x, 0.7), activation(scale(convolution(scope.at('layers').at(kind), x, layer), 4), kind));
  }
  x = scattered(scope, gate(scope.at('gate'), squeezeExcite(scope.at('squeeze'), x, 2), part));
  const grid = resize(adaptiveAvgPool(x, 2, 3), x.shape[2], x.shape[3], 'nearest');
  x = resize(concat([x, grid, fold(resize(x, rows / 2, columns / 2))], 1), rows / 2, columns / 2);
  graph.output('logits', logSoftmax(resize(mul(x, scale(reduceMean(stem, [1], true), 5)), rows, columns), 1));
  return graph;
}
