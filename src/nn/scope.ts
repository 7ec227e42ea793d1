import type { Graph, Shape, Tensor } from '../graph/graph.ts';
import { isBelow } from '../graph/module.ts';
import { Random } from '../random/random.ts';
import type { Initializer } from './initializers.ts';

/** How a network is built into a graph. */
export interface BuildMode {
  /** Batch statistics and dropout on; running statistics are updated. */
  readonly training: boolean;
  /** Seed of the initial weights. */
  readonly seed: number;
  /** Whether heads that only help training are built. */
  readonly auxiliary?: boolean;
}

/**
 * A place in the tree of a network's modules: it names parameters (`stages.0.1.expand.0.weight`, as PyTorch would),
 * creates them in the graph, and says which nodes a module consists of. A new block is a function that `defineModule`
 * makes; a place in between that holds modules but is none (`stages`) needs nothing but `at`. See docs/networks.md.
 *
 * @example convolution(scope.at('stem'), x, { filters: 32, kernel: 3 })
 */
export class Scope {
  constructor(
    readonly graph: Graph,
    readonly mode: BuildMode,
    readonly path = '',
  ) {}

  /** The scope of a child; children with numbers are a list. */
  at(name: string | number): Scope {
    return new Scope(this.graph, this.mode, this.name(String(name)));
  }

  /**
   * Builds the module at this place: all nodes that the body makes belong to it, but for those of modules inside.
   *
   * @param kind what it is, as a class would be called: `BasicBlock`
   * @param description what every module of the kind is, in one line
   * @throws Error where the place is not below that of the module that is being built
   */
  module<Result>(kind: string, body: () => Result, description?: string): Result {
    const { graph, path } = this;
    const parent = graph.module;
    if (parent && !isBelow(path, parent.path)) {
      throw new Error(
        `a ${kind} at '${path}' cannot be a part of the ${parent.kind} at '${parent.path}'; give it a place there: scope.at('name')`,
      );
    }
    return graph.within({ path, kind, parent, ...(description && { description }) }, body);
  }

  /** A trainable parameter of this module. @throws Error outside of the body of the module at this place */
  parameter(name: string, shape: Shape, initializer: Initializer, options: { decay: boolean }): Tensor {
    return this.state(name, shape, initializer, 'parameter', { trainable: true, decay: options.decay });
  }

  /**
   * A value that the module keeps but no optimiser trains, such as a running mean.
   *
   * @throws Error outside of the body of the module at this place
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
      throw new Error(`the ${use} '${full}' belongs to no module: make the function that builds it by defineModule`);
    }
    return this.graph.state(full, shape, () => initializer(shape, new Random(this.mode.seed, use, full)), options);
  }
}

/**
 * A kind of module: a function that builds one at a scope. Exports, figures and tables know the module by its kind:
 * model.py has a class of that name with the description as its docstring.
 *
 * @param kind the name of the class: `BasicBlock`
 * @param description what every module of the kind is, in one line of ASCII
 * @param build makes the parameters, the modules inside, and the nodes in between
 * @throws Error where the kind is no name of a class or the description is not one line of ASCII
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
  if (!/^[A-Z]\w*$/.test(kind)) throw new Error(`the kind '${kind}' is no name of a class, such as BasicBlock`);
  if (!/^[ -~]+$/.test(description)) throw new Error(`the description of ${kind} must be one line of ASCII`);
  return (scope, ...rest) => scope.module(kind, () => build(scope, ...rest), description);
}
