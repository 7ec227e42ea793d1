import { type Graph, type GraphNode, stateAttributes, type Tensor } from './graph.ts';
import type { Module } from './module.ts';
import { liveNodes } from './passes/dead-code.ts';

/** A module with what it holds; or a place that is no module but holds some, such as a list of stages. */
export class Region {
  readonly children = new Map<string, Region>();
  /** The parameters and buffers of the module itself, by their own names. */
  readonly parameters = new Map<string, Tensor>();
  /** What is computed inside, in order; states and constants are not, inputs neither. */
  readonly nodes: GraphNode[] = [];

  constructor(
    readonly path: string,
    readonly parent: Region | undefined,
    /** Undefined for a place that only holds modules, and for a network that was built outside of any. */
    readonly module: Module | undefined,
  ) {}

  /** The last name of the path. */
  get name(): string {
    return this.path.slice(this.path.lastIndexOf('.') + 1);
  }

  /** The number of an item of a list. */
  get index(): number | undefined {
    return /^\d+$/.test(this.name) ? Number(this.name) : undefined;
  }

  /** Whether its children are a list: numbered from 0 without a gap. */
  get numbered(): boolean {
    return this.children.size > 0 && [...this.children.values()].every(({ index }, place) => index === place);
  }

  contains(other: Region): boolean {
    for (let region: Region | undefined = other; region; region = region.parent) if (region === this) return true;
    return false;
  }
}

/** A network as a tree of its modules. */
export interface ModuleTree {
  readonly root: Region;
  /** The innermost region of each node. */
  readonly regionOf: ReadonlyMap<GraphNode, Region>;
}

/**
 * The modules of a graph with the nodes that belong to them; what nothing depends on is left out. Children come in the order of
 * the computation, those of a list in that of their numbers.
 *
 * @throws Error where modules of different kinds stand at one place
 */
export function moduleTree(graph: Graph): ModuleTree {
  const root = new Region('', undefined, undefined);
  const regions = new Map<string, Region>();
  ...
}
