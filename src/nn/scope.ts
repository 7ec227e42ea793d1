import { formatShape, type Graph, type Shape, type Tensor } from '../graph/graph.ts';
import { isBelow } from '../graph/module.ts';
import { Random } from '../random/random.ts';
import type { Initializer } from './initializers.ts';

/** How a network is built into a graph. */
export interface BuildMode {
  /** Whether to use batch statistics and dropout and to update the running statistics. */
  readonly training: boolean;
  /** Seed of the initial weights. */
  readonly seed: number;
  /** Whether to build the auxiliary heads, which are used in training only. */
  readonly auxiliary?: boolean;
  /** Whether the batch normalisation at a path uses its running statistics in training and leaves them as they are. */
  readonly frozenBatchNorm?: (path: string) => boolean;
}

/**
 * A path in a network's module tree. It names parameters as PyTorch would (`stages.0.1.expand.0.weight`), creates them in the
 * graph and records which nodes belong to a module. Create a new block with `defineModule`. Intermediate paths that only
 * contain modules (`stages`) need only `at`. See docs/networks.md.
 *
 * @example convolution(scope.at('stem'), x, { filters: 32, kernel: 3 })
 */
export class Scope {
  /** @param use number of the use of the modules below: 0, or the number of earlier uses; see `again` */
  constructor(
    readonly graph: Graph,
    readonly mode: BuildMode,
    readonly path = '',
    readonly use = 0,
  ) {}

  /** Returns the scope of a child; numbered children form a list. */
  at(name: string | number): Scope {
    return new Scope(this.graph, this.mode, this.name(String(name)), this.use);
  }

  /**
   * Returns the scope of another use of modules that were already built here. It creates nothing new: their weights and
   * running statistics are shared. In training, each use moves the running statistics, in the order in which they are built.
   *
   * @example
   * const coarse = encoderFeatures(scope, small, { encoder });
   * const fine = encoderFeatures(scope.again(), image, { encoder, depth: 3 });
   */
  again(): Scope {
    return new Scope(this.graph, this.mode, this.path, this.use + 1);
  }

  /** A name for the random mask of a module: its path, and the number of its use after the first. */
  get maskName(): string {
    return this.use === 0 ? this.path : `${this.path}@${this.use}`;
  }

  /**
   * Builds the module at this path. All nodes created by the body belong to it, except those of submodules.
   *
   * @param kind the class name: `BasicBlock`
   * @param description one line about the kind
   * @throws Error if the path is not below the module being built
   */
  module<Result>(kind: string, body: () => Result, description?: string): Result {
    const { graph, path } = this;
    const parent = graph.module;
    if (parent && !isBelow(path, parent.path)) {
      throw new Error(
        `the ${kind} at '${path}' is not inside the ${parent.kind} at '${parent.path}'; create it at scope.at('name')`,
      );
    }
    return graph.within({ path, kind, parent, ...(description && { description }) }, body);
  }

  /** Creates a trainable parameter of this module. @throws Error outside the body of the module at this path */
  parameter(name: string, shape: Shape, initializer: Initializer, options: { decay: boolean }): Tensor {
    return this.state(name, shape, initializer, 'parameter', { trainable: true, decay: options.decay });
  }

  /**
   * Creates a state that is not trained, such as a running mean.
   *
   * @throws Error outside the body of the module at this path
   */
  buffer(name: string, shape: Shape, initializer: Initializer): Tensor {
    return this.state(name, shape, initializer, 'buffer', {});
  }

  private name(name: string): string {
    return this.path ? `${this.path}.${name}` : name;
  }

  private state(
    name: string,
    shape: Shape,
    initializer: Initializer,
    use: 'parameter' | 'buffer',
    options: { trainable?: boolean; decay?: boolean },
  ): Tensor {
    const full = this.name(name);
    if (this.path !== (this.graph.module?.path ?? '')) {
      throw new Error(`the ${use} '${full}' belongs to no module; create it inside a function made with defineModule`);
    }
    if (this.use > 0) return this.sharedState(full, shape);
    return this.graph.state(full, shape, () => initializer(shape, new Random(this.mode.seed, use, full)), options);
  }

  private sharedState(name: string, shape: Shape): Tensor {
    const state = this.graph.states.get(name);
    if (!state) throw new Error(`there is no '${name}' to use again; the first use of its module did not create it`);
    if (formatShape(state.shape) === formatShape(shape)) return state;
    throw new Error(`'${name}' is ${formatShape(state.shape)}, but is used again as ${formatShape(shape)}`);
  }
}

/**
 * Defines a kind of module and returns the function that builds one at a scope. Exports, figures and tables show this kind:
 * model.py has a class of that name with the description as its docstring.
 *
 * @param kind the class name: `BasicBlock`
 * @param description one line of ASCII about the kind
 * @param build creates the parameters, the submodules and the nodes
 * @throws Error if the kind is not a class name or the description is not one line of ASCII
 * @example
 * export const doubleConv = defineModule('DoubleConv', 'Two 3x3 convolutions.', (scope, x: Tensor, filters: number) => {
 *   const y = convBn(scope.at(0), x, { filters, kernel: 3 });
 *   return convBn(scope.at(1), y, { filters, kernel: 3 });
 * });
 */
export function defineModule<Arguments extends unknown[], Result>(
  kind: string,
  description: string,
  build: (scope: Scope, ...rest: Arguments) => Result,
): (scope: Scope, ...rest: Arguments) => Result {
  if (!/^[A-Z]\w*$/.test(kind)) throw new Error(`the kind '${kind}' is not a class name; use one like BasicBlock`);
  if (!/^[ -~]+$/.test(description)) throw new Error(`the description of ${kind} must be one line of ASCII`);
  return (scope, ...rest) => scope.module(kind, () => build(scope, ...rest), description);
}
