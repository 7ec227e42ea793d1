import type { Graph, GraphNode, Tensor } from '../../graph/graph.ts';

/** The readers of each tensor in a graph. */
export class Readers {
  private readonly nodes = new Map<Tensor, GraphNode[]>();
  private readonly published: ReadonlySet<Tensor>;

  constructor(graph: Graph) {
    for (const node of graph.nodes) {
      for (const input of node.inputs) {
        const known = this.nodes.get(input);
        if (known) known.push(node);
        else this.nodes.set(input, [node]);
      }
    }
    this.published = new Set([...graph.outputs.values(), ...graph.updates.values()]);
  }

  /** Returns the nodes that read a tensor, in order; a node that reads it twice is listed twice. */
  of(tensor: Tensor): readonly GraphNode[] {
    return this.nodes.get(tensor) ?? [];
  }

  /** Whether the tensor is an output of the graph or the new value of a state. */
  isPublished(tensor: Tensor): boolean {
    return this.published.has(tensor);
  }

  /** Returns the only reader of a tensor, if it reads it once; `ignored` readers do not count. */
  sole(tensor: Tensor, ignored?: ReadonlySet<GraphNode>): GraphNode | undefined {
    if (this.isPublished(tensor)) return undefined;
    const counted = ignored ? this.of(tensor).filter((node) => !ignored.has(node)) : this.of(tensor);
    return counted.length === 1 ? counted[0] : undefined;
  }
}
