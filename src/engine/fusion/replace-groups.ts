import { Graph, type GraphNode, type Tensor } from '../../graph/graph.ts';
import { commonModule } from '../../graph/module.ts';
import { copyNode } from '../../graph/passes/rewrite.ts';

/** A group of nodes and its replacement. */
export interface NodeGroup {
  readonly nodes: readonly GraphNode[];
  /**
   * Appends the replacement to the new graph. `input` maps a tensor from outside the group to the new graph. Returns a
   * pair [old, new] for each output of the group that is still read.
   */
  build(input: (tensor: Tensor) => Tensor, target: Graph): Iterable<readonly [Tensor, Tensor]>;
}

/**
 * Builds a new graph in which groups of nodes are replaced. Among the nodes and groups whose inputs are ready, the one with
 * the earliest position in the old graph comes next; a group has the position of its last node. The order, which determines
 * how long tensors live, stays as close to the old one as the groups permit. A replacement belongs to the innermost module
 * that contains the whole group.
 *
 * @throws Error if groups depend on each other in a cycle; `Contraction` avoids this
 */
export function replaceGroups(source: Graph, groups: readonly NodeGroup[]): Graph {
  const units = unitsOf(source, groups);
  const target = new Graph();
  const mapped = new Map<Tensor, Tensor>();
  const translate = (tensor: Tensor): Tensor => {
    const found = mapped.get(tensor);
    if (!found) throw new Error(`replaceGroups: a ${tensor.node.op} was dropped but is still used`);
    return found;
  };
  for (const unit of orderUnits(units)) {
    const module = commonModule(unit.nodes.map((node) => node.module));
    const replaced = target.within(module, () => {
      if (unit.group) return [...unit.group.build(translate, target)];
      const [node] = unit.nodes;
      const outputs = copyNode(node, node.inputs.map(translate), target);
      return node.outputs.map((output, index) => [output, outputs[index]] as const);
    });
    for (const [old, tensor] of replaced) mapped.set(old, tensor);
  }
  for (const [name, tensor] of source.outputs) target.output(name, translate(tensor));
  for (const [name, tensor] of source.updates) target.assign(translate(source.states.get(name)!), translate(tensor));
  return target;
}

/** A node or a group, with its predecessors and successors. */
interface Unit {
  readonly nodes: readonly GraphNode[];
  readonly group: NodeGroup | undefined;
  readonly priority: number;
  readonly before: Set<Unit>;
  readonly after: Set<Unit>;
}

function unitsOf(source: Graph, groups: readonly NodeGroup[]): Unit[] {
  const position = new Map(source.nodes.map((node, index) => [node, index]));
  const units = new Map<GraphNode, Unit>();
  const enter = (nodes: readonly GraphNode[], group?: NodeGroup) => {
    const priority = nodes.reduce((last, node) => Math.max(last, position.get(node) ?? -1), -1);
    const unit: Unit = { nodes, group, priority, before: new Set(), after: new Set() };
    for (const node of nodes) {
      if (!position.has(node)) throw new Error(`replaceGroups: a ${node.op} of a group is not in the graph`);
      if (units.has(node)) throw new Error(`replaceGroups: the op '${node.op}' is in two groups`);
      units.set(node, unit);
    }
  };
  for (const group of groups) enter(group.nodes, group);
  for (const node of source.nodes) if (!units.has(node)) enter([node]);
  for (const [node, unit] of units) {
    for (const input of node.inputs) {
      const producer = units.get(input.node)!;
      if (producer === unit) continue;
      unit.before.add(producer);
      producer.after.add(unit);
    }
  }
  return [...new Set(units.values())];
}

function orderUnits(units: readonly Unit[]): Unit[] {
  const waiting = new Map(units.map((unit) => [unit, unit.before.size]));
  const ready = new PriorityQueue(units.filter((unit) => unit.before.size === 0));
  const order: Unit[] = [];
  for (let unit = ready.take(); unit; unit = ready.take()) {
    order.push(unit);
    waiting.delete(unit);
    for (const next of unit.after) {
      const left = waiting.get(next)! - 1;
      waiting.set(next, left);
      if (left === 0) ready.add(next);
    }
  }
  if (waiting.size > 0) throw new Error(`replaceGroups: groups depend on each other in a cycle: ${circle(waiting)}`);
  return order;
}

/** The ops along a cycle among the remaining units. */
function circle(waiting: ReadonlyMap<Unit, number>): string {
  const path: Unit[] = [];
  let unit = [...waiting.keys()][0];
  while (!path.includes(unit)) {
    path.push(unit);
    // A waiting unit has a waiting predecessor.
    unit = [...unit.before].find((before) => waiting.has(before))!;
  }
  const around = [...path.slice(path.indexOf(unit)), unit].reverse();
  const name = ({ nodes }: Unit) => (nodes.length === 1 ? nodes[0].op : `{${nodes.map(({ op }) => op).join(', ')}}`);
  return around.map(name).join(' → ');
}

/** A binary heap; removes the unit with the lowest priority first. */
class PriorityQueue {
  private readonly heap: Unit[] = [];

  constructor(units: readonly Unit[]) {
    for (const unit of units) this.add(unit);
  }

  add(unit: Unit): void {
    const { heap } = this;
    let hole = heap.length;
    while (hole > 0) {
      const parent = (hole - 1) >> 1;
      if (heap[parent].priority <= unit.priority) break;
      heap[hole] = heap[parent]!;
      hole = parent;
    }
    heap[hole] = unit;
  }

  take(): Unit | undefined {
    const { heap } = this;
    const [first] = heap;
    const last = heap.pop();
    if (heap.length === 0) return first;
    let hole = 0;
    while (true) {
      let child = 2 * hole + 1;
      if (child + 1 < heap.length && heap[child + 1].priority < heap[child].priority) child++;
      if (child >= heap.length || heap[child].priority >= last!.priority) break;
      heap[hole] = heap[child]!;
      hole = child;
    }
    heap[hole] = last!;
    return first;
  }
}
