import { sizeOf, stateAttributes, type Tensor } from '../graph/graph.ts';
import { add, div, maximum, mul, sqrt, sub } from '../graph/ops/elementwise.ts';
import { matMul } from '../graph/ops/matmul.ts';
import { reduceSum, scale } from '../graph/ops/reduction.ts';
import { concat, reshape, split, transpose } from '../graph/ops/shape.ts';
import { zeroState } from './optimizer-state.ts';

export interface MuonOptions {
  readonly momentum: number;
  /** Subtracted from the weights as rate·weightDecay·w. */
  readonly weightDecay: number;
  /** Factor of the learning rate of a kernel; default 1 for all. */
  readonly rateFactor?: (kernel: Tensor) => number;
}

/** A kernel and its gradient, of the same shape. */
export interface KernelGradient {
  readonly kernel: Tensor;
  readonly gradient: Tensor;
}

/** Smaller matrices have too few directions to orthogonalise. */
const leastRank = 16;

/** Coefficients of the quintic Newton–Schulz iteration, and the number of iterations (Jordan 2024). */
const [linear, cubic, quintic] = [3.4445, -4.775, 2.0315];
const iterations = 5;

/** Step size at which the update is as large as a typical one of AdamW, so that both take the same learning rate (Liu et al. 2025). */
const likeAdam = 0.2;

/** Whether Muon updates a parameter: a convolution kernel that mixes channels, with at least 16 rows and columns as a matrix. */
export function isMuonKernel(parameter: Tensor): boolean {
  const { shape } = parameter;
  if (shape.length !== 4 || shape[1] === 1 || !stateAttributes(parameter).decay) return false;
  return Math.min(...matrixOf(parameter)) >= leastRank;
}

/** A kernel as a matrix: filters × the rest. */
function matrixOf({ shape }: Tensor): readonly [number, number] {
  return [shape[0], sizeOf(shape) / shape[0]];
}

/** Moves the singular values of k matrices, k×m×n with m ≤ n, towards 1. */
function orthogonalize(x: Tensor): Tensor {
  const norm = sqrt(reduceSum(mul(x, x), [1, 2], true));
  let y = div(x, maximum(norm, x.graph.scalar(1e-7)));
  for (let iteration = 0; iteration < iterations; iteration++) {
    const gram = matMul(y, y, false, true);
    const polynomial = add(scale(gram, cubic), scale(matMul(gram, gram), quintic));
    y = add(scale(y, linear), matMul(polynomial, y));
  }
  return y;
}

/** The step of kernels that are equal as matrices. */
function stepOfGroup(group: readonly KernelGradient[], rate: Tensor, options: MuonOptions): readonly Tensor[] {
  const { momentum, weightDecay, rateFactor = () => 1 } = options;
  const { graph } = rate;
  const kernels = group.map(({ kernel }) => kernel);
  const [rows, columns] = matrixOf(kernels[0]);
  const stack = (tensors: readonly Tensor[]) =>
    concat(
      tensors.map((tensor) => reshape(tensor, [1, rows, columns])),
      0,
    );
  const weights = stack(kernels);
  const g = stack(group.map(({ gradient }) => gradient));
  const state = zeroState(graph, `muon.${rows}x${columns}`, [kernels.length, rows, columns]);
  const velocity = add(scale(state, momentum), scale(g, 1 - momentum));
  graph.assign(state, velocity);
  const direction = add(scale(velocity, momentum), scale(g, 1 - momentum));
  const swap = (x: Tensor) => (rows > columns ? transpose(x, [0, 2, 1]) : x);
  const step = scale(swap(orthogonalize(swap(direction))), likeAdam * Math.sqrt(Math.max(rows, columns)));
  const factors = kernels.map(rateFactor);
  const rates = factors.every((factor) => factor === 1)
    ? rate
    : mul(graph.constant(factors, [factors.length, 1, 1]), rate);
  const decayed = weightDecay > 0 ? sub(weights, mul(scale(weights, weightDecay), rates)) : weights;
  const next = sub(decayed, mul(step, rates));
  const parts = split(
    next,
    0,
    kernels.map(() => 1),
  );
  return parts.map((part, index) => reshape(part, kernels[index].shape));
}

/**
 * Appends a step of Muon (Jordan 2024) and assigns the kernels: momentum with Nesterov's correction, orthogonalised as a matrix
 * filters × rest. Kernels of equal size are computed together.
 *
 * @param rate the learning rate, a scalar
 */
export function updateKernels(pairs: readonly KernelGradient[], rate: Tensor, options: MuonOptions): void {
  const groups = new Map<string, KernelGradient[]>();
  for (const pair of pairs) {
    const size = matrixOf(pair.kernel).join('x');
    groups.set(size, [...(groups.get(size) ?? []), pair]);
  }
  for (const group of groups.values()) {
    stepOfGroup(group, rate, options).forEach((next, index) => {
      rate.graph.assign(group[index].kernel, next);
    });
  }
}
