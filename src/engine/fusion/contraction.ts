import type { Graph, GraphNode } from '../../graph/graph.ts';

/** Nodes that run as one. */
interface Unit {
  readonly nodes: readonly GraphNode[];
  rank: number;
}

/**
 * A graph whose nodes are merged group by group. It refuses a merge that would create a cycle: a path that leaves the new
 * group and returns to it, through single nodes or other groups.
 *
 * Units are kept in topological order, so a merge only searches the units between the merged ones (Pearce and Kelly 2006).
 */
export class Contraction {
  private readonly units = new Map<GraphNode, Unit>();
  private readonly order: (Unit | undefined)[] = [];
  private readonly readers = new Map<GraphNode, GraphNode[]>();

  constructor(graph: Graph) {
    graph.nodes.forEach((node, rank) => {
      const unit: Unit = { nodes: [node], rank };
      this.units.set(node, unit);
      this.order.push(unit);
      this.readers.set(node, []);
      for (const input of node.inputs) this.readers.get(input.node)!.push(node);
    });
  }

  /** Merges nodes and the groups they belong to. Returns false and changes nothing if that would create a cycle. */
  merge(nodes: readonly GraphNode[]): boolean {
    const merging = new Set(nodes.map((node) => this.units.get(node)!));
    if (merging.size < 2) return true;
    const ranks = [...merging].map(({ rank }) => rank);
    const [low, high] = [Math.min(...ranks), Math.max(...ranks)];
    const behind = this.reachedFrom(merging, high);
    if (!behind) return false;
    const merged: Unit = { nodes: [...merging].flatMap((unit) => unit.nodes), rank: low };
    for (const node of merged.nodes) this.units.set(node, merged);
    const between = this.order
      .slice(low, high + 1)
      .filter((unit) => unit !== undefined && !merging.has(unit)) as Unit[];
    const reordered = [
      ...between.filter((unit) => !behind.has(unit)),
      merged,
      ...between.filter((unit) => behind.has(unit)),
    ];
    for (let rank = low; rank <= high; rank++) {
      const unit = reordered[rank - low];
      this.order[rank] = unit;
      if (unit) unit.rank = rank;
    }
    return true;
  }

  /** Returns the units up to a rank that depend on the given ones; undefined if one of those depends on them in turn. */
  private reachedFrom(start: ReadonlySet<Unit>, high: number): Set<Unit> | undefined {
    const reached = new Set<Unit>();
    const visit = [...start];
    while (visit.length > 0) {
      const unit = visit.pop()!;
      for (const node of unit.nodes) {
        for (const reader of this.readers.get(node)!) {
          const next = this.units.get(reader)!;
          if (start.has(next)) {
            if (!start.has(unit)) return undefined;
            continue;
          }
          if (next.rank > high || reached.has(next)) continue;
          reached.add(next);
          visit.push(next);
        }
      }
    }
    return reached;
  }
}
