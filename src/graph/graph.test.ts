import { describe, expect, it } from 'vitest';
import { countParameters, gigaMultiplyAccumulates } from './cost.ts';
import { formatShape, Graph, sizeOf, trainableStates } from './graph.ts';
import { applyAll, defineOp, listOps } from './op.ts';
import { conv2d } from './ops/convolution.ts';
import { add } from './ops/elementwise.ts';
import { matMul } from './ops/matmul.ts';
import { batchNormTraining } from './ops/normalization.ts';
import { adaptiveAvgPool, adaptiveRanges, maxPool } from './ops/pooling.ts';
import { dropout } from './ops/random.ts';
import { broadcastShapes, broadcastTo, reduceSum } from './ops/reduction.ts';
import { resize, resizeTaps } from './ops/resize.ts';
import { concat, pad, reshape, slice, split, transpose } from './ops/shape.ts';
import { crossEntropyPixels, oneHot, softmax } from './ops/softmax.ts';

describe('Graph', () => {
  it('keeps nodes in the order in which they are added, with inputs before what reads them', () => {
    const graph = new Graph();
    const x = graph.input('x', [2]);
    const y = add(x, graph.scalar(1));
    expect(graph.nodes.map(({ op }) => op)).toEqual(['input', 'constant', 'add']);
    expect(y.node).toBe(graph.nodes[2]);
    expect(y.node.inputs[0]).toBe(x);
  });

  it('refuses a second input, state or output of the same name', () => {
    const graph = new Graph();
    const x = graph.input('x', [1]);
    graph.state('w', [1], () => new Float32Array(1));
    graph.output('y', x);
    expect(() => graph.input('x', [2])).toThrow(/'x'/);
    expect(() => graph.state('w', [2], () => new Float32Array(2))).toThrow(/'w'/);
    expect(() => graph.output('y', x)).toThrow(/'y'/);
  });

  it('refuses a constant that does not fill its shape', () => {
    expect(() => new Graph().constant([1, 2, 3], [2, 2])).toThrow(/3 values.*2×2/);
  });

  it('takes the element type of a constant from its values', () => {
    const graph = new Graph();
    expect(graph.constant(Int32Array.of(1), [1]).dtype).toBe('int32');
    expect(graph.constant([1], [1]).dtype).toBe('float32');
  });

  it('refuses to assign what is no state, a state twice, or another shape', () => {
    const graph = new Graph();
    const x = graph.input('x', [2]);
    const w = graph.state('w', [2], () => new Float32Array(2));
    expect(() => graph.assign(x, w)).toThrow(/not a state/);
    expect(() => graph.assign(w, graph.scalar(1))).toThrow(/'w' is 2 but is assigned scalar/);
    graph.assign(w, x);
    expect(() => graph.assign(w, x)).toThrow(/'w'.*twice/);
  });

  it('refuses tensors of another graph', () => {
    const graph = new Graph();
    const w = graph.state('w', [2], () => new Float32Array(2));
    const foreign = new Graph().input('x', [2]);
    expect(() => add(w, foreign)).toThrow(/another graph/);
    expect(() => graph.output('y', foreign)).toThrow(/another graph/);
    expect(() => graph.assign(w, foreign)).toThrow(/another graph/);
  });

  it('refuses empty, broken and huge shapes', () => {
    const graph = new Graph();
    expect(() => graph.input('a', [0])).toThrow(/positive integer/);
    expect(() => graph.input('b', [1.5])).toThrow(/positive integer/);
    expect(() => graph.input('c', [2 ** 16, 2 ** 16])).toThrow(/2\^31/);
  });

  it('lists the trainable states in order', () => {
    const graph = new Graph();
    const zeros = () => new Float32Array(1);
    const first = graph.state('b', [1], zeros, { trainable: true });
    graph.state('mean', [1], zeros);
    const second = graph.state('a', [1], zeros, { trainable: true });
    expect(trainableStates(graph)).toEqual([first, second]);
  });

  it('writes shapes as people do', () => {
    expect(formatShape([8, 3, 256, 256])).toBe('8×3×256×256');
    expect(formatShape([])).toBe('scalar');
    expect(sizeOf([])).toBe(1);
    expect(sizeOf([2, 3, 4])).toBe(24);
  });
});

describe('defineOp', () => {
  it('refuses a second op of the same name', () => {
    expect(listOps()).toContain('conv2d');
    expect(() => defineOp({ name: 'conv2d', infer: () => [], gradient: 'none' })).toThrow(/'conv2d'.*twice/);
  });

  it('gives back all outputs of an op', () => {
    const graph = new Graph();
    const parts = split(graph.input('x', [4, 2]), 0, [1, 3]);
    expect(parts.map(({ shape }) => shape)).toEqual([
      [1, 2],
      [3, 2],
    ]);
    expect(parts.map(({ index }) => index)).toEqual([0, 1]);
    const pair = defineOp({ name: 'pairForThisTest', infer: ([x]) => [x, x], gradient: 'none' });
    expect(applyAll(pair, [graph.scalar(1)], {})).toHaveLength(2);
  });
});

describe('shape rules', () => {
  const graph = new Graph();
  const input = (...shape: number[]) => graph.constant(new Float32Array(sizeOf(shape)), shape);
  const labels = (...shape: number[]) => graph.constant(new Int32Array(sizeOf(shape)), shape);

  it.each([
    [{ stride: 1, padding: 0 }, [1, 4, 6, 8]],
    [{ stride: 1, padding: 1 }, [1, 4, 8, 10]],
    [{ stride: 2, padding: 1 }, [1, 4, 4, 5]],
    [{ stride: 3 }, [1, 4, 2, 3]],
    [{ dilation: 2 }, [1, 4, 4, 6]],
    [{ padding: [0, 1, 2, 3] as const }, [1, 4, 8, 12]],
  ])('conv2d of 8×10 by 3×3 with %o', (options, shape) => {
    expect(conv2d(input(1, 3, 8, 10), input(4, 3, 3, 3), options).shape).toEqual(shape);
  });

  it('pooling and resizing', () => {
    expect(maxPool(input(2, 3, 7, 9), { kernel: 3, stride: 2, padding: 1 }).shape).toEqual([2, 3, 4, 5]);
    expect(adaptiveAvgPool(input(2, 3, 7, 5), 1).shape).toEqual([2, 3, 1, 1]);
    expect(adaptiveAvgPool(input(2, 3, 7, 5), 3, 6).shape).toEqual([2, 3, 3, 6]);
    expect(resize(input(2, 3, 7, 5), 9, 4).shape).toEqual([2, 3, 9, 4]);
    expect(adaptiveRanges(7, 3)).toEqual([
      [0, 3],
      [2, 5],
      [4, 7],
    ]);
    expect(resizeTaps(2, 4, 'nearest').map(({ low }) => low)).toEqual([0, 0, 1, 1]);
    expect(resizeTaps(2, 4, 'bilinear').map(({ low, fraction }) => low + fraction)).toEqual([0, 0.25, 0.75, 1]);
    const aligned = (from: number, to: number) =>
      resizeTaps(from, to, 'bilinear-align-corners').map(({ low, fraction }) => low + fraction);
    expect(aligned(2, 5)).toEqual([0, 0.25, 0.5, 0.75, 1]);
    expect(aligned(5, 3)).toEqual([0, 2, 4]);
    expect(aligned(3, 1)).toEqual([0]);
    expect(aligned(1, 3)).toEqual([0, 0, 0]);
  });

  it('broadcasting', () => {
    expect(broadcastShapes('add', [2, 1, 4], [3, 1])).toEqual([2, 3, 4]);
    expect(broadcastShapes('add', [], [])).toEqual([]);
    expect(() => broadcastShapes('add', [2, 3], [2])).toThrow(/add: 2×3 and 2 cannot be broadcast together/);
  });

  it.each([
    ['conv2d: channels', () => conv2d(input(1, 3, 8, 8), input(4, 2, 3, 3)), /channels do not match the groups/],
    ['conv2d: groups', () => conv2d(input(1, 4, 8, 8), input(3, 2, 3, 3), { groups: 2 }), /groups 2/],
    ['conv2d: bias', () => conv2d(input(1, 3, 8, 8), input(4, 3, 1, 1), { bias: input(3) }), /bias is 3, not 4/],
    ['conv2d: axes', () => conv2d(input(3, 8, 8), input(4, 3, 1, 1)), /four axes/],
    ['conv2d: kernel past the image', () => conv2d(input(1, 3, 2, 2), input(4, 3, 3, 3)), /1×4×0×0/],
    ['matMul: inner extents', () => matMul(input(2, 3), input(4, 5)), /inner dimensions 3 and 4 differ/],
    ['matMul: leading axes', () => matMul(input(2, 3, 4), input(3, 4, 5)), /leading axes/],
    ['maxPool: padding', () => maxPool(input(1, 1, 4, 4), { kernel: 2, padding: 2 }), /more than half the kernel/],
    ['batchNormTraining: channels', () => batchNormTraining(input(1, 3, 2, 2), input(4), input(4)), /4 does not match/],
    ['concat: other axes', () => concat([input(2, 3), input(3, 3)], 1), /2×3|3×3/],
    ['concat: no such axis', () => concat([input(2), input(3)], 1), /axis 1 is out of range/],
    ['split: sizes', () => split(input(5), 0, [2, 2]), /\[2,2\]/],
    ['slice: range', () => slice(input(5), 0, 3, 6), /3 to 6/],
    ['slice: nothing', () => slice(input(5), 0, 3, 3), /3 to 3/],
    ['pad: negative', () => pad(input(5), [-1], [0]), /pad/],
    ['reshape: size', () => reshape(input(2, 3), [5]), /2×3 does not fill 5/],
    ['transpose: axes', () => transpose(input(2, 3), [0, 0]), /permutation/],
    ['broadcastTo: shape', () => broadcastTo(input(2, 3), [3]), /cannot be broadcast to/],
    ['reduceSum: axis', () => reduceSum(input(2, 3), [2]), /axes \[2\]/],
    ['softmax: axis', () => softmax(input(2, 3), 2), /axis 2 is out of range/],
    ['oneHot: labels', () => oneHot(input(1, 2, 2), 3), /int32/],
    ['crossEntropy: sizes', () => crossEntropyPixels(input(1, 3, 4, 4), labels(1, 4, 5), input(3)), /1×4×5/],
    [
      'crossEntropy: weights',
      () => crossEntropyPixels(input(1, 3, 4, 4), labels(1, 4, 4), input(4)),
      /4 class weights/,
    ],
    ['crossEntropy: type', () => crossEntropyPixels(input(1, 3, 4, 4), input(1, 4, 4), input(3)), /float32 labels/],
    ['add: element type', () => add(labels(2), input(2)), /float32/],
    ['dropout: rate', () => dropout(input(2), 'drop', 1), /'drop'.*below 1/],
  ])('refuse what does not fit: %s', (_, build, message) => {
    expect(build).toThrow(message);
  });
});

describe('cost', () => {
  it('counts multiply-accumulates of convolutions and products, and trainable parameters', () => {
    const graph = new Graph();
    const x = graph.input('x', [2, 4, 8, 8]);
    const weight = graph.state('weight', [6, 2, 3, 3], () => new Float32Array(108), { trainable: true });
    graph.state('mean', [6], () => new Float32Array(6));
    const y = conv2d(x, weight, { groups: 2, padding: 1 });
    matMul(reshape(y, [12, 64]), graph.constant(new Float32Array(640), [64, 10]));
    expect(gigaMultiplyAccumulates(graph)).toBeCloseTo((2 * 6 * 64 * 18 + 12 * 10 * 64) / 1e9, 15);
    expect(countParameters(graph)).toBe(108);
  });
});
