import type { Graph, GraphNode } from '../graph.ts';
import { rewrite } from './rewrite.ts';

/** The nodes that outputs and updates depend on, in order; inputs are kept, since callers feed them by name. */
export function liveNodes(graph: Graph): GraphNode[] {
  const live = new Set<GraphNode>();
  const visit = [...graph.outputs.values(), ...graph.updates.values()].map((tensor) => tensor.node);
  for (const name of graph.updates.keys()) visit.push(graph.states.get(name)!.node);
  while (visit.length > 0) {
    const node = visit.pop()!;
    if (live.has(node)) continue;
    live.add(node);
    for (const input of node.inputs) visit.push(input.node);
  }
  return graph.nodes.filter((node) => node.op === 'input' || live.has(node));
}

/** The graph without the nodes and states that nothing depends on. */
export function removeDeadCode(source: Graph): Graph {
  return rewrite(source, () => undefined, liveNodes(source));
}
