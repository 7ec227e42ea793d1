import type { Graph, Shape, Tensor } from '../graph/graph.ts';
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
 * A place in the tree of a network's modules: it names parameters (`stages.0.1.expand.0.weight`, as PyTorch would) and
 * creates them in the graph.
 *
 * @example convolution(scope.at('stem'), x, { filters: 32, kernel: 3 })
 */
export class Scope {
  constructor(
    readonly graph: Graph,
    readonly mode: BuildMode,
    readonly path = '',
  ) {}

  /** The scope of a child module. */
  at(name: string | number): Scope {
    return new Scope(this.graph, this.mode, this.path ? `${this.path}.${name}` : String(name));
  }

  private name(name: string): string {
    return this.path ? `${this.path}.${name}` : name;
  }

  /** A trainable parameter of this module. */
  parameter(name: string, shape: Shape, initializer: Initializer, options: { decay: boolean }): Tensor {
    const full = this.name(name);
    const initial = () => initializer(shape, new Random(this.mode.seed, 'parameter', full));
    return this.graph.state(full, shape, initial, { trainable: true, decay: options.decay });
  }

  /** A value that the module keeps but no optimiser trains, such as a running mean. */
  buffer(name: string, shape: Shape, initializer: Initializer): Tensor {
    const full = this.name(name);
    return this.graph.state(full, shape, () => initializer(shape, new Random(this.mode.seed, 'buffer', full)));
  }
}
