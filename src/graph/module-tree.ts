import { type Graph, type GraphNode, stateAttributes, type Tensor } from './graph.ts';
import type { Module } from './module.ts';
import { liveNodes } from './passes/dead-code.ts';

/** A module and its contents, or a path that only contains modules, such as a list of stages. */
export class Region {
  readonly children = new Map<string, Region>();
  /** The parameters and buffers of the module itself, by their own names. */
  readonly parameters = new Map<string, Tensor>();
  /** The nodes computed inside, submodules included, in order; without inputs, states and constants. */
  readonly nodes: GraphNode[] = [];
  /** Undefined for a path that only contains modules, and for a network built outside any module. */
  module: Module | undefined;

  constructor(
    readonly path: string,
    readonly parent: Region | undefined,
  ) {}

  /** The last name of the path. */
  get name(): string {
    return this.path.slice(this.path.lastIndexOf('.') + 1);
  }

  /** The index of a list item. */
  get index(): number | undefined {
    return /^\d+$/.test(this.name) ? Number(this.name) : undefined;
  }

  /** Whether its children form a list: numbered from 0 without gaps. */
  get numbered(): boolean {
    return this.children.size > 0 && [...this.children.values()].every(({ index }, place) => index === place);
  }

  /** The regions from a child of this one down to `inner`; undefined if `inner` is not inside. */
  pathTo(inner: Region): Region[] | undefined {
    const path: Region[] = [];
    for (let region: Region | undefined = inner; region; region = region.parent) {
      if (region === this) return path;
      path.unshift(region);
    }
    return undefined;
  }
}

/** The modules of a graph as a tree, with their nodes; dead code is left out. */
export class ModuleTree {
  readonly root = new Region('', undefined);
  private readonly regions = new Map([['', this.root]]);

  /**
   * Children are in order of computation; list items are in order of their numbers.
   *
   * @throws Error if two modules of different kinds have the same path
   */
  constructor(graph: Graph) {
    const nodes = liveNodes(graph);
    for (const node of nodes) {
      if (node.op === 'input' || node.op === 'state' || node.op === 'constant') continue;
      for (let region: Region | undefined = this.regionOf(node.module); region; region = region.parent) {
        region.nodes.push(node);
      }
    }
    for (const { op, module, outputs } of nodes) {
      if (op !== 'state') continue;
      const region = this.regionOf(module);
      const { name } = stateAttributes(outputs[0]);
      region.parameters.set(region.path ? name.slice(region.path.length + 1) : name, outputs[0]);
    }
    for (const region of this.regions.values()) sortList(region.children);
  }

  /** The region of a module; the root for nodes without a module. */
  regionOf(module: Module | undefined): Region {
    if (!module) return this.root;
    if (module.parent) this.regionOf(module.parent);
    const region = this.regionAt(module.path);
    region.module ??= module;
    if (region.module.kind === module.kind) return region;
    throw new Error(
      `both a ${region.module.kind} and a ${module.kind} are at '${module.path}'; give them different names`,
    );
  }

  private regionAt(path: string): Region {
    const found = this.regions.get(path);
    if (found) return found;
    const parent = this.regionAt(path.slice(0, Math.max(0, path.lastIndexOf('.'))));
    const region = new Region(path, parent);
    parent.children.set(region.name, region);
    this.regions.set(path, region);
    return region;
  }
}

/** Sorts numbered children by number, whatever the order of their calls. */
function sortList(children: Map<string, Region>): void {
  const regions = [...children.values()];
  if (regions.some(({ index }) => index === undefined)) return;
  children.clear();
  for (const region of regions.sort((a, b) => a.index! - b.index!)) children.set(region.name, region);
}
