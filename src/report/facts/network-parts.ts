import { buildModuleTree, type Layer, Region, type Value } from '../../export/pytorch/module-tree.ts';
import { singular } from '../../export/pytorch/python-names.ts';
import { nodeMultiplyAccumulates } from '../../graph/cost.ts';
import { type Graph, sizeOf, stateAttributes, type Tensor } from '../../graph/graph.ts';
import { describeModule } from './describe-module.ts';

/** A part of a network as a figure shows it: a stage, a decoder step, a head. */
export interface NetworkPart {
  /** `stage 2`, from the names of its weights. */
  readonly name: string;
  /** The first word of the names of its weights: `stages`. */
  readonly group: string;
  /** What it is made of: `conv 3×3 /2`, `2 × residual block`. */
  readonly contents: readonly string[];
  /** Of its result: C×H×W. */
  readonly shape: readonly [number, number, number];
  /** Trainable ones. */
  readonly parameters: number;
  readonly multiplyAccumulates: number;
  /** The parts that it reads, ascending; −1 is the image. */
  readonly reads: readonly number[];
}

/** A network as parts in the order of the computation. */
export interface NetworkParts {
  /** The image: C×H×W. */
  readonly input: readonly [number, number, number];
  readonly parts: readonly NetworkPart[];
}

/** Modules of the network that become one part. */
interface Unit {
  readonly path: string;
  readonly members: (Region | Layer)[];
  values: Value[];
}

/**
 * The parts of an inference graph: the largest modules that work at one resolution, found from the names of the weights
 * and the computation. Modules that follow each other at one resolution in a list are one part.
 *
 * @throws FaceparseError where the graph has no modules (see `buildModuleTree`)
 * @example networkParts(inferenceGraph(model, { batch: 1, height: 256, width: 256 })).parts.map(({ name }) => name)
 */
export function networkParts(graph: Graph): NetworkParts {
  const { root, values, output } = buildModuleTree(graph);
  const input = [...graph.inputs.values()][0];
  const units = joinUnits(collectUnits(root, values, output), values);
  const unitOf = new Map<Tensor, number>();
  units.forEach((unit, index) => {
    for (const { tensor } of unit.values) unitOf.set(tensor, index);
  });
  const sources = sourceFinder(values, unitOf, input);
  return {
    input: shapeOf(input),
    parts: units.map((unit, index): NetworkPart => {
      const own = new Set(unit.values.map(({ tensor }) => tensor));
      const outside = unit.values.flatMap((value) => dataReads(value)).filter((read) => !own.has(read));
      const reads = new Set(outside.flatMap((read) => [...sources(read)]));
      return {
        name: partName(unit.path),
        group: unit.path.split('.')[0],
        contents: describeModule(unit.members, unit.values),
        shape: shapeOf(resultOf(unit.values, values, output)),
        ...costOf(unit.values),
        reads: [...reads].filter((read) => read !== index).sort((a, b) => a - b),
      };
    }),
  };
}

/** `stages.2` as `stage 3`, `stem` as `stem`. */
function partName(path: string): string {
  const words = path.split('.').slice(-2);
  const number = /^\d+$/.test(words.at(-1)!) ? Number(words.pop()) + 1 : undefined;
  const name = (words.at(-1) ?? '').replaceAll(/[_-]+/g, ' ');
  return number === undefined ? name : `${singular(name)} ${number}`.trim();
}

function shapeOf({ shape }: Tensor): [number, number, number] {
  const [, channels = 1, height = 1, width = 1] = shape;
  return [channels, height, width];
}

/** What a value is computed from, without the tensor that only gives it its size. */
function dataReads({ reads, sized }: Value): readonly Tensor[] {
  return sized ? reads.slice(0, -1) : reads;
}

function valuesOf(member: Region | Layer, values: readonly Value[]): Value[] {
  return values.filter((value) => (member instanceof Region ? member.contains(value.region) : value.layer === member));
}

/** The largest regions that are one part each, and layers that stand alone, in the order of the computation. */
function collectUnits(region: Region, values: readonly Value[], output: Tensor): Unit[] {
  const units = [...region.children.values()].flatMap((child): Unit[] => {
    const own = valuesOf(child, values);
    if (own.length === 0) return [];
    if (child instanceof Region && !isOnePart(own, values, output)) return collectUnits(child, values, output);
    return [{ path: child.path, members: [child], values: own }];
  });
  return units.sort((a, b) => values.indexOf(a.values[0]) - values.indexOf(b.values[0]));
}

function results(own: readonly Value[], values: readonly Value[], output: Tensor): Tensor[] {
  const inside = new Set(own);
  const readOutside = new Set(values.filter((value) => !inside.has(value)).flatMap((value) => dataReads(value)));
  return own.map(({ tensor }) => tensor).filter((tensor) => tensor === output || readOutside.has(tensor));
}

function resultOf(own: readonly Value[], values: readonly Value[], output: Tensor): Tensor {
  return results(own, values, output).at(-1) ?? own.at(-1)!.tensor;
}

/**
 * Whether values are one part: they have one result, and their convolutions work at its resolution or at that of what comes in.
 * Means over the image or over grids of it, with a convolution for each grid, do not make a module two parts.
 */
function isOnePart(own: readonly Value[], values: readonly Value[], output: Tensor): boolean {
  const found = results(own, values, output);
  if (found.length !== 1) return false;
  const computed = new Set(own.map(({ tensor }) => tensor));
  const inputs = new Set(own.flatMap((value) => dataReads(value)).filter((read) => !computed.has(read)));
  const side = found[0].shape[2];
  const entering = Math.max(...[...inputs].map(({ shape }) => shape[2] ?? 1));
  const sides = own.filter(({ tensor }) => tensor.node.op === 'conv2d').map(({ tensor }) => tensor.shape[2]);
  return sides.every((other) => {
    if (other === side || other === 1 || (other === entering && inputs.size === 1)) return true;
    const isGrid = other < side && inputs.size === 1 && entering === side;
    return isGrid && sides.filter((one) => one === other).length === 1;
  });
}

/** Joins what belongs together: a normalisation to the layer before it, neighbours of one list at one resolution. */
function joinUnits(units: readonly Unit[], values: readonly Value[]): Unit[] {
  const joined: Unit[] = [];
  for (const unit of units) {
    const before = joined.at(-1);
    if (before && follows(before, unit, values) && (isNormalization(unit) || areListed(before, unit))) {
      before.members.push(...unit.members);
      before.values = [...before.values, ...unit.values];
    } else joined.push({ ...unit });
  }
  return joined;
}

/** Whether a unit reads nothing but the one before it, which nothing else reads. */
function follows(before: Unit, unit: Unit, values: readonly Value[]): boolean {
  const [earlier, own] = [new Set(before.values), new Set(unit.values)];
  const produced = new Set(before.values.map(({ tensor }) => tensor));
  const computed = new Set(unit.values.map(({ tensor }) => tensor));
  const onlyReads = unit.values.every((value) =>
    dataReads(value).every((read) => produced.has(read) || computed.has(read)),
  );
  const readers = values.filter((value) => dataReads(value).some((read) => produced.has(read)));
  return onlyReads && readers.every((reader) => earlier.has(reader) || own.has(reader));
}

function isNormalization({ members: [member] }: Unit): boolean {
  return !(member instanceof Region) && member.node.op.startsWith('batchNorm');
}

function areListed(before: Unit, unit: Unit): boolean {
  const listOf = ({ path }: Unit) => path.match(/^(.*)\.\d+$/)?.[1];
  const sideOf = ({ values }: Unit) => values.at(-1)!.tensor.shape[2];
  return listOf(unit) !== undefined && listOf(before) === listOf(unit) && sideOf(before) === sideOf(unit);
}

/** Finds the units that a tensor outside of all units comes from. */
function sourceFinder(values: readonly Value[], unitOf: ReadonlyMap<Tensor, number>, input: Tensor) {
  const producers = new Map(values.map((value) => [value.tensor, value]));
  const known = new Map<Tensor, ReadonlySet<number>>();
  // Values come in topological order, so what a value reads is known before it.
  for (const { tensor } of values) known.set(tensor, find(tensor));
  function find(tensor: Tensor): ReadonlySet<number> {
    if (tensor === input) return new Set([-1]);
    const unit = unitOf.get(tensor);
    if (unit !== undefined) return new Set([unit]);
    const producer = producers.get(tensor);
    return new Set(producer ? dataReads(producer).flatMap((read) => [...(known.get(read) ?? find(read))]) : []);
  }
  return (tensor: Tensor) => known.get(tensor) ?? find(tensor);
}

function costOf(values: readonly Value[]): { parameters: number; multiplyAccumulates: number } {
  const nodes = new Set(values.map(({ tensor }) => tensor.node));
  const states = new Set([...nodes].flatMap(({ inputs }) => inputs.filter(({ node }) => node.op === 'state')));
  const trainable = [...states].filter((state) => stateAttributes(state).trainable);
  return {
    parameters: trainable.reduce((sum, { shape }) => sum + sizeOf(shape), 0),
    multiplyAccumulates: [...nodes].reduce((sum, node) => sum + nodeMultiplyAccumulates(node), 0),
  };
}
