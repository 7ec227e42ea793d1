import { describe, expect, it } from 'vitest';
import { testCapabilities } from '../../../../test/fusion-fixture.ts';
import { Graph } from '../../../graph/graph.ts';
import { activationKinds, relu } from '../../../graph/ops/activation.ts';
import { conv2d } from '../../../graph/ops/convolution.ts';
import { exp } from '../../../graph/ops/elementwise.ts';
import { batchNormTraining } from '../../../graph/ops/normalization.ts';
import { resize } from '../../../graph/ops/resize.ts';
import { concat } from '../../../graph/ops/shape.ts';
import type { ConvolutionRequest, PrimitivePlanner } from '../../../native-addon/addon.ts';
import { fuseGraph } from '../../fusion/fuse-graph.ts';
import { elementwiseOps } from '../../fusion/fused-ops.ts';
import type { PlannerFacts } from '../capabilities.ts';
import { buildPlan } from './build-plan.ts';

/** Answers as oneDNN does on AVX-512: blocked maps, plain images of three channels, packed weights. */
class FakePlanner implements PrimitivePlanner {
  readonly requests: ConvolutionRequest[] = [];
  implementation = ({ source: [channels, , , block] }: ConvolutionRequest): string =>
    block === 1 && channels !== 3 ? 'ref:any' : 'jit:fake';

  convolution(request: ConvolutionRequest) {
    this.requests.push(request);
    return {
      id: this.requests.length - 1,
      implementation: this.implementation(request),
      weightsBytes: 4096,
      plainWeights: false,
      scratchpadBytes: 128,
    };
  }

  matrixProduct() {
    return { id: 0, implementation: 'fake', scratchpadBytes: 0 };
  }

  workspace() {
    return 64;
  }
}

const facts: PlannerFacts = { channelBlock: 16, elementwiseOps, activations: ['none', ...activationKinds] };

function weight(graph: Graph, name: string, shape: readonly number[]) {
  return graph.state(name, shape, () => new Float32Array(shape.reduce((a, b) => a * b, 1)), { trainable: true });
}

/** The plan of a program of one entry. */
function plan(graph: Graph, planner = new FakePlanner()) {
  const built = buildPlan([fuseGraph(graph, testCapabilities)], planner, facts);
  return { ...built, plan: { ...built.plan, steps: built.plan.entries[0] } };
}

function kinds({ plan: { steps } }: ReturnType<typeof plan>): string[] {
  return steps.map(({ kind }) => kind);
}

describe('buildPlan', () => {
  it('keeps maps blocked from the first convolution to the last', () => {
    const graph = new Graph();
    let x = graph.input('image', [2, 3, 16, 16]);
    for (const [index, channels] of [3, 32, 32].entries()) {
      x = conv2d(x, weight(graph, `w${index}`, [32, channels, 3, 3]), { padding: 1 });
      const vector = (name: string) => weight(graph, `${name}${index}`, [32]);
      x = relu(batchNormTraining(x, vector('gamma'), vector('beta')).y);
    }
    graph.output('y', x);
    const built = plan(graph);
    expect(kinds(built)).toEqual([
      ...Array.from({ length: 3 }, () => ['reorderWeights', 'convolution', 'normalize']).flat(),
      // Only what leaves the program is plain.
      'reorder',
    ]);
    const first = built.plan.steps.find(({ kind }) => kind === 'convolution')!;
    expect((first.source as number[])[5]).toBe(1);
    expect((first.destination as number[])[5]).toBe(16);
  });

  it('packs weights that are constant once, before the first run', () => {
    const graph = new Graph();
    const x = graph.input('image', [1, 3, 16, 16]);
    graph.output('y', conv2d(x, graph.constant(new Float32Array(32 * 27), [32, 3, 3, 3])));
    const built = plan(graph);
    expect(built.plan.initial.map(({ kind }) => kind)).toEqual(['reorderWeights']);
    expect(kinds(built)).toEqual(['convolution', 'reorder']);
  });

  it('falls back to plain maps where oneDNN has nothing fast for blocked ones', () => {
    class OnlyPlain extends FakePlanner {
      override convolution(request: ConvolutionRequest) {
        const answer = super.convolution(request);
        return { ...answer, implementation: request.source[3] === 1 ? 'gemm:jit' : 'ref:any' };
      }
    }
    const graph = new Graph();
    const x = graph.input('image', [1, 32, 8, 8]);
    graph.output('y', conv2d(x, weight(graph, 'w', [32, 32, 3, 3])));
    const built = plan(graph, new OnlyPlain());
    expect((built.plan.steps.at(-1)!.destination as number[])[5]).toBe(1);
  });

  it('computes the parts of a joined map in place where it can', () => {
    const graph = new Graph();
    const image = graph.input('image', [2, 3, 16, 16]);
    const low = conv2d(image, weight(graph, 'low', [32, 3, 3, 3]), { padding: 1, stride: 2 });
    const skip = conv2d(image, weight(graph, 'skip', [16, 3, 3, 3]), { padding: 1 });
    const joined = concat([resize(low, 16, 16), skip], 1);
    graph.output('y', conv2d(joined, weight(graph, 'last', [16, 48, 1, 1])));
    const { plan: built } = plan(graph);
    const copies = built.steps.filter(({ kind }) => kind === 'copies');
    // The upsampled map is written into the joined one; the result of a convolution has to be copied there.
    expect(copies.length).toBe(1);
    const resized = built.steps.find(({ kind }) => kind === 'resize')!;
    expect((resized.y as number[])[6]).toBe(48 * 256);
  });

  it('clears the channels that fill up a block after operations that do not keep zeros', () => {
    const graph = new Graph();
    const image = graph.input('image', [1, 3, 8, 8]);
    const build = (channels: number) =>
      exp(conv2d(image, weight(graph, `w${channels}`, [channels, 3, 3, 3]), { padding: 1 }));
    graph.output('odd', build(20));
    graph.output('even', build(32));
    expect(kinds(plan(graph)).filter((kind) => kind === 'clearPadding').length).toBe(1);
  });

  it('prefers Winograd for large 3×3 convolutions at stride 1 only', () => {
    const graph = new Graph();
    const x = graph.input('image', [1, 32, 16, 16]);
    const build = (
      name: string,
      kernel: number,
      options: { stride?: number; groups?: number; filters?: number } = {},
    ) => {
      const { groups = 1, filters = 32 } = options;
      const convolved = conv2d(x, weight(graph, name, [filters, 32 / groups, kernel, kernel]), {
        padding: kernel >> 1,
        ...options,
      });
      graph.output(name, convolved);
    };
    build('plain', 3);
    build('one', 1);
    build('strided', 3, { stride: 2 });
    build('depthwise', 3, { groups: 32 });
    build('few', 3, { filters: 8 });
    const wide = graph.input('wide', [1, 512, 16, 16]);
    graph.output('head', conv2d(wide, weight(graph, 'head', [19, 512, 3, 3]), { padding: 1 }));
    const planner = new FakePlanner();
    plan(graph, planner);
    expect(planner.requests.map(({ winograd }) => winograd)).toEqual([true, false, false, false, false, true]);
  });

  it('uses its own kernel for depthwise convolutions without generated code', () => {
    const planner = new FakePlanner();
    planner.implementation = () => 'x64:gemm:jit';
    const graph = new Graph();
    const x = graph.input('image', [1, 32, 16, 16]);
    graph.output('y', conv2d(x, weight(graph, 'w', [32, 1, 3, 3]), { padding: 6, dilation: 6, groups: 32 }));
    graph.output('large', conv2d(x, weight(graph, 'large', [32, 1, 13, 13]), { padding: 6, groups: 32 }));
    graph.output('two', conv2d(x, weight(graph, 'two', [64, 1, 3, 3]), { padding: 1, groups: 32 }));
    const found = kinds(plan(graph, planner)).filter((kind) => kind === 'depthwise' || kind === 'convolution');
    expect(found).toEqual(['depthwise', 'convolution', 'convolution']);
  });

  it('runs a dilated convolution on interleaved maps where Winograd exists for them', () => {
    const build = (options: { size?: number; dilation?: number; padding?: number }, implementation: string) => {
      const planner = new FakePlanner();
      planner.implementation = () => implementation;
      const { size = 16, dilation = 2, padding = dilation } = options;
      const graph = new Graph();
      const x = graph.input('image', [3, 32, size, size]);
      graph.output('y', conv2d(x, weight(graph, 'w', [32, 32, 3, 3]), { padding, dilation }));
      const copies = kinds(plan(graph, planner)).filter((kind) => kind === 'copies').length;
      const { images, source, dilation: asked, padding: around } = planner.requests.at(-1)!;
      return { copies, images, size: source[1], dilation: asked[0], padding: around[0] };
    };
    expect(build({}, 'jit_wino')).toEqual({ copies: 2, images: 12, size: 8, dilation: 1, padding: 1 });
    expect(build({ size: 17 }, 'jit_wino')).toEqual({ copies: 0, images: 3, size: 17, dilation: 2, padding: 2 });
    expect(build({ padding: 1 }, 'jit_wino')).toEqual({ copies: 0, images: 3, size: 16, dilation: 2, padding: 1 });
    expect(build({ dilation: 4 }, 'jit_wino')).toEqual({ copies: 0, images: 3, size: 16, dilation: 4, padding: 4 });
    expect(build({}, 'jit')).toEqual({ copies: 0, images: 3, size: 16, dilation: 2, padding: 2 });
  });

  it('enlarges an output in the plain layout, and a map that is read again in blocks', () => {
    const graph = new Graph();
    const map = conv2d(graph.input('image', [1, 3, 8, 8]), weight(graph, 'w', [32, 3, 3, 3]), { padding: 1 });
    graph.output('large', resize(map, 64, 64));
    graph.output('again', conv2d(resize(map, 32, 32), weight(graph, 'v', [32, 32, 1, 1])));
    const { plan: planned } = plan(graph);
    const layouts = planned.steps.filter(({ kind }) => kind === 'resize').map(({ y }) => (y as number[])[5]);
    expect(layouts).toEqual([1, 16]);
  });

  it('says which op it cannot run', () => {
    const graph = new Graph();
    const x = graph.input('x', [1]);
    graph.output('y', graph.add('mystery', [x], {}, [{ shape: [1], dtype: 'float32' }])[0]);
    expect(() => plan(graph)).toThrow("the native engine cannot run the op 'mystery'");
  });
});
