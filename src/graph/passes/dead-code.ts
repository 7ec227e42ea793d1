import type { Graph, GraphNode } from '../graph.ts';
import { rewrite } from './rewrite.ts';

/** Returns the nodes that outputs and updates depend on, in order. Inputs are kept, because callers feed them by name. */
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

/** Removes the nodes and states that nothing depends on. */
export function removeDeadCode(source: Graph): Graph {
  return rewrite(source, () => undefined, liveNodes(source));
}
