import { nodeMultiplyAccumulates } from '../../graph/cost.ts';
import { type Graph, type GraphNode, sizeOf, stateAttributes, type Tensor } from '../../graph/graph.ts';
import { ModuleTree, type Region } from '../../graph/module-tree.ts';
import { singular } from '../../text/word-forms.ts';
import { type Content, describeModules } from './describe-modules.ts';

/** A part of a network as a figure shows it: a stage, a decoder step, a head. */
export interface NetworkPart {
  /** `stage 2`, from the path of its first module. */
  readonly name: string;
  /** The first word of that path: `stages`. */
  readonly group: string;
  /** Its contents. */
  readonly contents: readonly Content[];
  /** Shape of its output: C×H×W. */
  readonly shape: readonly [number, number, number];
  /** Number of trainable parameters. */
  readonly parameters: number;
  readonly multiplyAccumulates: number;
  /** Indices of the parts that it reads, ascending; −1 is the image. */
  readonly reads: readonly number[];
}

/** A network as parts in execution order. */
export interface NetworkParts {
  /** Shape of the image: C×H×W. */
  readonly input: readonly [number, number, number];
  readonly parts: readonly NetworkPart[];
}

/** Modules of the network that become one part. */
interface Unit {
  readonly modules: readonly Region[];
  /** Their nodes, in execution order. */
  readonly nodes: readonly GraphNode[];
}

/**
 * Splits an inference graph into parts: the largest modules that work at one resolution. Consecutive modules of a list with
 * the same resolution form one part.
 *
 * @example networkParts(inferenceGraph(model, { batch: 1, height: 256, width: 256 })).parts.map(({ name }) => name)
 */
export function networkParts(graph: Graph): NetworkParts {
  const input = [...graph.inputs.values()][0];
  const { root } = new ModuleTree(graph);
  const flow: Flow = { nodes: root.nodes, outputs: new Set(graph.outputs.values()) };
  const units = joinUnits(collectUnits(root, flow), flow);
  const sources = sourceFinder(units, input);
  return {
    input: shapeOf(input),
    parts: units.map(({ modules, nodes }, index): NetworkPart => {
      const reads = new Set(inputsOf(nodes).flatMap((read) => [...sources(read)]));
      return {
        name: partName(modules[0]),
        group: modules[0].path.split('.')[0],
        contents: describeModules(modules),
        shape: shapeOf(resultsOf(nodes, flow).at(-1)!),
        ...costOf(nodes),
        reads: [...reads].filter((read) => read !== index).sort((a, b) => a - b),
      };
    }),
  };
}

/** `stages.2` as `stage 3`, `stem` as `stem`. */
function partName(region: Region): string {
  const list = region.index === undefined ? undefined : region.parent;
  const name = (list ?? region).name.replaceAll(/[_-]+/g, ' ');
  return list ? `${singular(name)} ${region.index! + 1}`.trim() : name;
}

function shapeOf({ shape }: Tensor): [number, number, number] {
  const [, channels = 1, height = 1, width = 1] = shape;
  return [channels, height, width];
}

/** All nodes and outputs of the network. */
interface Flow {
  readonly nodes: readonly GraphNode[];
  readonly outputs: ReadonlySet<Tensor>;
}

/** The inputs of a node, without weights and constants. */
function dataOf({ inputs }: GraphNode): Tensor[] {
  return inputs.filter(({ node }) => node.op !== 'state' && node.op !== 'constant');
}

/** Tensors that nodes read but do not compute. */
function inputsOf(nodes: readonly GraphNode[]): Tensor[] {
  const own = new Set(nodes);
  return [...new Set(nodes.flatMap(dataOf))].filter(({ node }) => !own.has(node));
}

/** Tensors that nodes compute for other nodes or as outputs of the network. */
function resultsOf(nodes: readonly GraphNode[], flow: Flow): Tensor[] {
  const own = new Set(nodes);
  const readOutside = new Set(flow.nodes.flatMap((node) => (own.has(node) ? [] : dataOf(node))));
  const computed = nodes.flatMap(({ outputs }) => outputs);
  return computed.filter((tensor) => flow.outputs.has(tensor) || readOutside.has(tensor));
}

/** The largest modules that form one part each, in execution order. */
function collectUnits(region: Region, flow: Flow): Unit[] {
  const units = [...region.children.values()].flatMap((child): Unit[] => {
    if (child.children.size > 0 && !isOnePart(child.nodes, flow)) return collectUnits(child, flow);
    return child.nodes.length > 0 ? [{ modules: [child], nodes: child.nodes }] : [];
  });
  return units.sort((a, b) => flow.nodes.indexOf(a.nodes[0]) - flow.nodes.indexOf(b.nodes[0]));
}

/**
 * Whether nodes form one part: they have one result, and their convolutions work at the resolution of the result or of the
 * input. Means over the image or over grids, with a convolution per grid, do not split a module.
 */
function isOnePart(nodes: readonly GraphNode[], flow: Flow): boolean {
  const results = resultsOf(nodes, flow);
  if (results.length !== 1) return false;
  const inputs = inputsOf(nodes);
  const side = results[0].shape[2];
  const entering = Math.max(...inputs.map(({ shape }) => shape[2] ?? 1));
  const sides = nodes.filter(({ op }) => op === 'conv2d').map(({ outputs }) => outputs[0].shape[2]);
  return sides.every((other) => {
    if (other === side || other === 1 || (other === entering && inputs.length === 1)) return true;
    const isGrid = other < side && inputs.length === 1 && entering === side;
    return isGrid && sides.filter((one) => one === other).length === 1;
  });
}

/** Merges a normalisation with the preceding layer, and neighbours in a list with the same resolution. */
function joinUnits(units: readonly Unit[], flow: Flow): Unit[] {
  const joined: Unit[] = [];
  for (const unit of units) {
    const before = joined.at(-1);
    if (before && follows(before, unit, flow) && (isNormalization(unit) || areListed(before, unit))) {
      joined.pop();
      joined.push({ modules: [...before.modules, ...unit.modules], nodes: [...before.nodes, ...unit.nodes] });
    } else joined.push(unit);
  }
  return joined;
}

/** Whether a unit reads only the preceding unit and is its only reader. */
function follows(before: Unit, unit: Unit, flow: Flow): boolean {
  const earlier = new Set(before.nodes);
  return (
    inputsOf(unit.nodes).every(({ node }) => earlier.has(node)) &&
    resultsOf([...before.nodes, ...unit.nodes], flow).every(({ node }) => !earlier.has(node))
  );
}

function isNormalization({ modules: [{ module }] }: Unit): boolean {
  return module?.kind === 'BatchNorm2d';
}

function areListed(before: Unit, unit: Unit): boolean {
  const [earlier, later] = [before.modules[0], unit.modules[0]];
  const sideOf = ({ nodes }: Unit) => nodes.at(-1)!.outputs[0].shape[2];
  return later.index !== undefined && earlier.parent === later.parent && sideOf(before) === sideOf(unit);
}

/** Finds the units that a tensor comes from; −1 is the image. */
function sourceFinder(units: readonly Unit[], input: Tensor): (tensor: Tensor) => ReadonlySet<number> {
  const known = new Map<GraphNode, ReadonlySet<number>>([[input.node, new Set([-1])]]);
  units.forEach(({ nodes }, index) => {
    for (const node of nodes) known.set(node, new Set([index]));
  });
  return function find({ node }): ReadonlySet<number> {
    const found = known.get(node) ?? new Set(dataOf(node).flatMap((read) => [...find(read)]));
    known.set(node, found);
    return found;
  };
}

function costOf(nodes: readonly GraphNode[]): { parameters: number; multiplyAccumulates: number } {
  const states = new Set(nodes.flatMap(({ inputs }) => inputs.filter(({ node }) => node.op === 'state')));
  const trainable = [...states].filter((state) => stateAttributes(state).trainable);
  return {
    parameters: trainable.reduce((sum, { shape }) => sum + sizeOf(shape), 0),
    multiplyAccumulates: nodes.reduce((sum, node) => sum + nodeMultiplyAccumulates(node), 0),
  };
}
