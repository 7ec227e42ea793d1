import { describe, expect, it } from 'vitest';
import { createNodeNativeEngine, findNative } from '../../src/engine/native/node.ts';
import { createReferenceEngine } from '../../src/engine/reference/reference-engine.ts';
import { gradients } from '../../src/graph/autodiff.ts';
import { Graph, type Shape, sizeOf, type Tensor } from '../../src/graph/graph.ts';
import { activation } from '../../src/graph/ops/activation.ts';
import { conv2d } from '../../src/graph/ops/convolution.ts';
import { add, div, exp, mul, sqrt, sub } from '../../src/graph/ops/elementwise.ts';
import { batchNormTraining } from '../../src/graph/ops/normalization.ts';
import { adaptiveAvgPool, avgPool, globalAvgPool } from '../../src/graph/ops/pooling.ts';
import { reduceMean, reduceSum, scale } from '../../src/graph/ops/reduction.ts';
import { resize } from '../../src/graph/ops/resize.ts';
import { concat, reshape, slice, split } from '../../src/graph/ops/shape.ts';
import { softmax } from '../../src/graph/ops/softmax.ts';
import { Random } from '../../src/random/random.ts';

const native = findNative();
const skipped = native.available ? '' : ` (skipped: ${native.reason})`;

/** Rounding after a dozen layers and their gradients; memory that is shared wrongly gives errors of the size of the values. */
const tolerance = 1e-3;
/** Outputs smaller than this are held to it: gradients that normalisation makes zero are what is left where large terms cancel. */
const negligible = 1e-2;

/** A graph of random ops on maps of channels that fill blocks and do not, read again at random, with gradients and updates of states. */
class RandomGraph {
  readonly graph = new Graph();
  readonly log: string[] = [];
  private readonly maps: Tensor[] = [];
  private readonly random: Random;
  private readonly channels: readonly number[];

  constructor(seed: number) {
    this.random = new Random(seed, 'random graph');
    this.channels = this.pick([
      [16, 20, 32],
      [16, 32, 48],
      [5, 7, 16, 21, 36],
      [3, 16, 32, 64],
    ]);
    const side = this.pick([6, 8, 8, 12]);
    const image = this.graph.input('image', [this.pick([1, 2, 3]), 3, side, side]);
    this.maps.push(this.convolve(image, this.pick(this.channels), 3));
    const count = 3 + this.random.integer(12);
    for (let index = 0; index < count; index++) this.grow();
    this.finish(image);
  }

  private pick<T>(list: readonly T[]): T {
    return list[this.random.integer(list.length)];
  }

  private state(shape: Shape, from = -1, to = 1): Tensor {
    const initial = Float32Array.from({ length: sizeOf(shape) }, () => this.random.uniform(from, to));
    return this.graph.state(`state ${this.graph.states.size}`, shape, () => initial, { trainable: true });
  }

  private convolve(
    x: Tensor,
    filters: number,
    kernel: number,
    options: { groups?: number; stride?: number; dilation?: number; padding?: number } = {},
  ): Tensor {
    const perGroup = x.shape[1] / (options.groups ?? 1);
    const range = 1 / Math.sqrt(perGroup * kernel * kernel);
    return conv2d(x, this.state([filters, perGroup, kernel, kernel], -range, range), {
      padding: kernel >> 1,
      ...options,
    });
  }

  private normalize(x: Tensor): Tensor {
    const [images, channels, height, width] = x.shape as [number, number, number, number];
    // Over few values it blows rounding up.
    if (images * height * width < 32) return x;
    return batchNormTraining(x, this.state([channels], 0.5, 1.5), this.state([channels], -0.3, 0.3)).y;
  }

  private activate(x: Tensor): Tensor {
    return activation(x, this.pick(['sigmoid', 'silu', 'hardSwish', 'relu']));
  }

  /** Another map of the same shape, if there is one. */
  private like(x: Tensor): Tensor {
    const others = this.maps.filter((map) => map !== x && String(map.shape) === String(x.shape));
    return others.length > 0 && this.random.chance(0.85) ? this.pick(others) : x;
  }

  private join(x: Tensor, nested: boolean): Tensor | undefined {
    const fitting = this.maps.filter((map) => String(map.shape.slice(2)) === String(x.shape.slice(2)));
    const parts = [x, this.pick(fitting), this.pick(fitting)].slice(0, 2 + this.random.integer(2));
    if (parts.reduce((sum, part) => sum + part.shape[1], 0) > 128) return undefined;
    if (this.random.chance(0.7)) parts.sort((a, b) => Number(a.shape[1] % 16 > 0) - Number(b.shape[1] % 16 > 0));
    const joined = concat(parts, 1);
    const last = this.pick(fitting);
    if (!nested || joined.shape[1] + last.shape[1] > 160) return joined;
    return concat(joined.shape[1] % 16 > 0 ? [last, joined] : [joined, last], 1);
  }

  private grow(): void {
    const recent = this.maps.slice(-3);
    const x = this.random.chance(0.6) ? this.pick(recent) : this.pick(this.maps);
    const [images, channels, height, width] = x.shape as [number, number, number, number];
    const filters = this.pick(this.channels);
    const steps: Record<string, () => Tensor | undefined> = {
      convolution: () => this.convolve(x, filters, 3),
      strided: () => (height > 6 ? this.convolve(x, filters, 3, { stride: 2 }) : undefined),
      pointwise: () => this.normalize(this.convolve(x, filters, 1)),
      depthwise: () => this.convolve(x, channels, this.pick([3, 5]), { groups: channels }),
      dilated: () => this.convolve(x, filters, 3, { dilation: 2, padding: 2 }),
      dilatedDepthwise: () => {
        const dilation = this.pick([2, 3]);
        return this.activate(
          add(this.convolve(x, channels, 3, { groups: channels, dilation, padding: dilation }), this.like(x)),
        );
      },
      residualConvolution: () => this.activate(add(this.convolve(x, channels, this.pick([1, 3])), this.like(x))),
      plainResidualConvolution: () => add(this.convolve(x, channels, this.pick([1, 3])), x),
      normalized: () => this.activate(this.normalize(x)),
      residual: () => this.activate(add(this.normalize(x), this.like(x))),
      sum: () => add(x, this.like(x)),
      difference: () => {
        const other = this.like(x);
        // A map of zeros has no variance: a normalisation would blow rounding up.
        return other === x ? undefined : sub(other, x);
      },
      gate: () => mul(x, activation(this.like(x), 'sigmoid')),
      exponential: () => exp(scale(this.activate(x), 0.3)),
      quotient: () => mul(div(this.like(x), add(exp(scale(this.activate(x), 0.3)), x.graph.scalar(1))), x),
      joined: () => this.join(x, false),
      joinedTwice: () => this.join(x, true),
      cut: () => {
        const first = this.pick([16, channels >> 1]);
        if (first >= channels || first < 1) return undefined;
        const [one, two] = split(x, 1, [first, channels - first]);
        this.maps.push(one);
        return two;
      },
      firstImage: () => (images > 1 ? sub(x, split(x, 0, [1, images - 1])[0]) : undefined),
      resized: () => resize(x, this.pick([height, Math.min(16, 2 * height)]), this.pick([width, width + 1])),
      pooled: () => (height > 3 && width > 3 ? avgPool(x, { kernel: 2 }) : undefined),
      grid: () => adaptiveAvgPool(x, Math.min(3, height), Math.min(2, width)),
      squeezed: () => mul(x, activation(this.convolve(globalAvgPool(x), channels, 1), 'hardSigmoid')),
      biased: () => add(x, this.state([1, channels, 1, 1])),
      means: () => mul(x, reduceMean(x, this.pick([[2, 3], [1, 2, 3], [0, 2, 3], [1]]), true)),
      softmax: () => softmax(x, 1),
      sliced: () => (channels > 3 ? slice(x, 1, 1, channels - 1) : undefined),
    };
    const name = this.pick(Object.keys(steps));
    const result = steps[name]();
    this.log.push(`${name}(${x.shape})`);
    if (result) this.maps.push(result);
  }

  private finish(image: Tensor): void {
    const { graph } = this;
    const terms = [...new Set([this.maps.at(-1)!, ...this.maps.filter(() => this.random.chance(0.2))])].map(
      (map, index) => {
        if (this.random.chance(0.6))
          graph.output(`map ${index}`, this.random.chance(0.2) ? reshape(map, [sizeOf(map.shape)]) : map);
        return reduceSum(mul(map, graph.input(`direction ${index}`, map.shape)));
      },
    );
    const total = terms.reduce((sum, term) => add(sum, term));
    const reached = new Set<Tensor>();
    const visit = (tensor: Tensor) => {
      if (reached.has(tensor)) return;
      reached.add(tensor);
      tensor.node.inputs.forEach(visit);
    };
    visit(total);
    const weights = [...graph.states.values()].filter((state) => reached.has(state));
    if (!reached.has(image) || weights.length === 0) return;
    const slopes = gradients(total, [...weights, image]);
    graph.output('gradient of the image', slopes.pop()!);
    const kind = this.pick(['outputs', 'updates', 'vector']);
    if (kind === 'vector') {
      this.updateAsVector(weights, slopes);
      return;
    }
    slopes.forEach((slope, index) => {
      graph.output(`gradient ${index}`, slope);
      if (kind === 'outputs') return;
      const momentum = this.state(slope.shape);
      const next = add(scale(momentum, 0.5), scale(slope, 1e-3));
      graph.assign(momentum, next);
      graph.assign(weights[index], sub(weights[index], scale(next, 0.01)));
      if (this.random.chance(0.1)) graph.output(`weight ${index}`, weights[index]);
    });
  }

  /** As optimisers do: all weights as one vector. */
  private updateAsVector(weights: readonly Tensor[], slopes: readonly Tensor[]): void {
    const { graph } = this;
    const flat = (tensors: readonly Tensor[]) =>
      concat(
        tensors.map((tensor) => reshape(tensor, [sizeOf(tensor.shape)])),
        0,
      );
    const [vector, slope] = [flat(weights), flat(slopes)];
    const unit = div(slope, add(sqrt(reduceSum(mul(slope, slope))), graph.scalar(1)));
    const next = sub(vector, scale(unit, 0.01));
    const parts = split(
      next,
      0,
      weights.map(({ shape }) => sizeOf(shape)),
    );
    weights.forEach((weight, index) => {
      graph.assign(weight, reshape(parts[index], weight.shape));
    });
    graph.output('direction', unit);
    if (this.random.chance(0.3)) graph.output('weights before', vector);
    if (this.random.chance(0.3)) graph.output('weights after', next);
  }
}

function worstError(actual: ArrayLike<number>, expected: ArrayLike<number>): number {
  let largest = negligible;
  let worst = 0;
  for (let i = 0; i < expected.length; i++) {
    largest = Math.max(largest, Math.abs(expected[i]));
    const error = Math.abs(actual[i] - expected[i]);
    if (!(error <= worst)) worst = error;
  }
  return worst / largest;
}

describe.skipIf(!native.available)(`random graphs on the native engine${skipped}`, () => {
  const engine = native.available ? createNodeNativeEngine({ threads: 2 }) : undefined!;
  const precise = createReferenceEngine({ precision: 'float64' });

  it.each(Array.from({ length: 12 }, (_, index) => index * 10))(
    'compute what double precision does, seeds from %i',
    async (first) => {
      for (let seed = first; seed < first + 10; seed++) {
        const { graph, log } = new RandomGraph(seed);
        const [mine, reference] = [await engine.compile(graph), await precise.compile(graph)];
        const random = new Random(seed, 'values');
        for (let run = 0; run < 2; run++) {
          const inputs: Record<string, Float32Array> = {};
          for (const [name, { shape }] of graph.inputs) {
            inputs[name] = Float32Array.from({ length: sizeOf(shape) }, () => random.uniform(-1, 1));
          }
          const [actual, expected] = [await mine.run(inputs), await reference.run(inputs)];
          const [states, expectedStates] = [await mine.readStates(), await reference.readStates()];
          for (const [name, value] of [...Object.entries(expected), ...expectedStates]) {
            const error = worstError(actual[name] ?? states.get(name)!, value);
            expect(error, `seed ${seed}, run ${run}, ${name}: ${log.join(' ')}`).toBeLessThan(tolerance);
          }
        }
        await Promise.all([mine.dispose(), reference.dispose()]);
      }
    },
  );
});
