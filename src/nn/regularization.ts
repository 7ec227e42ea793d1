import type { Tensor } from '../graph/graph.ts';
import { dropout } from '../graph/ops/random.ts';
import type { Scope } from './scope.ts';

/** Drops elements of x at a rate, or whole feature maps; in training only. The scope gives the mask its name. */
export function dropoutLayer(scope: Scope, x: Tensor, rate: number, unit: 'element' | 'channel' = 'element'): Tensor {
  return scope.mode.training ? dropout(x, scope.maskName, rate, unit) : x;
}

/**
 * Stochastic depth (Huang et al. 2016): drops the branch for whole images at a rate, so that only the shortcut is left; in
 * training only.
 *
 * @example add(shortcut, stochasticDepth(scope, branch, 0.1))
 */
export function stochasticDepth(scope: Scope, branch: Tensor, rate: number): Tensor {
  return scope.mode.training ? dropout(branch, `${scope.maskName}.depth`, rate, 'image') : branch;
}
