import { describe, expect, it } from 'vitest';
import { countOps, drawInputs, largestDifference, runDouble } from '../../../test/contract/fused-evaluator.ts';
import { gradients } from '../../graph/autodiff.ts';
import { Graph, type Tensor } from '../../graph/graph.ts';
import { add, mul } from '../../graph/ops/elementwise.ts';
import { reduceMean, reduceSum } from '../../graph/ops/reduction.ts';
import { type ResizeMode, resize } from '../../graph/ops/resize.ts';
import { crossEntropyPixels } from '../../graph/ops/softmax.ts';
import { softmaxSums } from '../../graph/ops/softmax-sums.ts';
import { removeDeadCode } from '../../graph/passes/dead-code.ts';
import { combinedLoss, type LossOptions } from '../../losses/combined.ts';
import { fuseLossHead } from './fuse-loss-head.ts';
import { fusedOps } from './fused-ops.ts';

const classes = 3;

interface Parts {
  readonly graph: Graph;
  readonly logits: Tensor;
  readonly labels: Tensor;
}

/** A graph with logits 4×5, brought to `side`, labels of that size, a loss of both, and its gradient. */
function build(
  loss: (parts: Parts) => Tensor,
  options: { side?: readonly [number, number]; mode?: ResizeMode; gradient?: boolean } = {},
): Graph {
  const { side = [8, 9], mode = 'bilinear', gradient = true } = options;
  const graph = new Graph();
  const small = graph.input('logits', [2, classes, 4, 5]);
  const labels = graph.input('labels', [2, ...side], 'int32');
  const total = loss({ graph, logits: resize(small, side[0], side[1], mode), labels });
  graph.output('loss', total);
  if (gradient) graph.output('gradient', gradients(total, [small])[0]);
  return removeDeadCode(graph);
}

const combined = (options: LossOptions) => (parts: Parts) => combinedLoss(parts.logits, parts.labels, options).total;

/** The graph after the pass, without what it has left unread; it must give the same results. */
async function fuse(graph: Graph): Promise<Graph> {
  const fused = removeDeadCode(fuseLossHead(graph));
  const runs = [drawInputs(graph, classes, 1), drawInputs(graph, classes, 2)];
  expect(largestDifference(await runDouble(fused, runs), await runDouble(graph, runs)).difference).toBeLessThan(1e-12);
  return fused;
}

function attributesOf(graph: Graph) {
  const heads = [fusedOps.lossHead, fusedOps.lossHeadGradient] as readonly string[];
  return graph.nodes.filter(({ op }) => heads.includes(op)).map(({ op, attributes }) => ({ op, ...attributes }));
}

/** Ops of a head that the pass has left as they are. */
function leftOver(graph: Graph): string[] {
  const ops = [
    'resize',
    'crossEntropy',
    'softmaxSums',
    'crossEntropyGradient',
    'softmaxSumsGradient',
    'resizeGradient',
  ];
  return Object.keys(countOps(graph)).filter((op) => ops.includes(op));
}

describe('fuseLossHead', () => {
  const variants: [string, LossOptions, object][] = [
    ['cross-entropy', { crossEntropy: 1, dice: 0 }, { labelSmoothing: 0, regions: false }],
    ['cross-entropy and dice', { crossEntropy: 1, dice: 1 }, { labelSmoothing: 0, regions: true }],
    ['dice', { crossEntropy: 0, dice: 1 }, { regions: true }],
    [
      'a weighted sum with class weights and smoothing',
      { crossEntropy: 0.7, dice: 0.5, classWeights: [1, 2, 3], labelSmoothing: 0.1 },
      { labelSmoothing: 0.1, regions: true },
    ],
  ];
  for (const [name, options, expected] of variants) {
    it(`takes in ${name}, with the resize and without one`, async () => {
      for (const mode of ['bilinear', 'bilinear-align-corners'] as const) {
        const resized = await fuse(build(combined(options), { mode }));
        expect(attributesOf(resized)).toEqual([
          { op: fusedOps.lossHead, ...expected, resize: { mode, size: [8, 9] } },
          { op: fusedOps.lossHeadGradient, ...expected, resize: { mode, size: [8, 9] } },
        ]);
        expect(leftOver(resized)).toEqual([]);
      }
      const plain = await fuse(build(combined(options), { side: [4, 5] }));
      expect(attributesOf(plain)).toEqual([
        { op: fusedOps.lossHead, ...expected },
        { op: fusedOps.lossHeadGradient, ...expected },
      ]);
      expect(leftOver(plain)).toEqual([]);
    });
  }

  it('takes in a head without a backward pass', async () => {
    const fused = await fuse(build(combined({ crossEntropy: 1, dice: 1 }), { gradient: false }));
    expect(countOps(fused)).toMatchObject({ fusedLossHead: 1 });
    expect(leftOver(fused)).toEqual([]);
  });

  it('takes in the gradient of one loss where the other is only measured', async () => {
    for (const part of ['crossEntropy', 'dice']) {
      const loss = ({ graph, logits, labels }: Parts) => {
        const { parts } = combinedLoss(logits, labels, { crossEntropy: 1, dice: 1 });
        for (const [name, value] of parts) graph.output(name, value);
        return parts.get(part)!;
      };
      const fused = await fuse(build(loss));
      expect(attributesOf(fused)).toMatchObject([
        { regions: true, labelSmoothing: 0 },
        part === 'dice' ? { regions: true } : { regions: false, labelSmoothing: 0 },
      ]);
      expect(leftOver(fused)).toEqual([]);
    }
  });

  it('takes in sums that are not divided by anything, whose gradient is a constant', async () => {
    const loss = ({ graph, logits, labels }: Parts) =>
      reduceSum(crossEntropyPixels(logits, labels, graph.constant([1, 2, 3], [classes])).loss);
    const fused = await fuse(build(loss));
    expect(leftOver(fused)).toEqual([]);
    const gradient = fused.nodes.find(({ op }) => op === fusedOps.lossHeadGradient)!;
    expect(gradient.inputs.map(({ shape }) => shape.length)).toEqual([4, 3, 1, 0]);
  });

  it('leaves a resize to the nearest neighbour outside', async () => {
    const fused = await fuse(build(combined({ crossEntropy: 1, dice: 1 }), { mode: 'nearest' }));
    expect(countOps(fused)).toMatchObject({ resize: 1, resizeGradient: 1, fusedLossHead: 1, fusedLossHeadGradient: 1 });
    expect(attributesOf(fused)[0]).not.toHaveProperty('resize');
  });

  it('leaves the resize outside where something else reads the large logits', async () => {
    const asOutput = (parts: Parts) => {
      parts.graph.output('large', parts.logits);
      return combined({ crossEntropy: 1, dice: 1 })(parts);
    };
    const expected = { resize: 1, resizeGradient: 1, fusedLossHead: 1, fusedLossHeadGradient: 1 };
    expect(countOps(await fuse(build(asOutput)))).toMatchObject(expected);
    const read = (parts: Parts) =>
      add(combined({ crossEntropy: 1, dice: 1 })(parts), reduceMean(mul(parts.logits, parts.logits)));
    const fused = await fuse(build(read));
    expect(countOps(fused)).toMatchObject({ resize: 1, resizeGradient: 1, fusedLossHead: 1 });
    expect(leftOver(fused)).toEqual(['resize', 'resizeGradient']);
  });

  const views: [string, (pixels: Tensor) => Tensor][] = [
    ['outputs', (pixels) => pixels],
    ['read one by one', (pixels) => mul(pixels, pixels)],
    ['summed image by image', (pixels) => reduceSum(pixels, [1, 2])],
    ['summed with their axes kept', (pixels) => reduceSum(pixels, [0, 1, 2], true)],
  ];
  it.each(views)(
    'leaves a cross-entropy alone whose pixels are %s, and takes in the sums beside it',
    async (_, view) => {
      const loss = ({ graph, logits, labels }: Parts) => {
        const pixels = crossEntropyPixels(logits, labels, graph.constant([1, 1, 1], [classes])).loss;
        graph.output('view', view(pixels));
        return add(reduceSum(pixels), reduceSum(softmaxSums(logits, labels).overlap));
      };
      const fused = await fuse(build(loss));
      expect(leftOver(fused)).toEqual(['resize', 'crossEntropy', 'resizeGradient']);
      expect(attributesOf(fused)).toMatchObject([{ regions: true }, { regions: true, labelSmoothing: 0 }]);
      expect(attributesOf(fused)[0]).not.toHaveProperty('labelSmoothing');
    },
  );

  it('leaves the gradient of a cross-entropy alone whose pixels weigh differently', async () => {
    const loss = ({ graph, logits, labels }: Parts) => {
      const pixels = crossEntropyPixels(logits, labels, graph.constant([1, 1, 1], [classes])).loss;
      return reduceSum(mul(pixels, pixels));
    };
    expect(leftOver(await fuse(build(loss)))).toEqual([
      'resize',
      'crossEntropy',
      'crossEntropyGradient',
      'resizeGradient',
    ]);
  });

  it('takes in two heads over the same logits with labels of their own', async () => {
    const loss = (parts: Parts) => {
      const others = parts.graph.input('others', parts.labels.shape, 'int32');
      const first = combined({ crossEntropy: 1, dice: 1 })(parts);
      return add(first, combined({ crossEntropy: 1, dice: 0 })({ ...parts, labels: others }));
    };
    const fused = await fuse(build(loss));
    expect(countOps(fused)).toMatchObject({ fusedLossHead: 2 });
    // Their gradients are added up before they are brought back to the small size: the large one has to exist.
    expect(leftOver(fused)).toContain('resize');
  });

  it('does not merge losses of which one waits for the other', async () => {
    const loss = ({ logits, labels }: Parts) => {
      const { actual, overlap } = softmaxSums(logits, labels);
      const rare = reduceSum(actual, [0]);
      const { loss: pixels } = crossEntropyPixels(logits, labels, rare);
      return add(reduceSum(pixels), reduceSum(overlap));
    };
    const fused = await fuse(build(loss, { gradient: false }));
    expect(attributesOf(fused)).toMatchObject([{ regions: true }, { regions: false, labelSmoothing: 0 }]);
    expect(leftOver(fused)).toEqual([]);
  });
});
