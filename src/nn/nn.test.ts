import { describe, expect, it } from 'vitest';
import { createReferenceEngine } from '../engine/reference/reference-engine.ts';
import { Graph, type Tensor } from '../graph/graph.ts';
import type { Module } from '../graph/module.ts';
import { activation } from '../graph/ops/activation.ts';
import { exp, mul } from '../graph/ops/elementwise.ts';
import { Random } from '../random/random.ts';
import { appendCoordinates } from './coordinates.ts';
import { constantInitializer, heNormal, uniformFanIn } from './initializers.ts';
import {
  batchNorm,
  convBn,
  convolution,
  invertedResidual,
  sequence,
  squeezeExcite,
  transposedConvolution,
} from './layers.ts';
import { pyramidPooling } from './pyramid-pooling.ts';
import { dropoutLayer } from './regularization.ts';
import { defineModule, Scope } from './scope.ts';

/** A layer on an input of that shape; `run` gives its output and what the states become. */
function layer(
  shape: readonly number[],
  build: (scope: Scope, x: Tensor) => Tensor,
  mode = { training: false, seed: 0 },
) {
  const graph = new Graph();
  const x = graph.input('x', shape);
  const y = build(new Scope(graph, mode), x);
  graph.output('y', y);
  return {
    graph,
    shape: y.shape,
    async run(values: readonly number[] | Float32Array, states: Record<string, readonly number[]> = {}) {
      const program = await createReferenceEngine().compile(graph);
      await program.writeStates(new Map(Object.entries(states).map(([name, data]) => [name, Float32Array.from(data)])));
      const outputs = await program.run({ x: Float32Array.from(values) });
      return { y: [...outputs.y], states: await program.readStates() };
    },
  };
}

function moments(values: Float32Array) {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length;
  return { mean, variance };
}

describe('Scope', () => {
  it('names parameters by their place, and marks what is trained and what decays', () => {
    const { graph } = layer([1, 4, 8, 8], (scope, x) => convBn(scope.at('stem').at(0), x, { filters: 6, kernel: 3 }));
    expect([...graph.states.keys()]).toEqual([
      'stem.0.0.weight',
      'stem.0.1.weight',
      'stem.0.1.bias',
      'stem.0.1.running_mean',
      'stem.0.1.running_var',
    ]);
    const marks = [...graph.states.values()].map((state) => state.node.attributes);
    expect(marks).toMatchObject([
      { trainable: true, decay: true },
      { trainable: true, decay: false },
      { trainable: true, decay: false },
      { trainable: false },
      { trainable: false },
    ]);
  });

  it('uses modules again: the same weights, and running statistics that each use moves in turn', async () => {
    const shared = (scope: Scope, x: Tensor) => convBn(scope.at('shared'), x, { filters: 1, kernel: 1 });
    const built = layer(
      [2, 1, 1, 2],
      (scope, x) => {
        const first = shared(scope, x);
        return shared(scope.again(), first);
      },
      { training: true, seed: 0 },
    );
    expect(built.graph.states.size).toBe(5);
    const { states } = await built.run([1, 2, 3, 6], { 'shared.0.weight': [2], 'shared.1.bias': [5] });
    // First means: 2·3 = 6 and, after the ReLU of normalised values plus 5, twice their mean of 5.
    expect(states.get('shared.1.running_mean')![0]).toBeCloseTo(0.9 * 0.1 * 6 + 0.1 * 10, 4);
  });

  it('gives each use a random mask of its own', () => {
    const drop = (scope: Scope, x: Tensor) => dropoutLayer(scope.at('drop'), x, 0.5);
    const { graph } = layer([1, 1, 2, 2], (scope, x) => drop(scope.again(), drop(scope, x)), {
      training: true,
      seed: 0,
    });
    expect([...graph.inputs.keys()]).toEqual(['x', 'random.drop', 'random.drop@1']);
  });

  it('refuses to use again what does not exist or has another shape', () => {
    const at = (scope: Scope, x: Tensor, filters = 2) => convolution(scope.at('layer'), x, { filters, kernel: 1 });
    const build = (use: (scope: Scope, x: Tensor) => Tensor) => () => layer([1, 2, 4, 4], use);
    expect(build((scope, x) => at(scope.again(), x))).toThrow("there is no 'layer.weight' to use again");
    expect(build((scope, x) => at(scope.again(), at(scope, x), 3))).toThrow(
      "'layer.weight' is 2×2×1×1, but is used again as 3×2×1×1",
    );
    expect(build((scope, x) => at(scope, at(scope, x)))).toThrow("already has a state 'layer.weight'");
  });

  it('draws a parameter from seed and name alone', () => {
    const draw = (seed: number, names: readonly string[]) => {
      const { graph } = layer(
        [1, 2, 4, 4],
        (scope, x) => names.reduce((y, name) => convolution(scope.at(name), y, { filters: 2, kernel: 3 }), x),
        { training: false, seed },
      );
      return (graph.states.get('b.weight')!.node.attributes as { initial(): Float32Array }).initial();
    };
    expect(draw(1, ['a', 'b'])).toEqual(draw(1, ['b', 'c']));
    expect(draw(1, ['b'])).not.toEqual(draw(2, ['b']));
  });
});

describe('modules', () => {
  const double = defineModule('Double', 'Two convolutions.', (scope, x: Tensor, filters: number) => {
    const y = convBn(scope.at('first'), x, { filters, kernel: 3 });
    return activation(convolution(scope.at('more').at(0), y, { filters, kernel: 1 }), 'silu');
  });

  it('are known by all of their nodes, with what they are a part of', () => {
    const { graph } = layer([1, 4, 8, 8], (scope, x) => exp(double(scope.at('body'), x, 6)));
    const lineage = (module: Module | undefined): string =>
      module ? `${lineage(module.parent)}/${module.kind} ${module.path}` : '';
    const of = (op: string) => graph.nodes.filter((node) => node.op === op).map(({ module }) => lineage(module));
    expect(of('conv2d')).toEqual([
      '/Double body/ConvBn body.first/Conv2d body.first.0',
      '/Double body/Conv2d body.more.0',
    ]);
    expect(of('state')[1]).toBe('/Double body/ConvBn body.first/BatchNorm2d body.first.1');
    expect(of('activation')).toEqual(['/Double body/ConvBn body.first', '/Double body']);
    expect(of('exp')).toEqual(['']);
    expect(graph.module).toBeUndefined();
  });

  it('carry the description of their kind', () => {
    const { graph } = layer([1, 4, 8, 8], (scope, x) => double(scope.at('body'), x, 6));
    expect(graph.nodes.at(-1)!.module).toMatchObject({ kind: 'Double', description: 'Two convolutions.' });
  });

  it('refuse a place that is not inside of the module that is being built', () => {
    const built = (path: (scope: Scope) => Scope) => () =>
      layer([1, 4, 8, 8], (scope, x) => scope.at('a').module('Outer', () => double(path(scope), x, 2)));
    expect(built((scope) => scope.at('b'))).toThrow(
      "the Double at 'b' is not inside the Outer at 'a'; create it at scope.at('name')",
    );
    expect(built((scope) => scope.at('a'))).toThrow("the Double at 'a' is not inside the Outer at 'a'");
    expect(built((scope) => scope.at('ab'))).toThrow("the Double at 'ab' is not inside");
    expect(built((scope) => scope.at('a').at('b'))).not.toThrow();
  });

  it('must be declared by what has weights', () => {
    const forgotten = (scope: Scope, x: Tensor) =>
      mul(x, scope.parameter('gain', [4, 1, 1], constantInitializer(1), { decay: false }));
    expect(() => layer([1, 4, 8, 8], (scope, x) => forgotten(scope.at('gain'), x))).toThrow(
      "the parameter 'gain.gain' belongs to no module; create it inside a function made with defineModule",
    );
    expect(() =>
      layer([1, 4, 8, 8], (scope, x) => scope.at('a').module('Outer', () => forgotten(scope.at('a').at('b'), x))),
    ).toThrow("'a.b.gain'");
  });

  it('are left again where their body fails', () => {
    const graph = new Graph();
    const scope = new Scope(graph, { training: false, seed: 0 });
    expect(() =>
      scope.at('a').module('Broken', () => {
        throw new Error('broken');
      }),
    ).toThrow('broken');
    expect(graph.module).toBeUndefined();
  });

  it('have names of classes and one line of ASCII', () => {
    const build = (_: Scope, x: Tensor) => x;
    expect(() => defineModule('my-block', 'A block.', build)).toThrow("'my-block' is not a class name");
    expect(() => defineModule('Block', '3×3.', build)).toThrow('the description of Block must be one line of ASCII');
  });

  it('one after the other are numbered', () => {
    const { graph } = layer([1, 4, 8, 8], (scope, x) =>
      sequence(scope.at('stage'), x, [(at, y) => double(at, y, 4), invertedResidual, invertedResidual]),
    );
    expect([...graph.states.keys()].filter((name) => name.endsWith('first.0.weight'))).toEqual([
      'stage.0.first.0.weight',
    ]);
    expect(graph.states.has('stage.2.project.1.bias')).toBe(true);
  });
});

describe('initializers', () => {
  const shape = [64, 16, 3, 3];

  it('heNormal has variance 2 / fan-in', () => {
    const { mean, variance } = moments(heNormal(shape, new Random(1)));
    expect(Math.abs(mean)).toBeLessThan(0.01);
    expect(variance / (2 / 144)).toBeGreaterThan(0.95);
    expect(variance / (2 / 144)).toBeLessThan(1.05);
  });

  it('uniformFanIn stays within 1/√fan-in and fills it', () => {
    const values = uniformFanIn()(shape, new Random(1));
    const bound = 1 / 12;
    expect(values.every((value) => Math.abs(value) <= bound)).toBe(true);
    expect(moments(values).variance / (bound ** 2 / 3)).toBeCloseTo(1, 1);
    const biases = uniformFanIn(10_000)([50], new Random(1));
    expect(biases.every((value) => Math.abs(value) <= 0.01)).toBe(true);
  });

  it('constantInitializer fills', () => {
    expect([...constantInitializer(0.5)([3], new Random(0))]).toEqual([0.5, 0.5, 0.5]);
  });
});

describe('batchNorm', () => {
  const values = [1, 2, 3, 6];

  it('in training uses the batch, and moves the running statistics as PyTorch does', async () => {
    const { run } = layer([2, 1, 1, 2], batchNorm, { training: true, seed: 0 });
    const { y, states } = await run(values, { weight: [2], bias: [10] });
    const deviation = Math.sqrt(3.5 + 1e-5);
    values.forEach((value, index) => {
      expect(y[index]).toBeCloseTo(10 + (2 * (value - 3)) / deviation, 4);
    });
    expect(states.get('running_mean')![0]).toBeCloseTo(0.1 * 3, 6);
    expect(states.get('running_var')![0]).toBeCloseTo(0.9 + 0.1 * ((3.5 * 4) / 3), 6);
  });

  it('in inference uses the running statistics, and leaves them', async () => {
    const { run, graph } = layer([2, 1, 1, 2], batchNorm);
    expect(graph.updates.size).toBe(0);
    const { y } = await run(values, { weight: [2], bias: [10], running_mean: [1], running_var: [4] });
    values.forEach((value, index) => {
      expect(y[index]).toBeCloseTo(10 + (value - 1), 4);
    });
  });
});

describe('layers', () => {
  it.each([
    [{ filters: 8, kernel: 3 }, [2, 8, 16, 24]],
    [{ filters: 8, kernel: 3, stride: 2 }, [2, 8, 8, 12]],
    [{ filters: 8, kernel: 5, stride: 2 }, [2, 8, 8, 12]],
    [{ filters: 8, kernel: 3, dilation: 4 }, [2, 8, 16, 24]],
    [{ filters: 8, kernel: 1, groups: 4, bias: true }, [2, 8, 16, 24]],
  ])('a convolution of %o gives %o', (options, shape) => {
    expect(layer([2, 4, 16, 24], (scope, x) => convolution(scope, x, options)).shape).toEqual(shape);
  });

  it.each([
    [{ filters: 8, kernel: 4, stride: 2, padding: 1, bias: true }, [2, 8, 32, 48]],
    [{ filters: 8, kernel: 3, stride: 2, padding: 1 }, [2, 8, 31, 47]],
    [{ filters: 8, kernel: 3, stride: 2, padding: 1, outputPadding: 1, groups: 4 }, [2, 8, 32, 48]],
  ])('a transposed convolution of %o gives %o', (options, shape) => {
    const { graph, shape: given } = layer([2, 4, 16, 24], (scope, x) => transposedConvolution(scope, x, options));
    expect(given).toEqual(shape);
    const filters = 'groups' in options ? 8 / options.groups : 8;
    expect(graph.states.get('weight')!.shape).toEqual([4, filters, options.kernel, options.kernel]);
  });

  it('a transposed convolution starts with as much variance as it is given', async () => {
    const built = layer([1, 64, 8, 8], (scope, x) =>
      transposedConvolution(scope, x, { filters: 32, kernel: 4, stride: 2, padding: 1 }),
    );
    const random = new Random(1);
    const { y } = await built.run(Float32Array.from({ length: 64 * 64 }, () => random.normal()));
    // Twice the variance, as every layer before a ReLU has; the border sees fewer inputs.
    expect(moments(Float32Array.from(y)).variance).toBeGreaterThan(1.5);
    expect(moments(Float32Array.from(y)).variance).toBeLessThan(2.2);
  });

  it('an inverted residual keeps the shape, and is its input where its branch gives 0', async () => {
    const built = layer([1, 4, 4, 4], (scope, x) => invertedResidual(scope, x, { kernel: 5, squeeze: true }));
    expect(built.shape).toEqual([1, 4, 4, 4]);
    expect(built.graph.states.get('depthwise.0.weight')!.shape).toEqual([16, 1, 5, 5]);
    const values = Float32Array.from({ length: 64 }, (_, index) => index / 8 - 4);
    const { y } = await built.run(values, { 'project.1.weight': [0, 0, 0, 0] });
    expect(y).toEqual([...values].map((value) => Math.max(0, value)));
  });

  it('squeeze-and-excitation weighs whole channels', async () => {
    const built = layer([1, 2, 2, 2], (scope, x) => squeezeExcite(scope, x, 1));
    // The gate does not look at x here: hardSigmoid(0) = 1/2, hardSigmoid(6) = 1.
    const states = { 'reduce.weight': [0, 0], 'reduce.bias': [0], 'expand.weight': [0, 0], 'expand.bias': [0, 6] };
    expect((await built.run([1, 2, 3, 4, 5, 6, 7, 8], states)).y).toEqual([0.5, 1, 1.5, 2, 5, 6, 7, 8]);
  });

  it('coordinates go from −1 to 1 along both axes, the same in every image', async () => {
    const built = layer([2, 1, 2, 4], appendCoordinates);
    expect(built.shape).toEqual([2, 3, 2, 4]);
    const { y } = await built.run(new Float32Array(16).fill(9));
    const image = [
      ...new Array(8).fill(9),
      ...[-0.75, -0.25, 0.25, 0.75, -0.75, -0.25, 0.25, 0.75],
      ...[-0.5, -0.5, -0.5, -0.5, 0.5, 0.5, 0.5, 0.5],
    ];
    expect(y).toEqual([...image, ...image]);
  });

  it('pyramid pooling appends its levels, also on maps smaller than a grid', () => {
    const build = (scope: Scope, x: Tensor) => pyramidPooling(scope, x, { grids: [1, 2, 4, 8], filters: 3 });
    expect(layer([1, 5, 8, 8], build).shape).toEqual([1, 5 + 4 * 3, 8, 8]);
    expect(layer([1, 5, 1, 2], build).shape).toEqual([1, 5 + 4 * 3, 1, 2]);
  });
});
