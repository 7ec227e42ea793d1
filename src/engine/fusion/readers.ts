import type { Graph, GraphNode, Tensor } from '../../graph/graph.ts';

/** Who reads the tensors of a graph. */
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

  /** The nodes that read a tensor, in order; one that reads it twice stands there twice. */
  of(tensor: Tensor): readonly GraphNode[] {
    return this.nodes.get(tensor) ?? [];
  }

  /** Whether the tensor is an output of the graph or what a state becomes. */
  isPublished(tensor: Tensor): boolean {
    return this.published.has(tensor);
  }

  /** The node that alone reads a tensor, and once; readers that are `ignored` do not count. */
  sole(tensor: Tensor, ignored?: ReadonlySet<GraphNode>): GraphNode | undefined {
    if (this.isPublished(tensor)) return undefined;
    const counted = ignored ? this.of(tensor).filter((node) => !ignored.has(node)) : this.of(tensor);
    return counted.length === 1 ? counted[0] : undefined;
  }
}
