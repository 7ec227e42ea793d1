import type { Graph, GraphNode, Tensor } from '../../graph/graph.ts';
import { stateAttributes } from '../../graph/graph.ts';
import { liveNodes } from '../../graph/passes/dead-code.ts';
import { FaceparseError } from '../../text/errors.ts';
import { isCoordinates, sizeReferences } from './size-reference.ts';

/** A convolution or a batch normalisation with its weights: a leaf of the tree. */
export interface Layer {
  readonly kind: 'layer';
  /** Place of its weights: `stages.0.1.expand.0`. */
  readonly path: string;
  readonly name: string;
  readonly node: GraphNode;
}

/** One value that a network computes, and the region that computes it. */
export interface Value {
  readonly tensor: Tensor;
  /** What it is computed from, in the order of the node's inputs; the tensor that gives it its size comes last. */
  readonly reads: readonly Tensor[];
  /** Whether the last of `reads` is the one that gives it its size. */
  readonly sized: boolean;
  readonly layer?: Layer;
  /** It has no weights, so that the names of weights do not say where it belongs. */
  readonly free: boolean;
  region: Region;
}

/**
 * A module with children. A `sequence` calls its numbered children one after the other, then perhaps an activation; a
 * `block` computes one value in a way of its own; a `container` only holds children that others call.
 */
export class Region {
  readonly kind = 'region';
  readonly children = new Map<string, Region | Layer>();
  /** States that are read by ops other than layers, by their own name. */
  readonly parameters = new Map<string, Tensor>();
  form: 'sequence' | 'block' | 'container' = 'container';
  /** The activation after a sequence. */
  activation: Value | undefined;

  constructor(
    readonly path: string,
    readonly name: string,
    readonly parent: Region | undefined,
  ) {}

  /** Names of children that are numbered like a list. */
  get numbered(): boolean {
    return this.children.size > 0 && [...this.children.keys()].every((name, index) => name === String(index));
  }

  /** Puts numbered children into the order of their numbers, whatever the order of their calls. */
  sortNumbers(): void {
    if (![...this.children.keys()].every((name) => /^\d+$/.test(name))) return;
    const sorted = [...this.children].sort(([a], [b]) => Number(a) - Number(b));
    this.children.clear();
    for (const [name, child] of sorted) this.children.set(name, child);
  }

  contains(other: Region): boolean {
    for (let region: Region | undefined = other; region; region = region.parent) if (region === this) return true;
    return false;
  }

  /** The region whose code calls this one. */
  get caller(): Region | undefined {
    let region = this.parent;
    while (region?.form === 'container') region = region.parent;
    return region;
  }
}

/** A network as a tree of modules, as the names of its states give it, with every computation put where it belongs. */
export interface ModuleTree {
  readonly graph: Graph;
  readonly root: Region;
  readonly values: readonly Value[];
  readonly output: Tensor;
}

const layerStates: Readonly<Record<string, readonly string[]>> = {
  conv2d: ['weight', 'bias'],
  batchNormInference: ['weight', 'bias', 'running_mean', 'running_var'],
};

/**
 * Finds the modules of an inference graph: the tree is that of the names of its states; ops without weights (activations,
 * sums, pooling) go into the deepest module that stays a function of one result with them.
 *
 * @throws FaceparseError where the graph has several outputs or one layer stands for two different ones
 */
export function buildModuleTree(graph: Graph): ModuleTree {
  if (graph.outputs.size !== 1 || graph.updates.size > 0) {
    throw new FaceparseError('only a network for inference with one output can be written as modules');
  }
  const [output] = graph.outputs.values();
  const builder = new TreeBuilder(graph, output);
  builder.arrange(builder.root);
  return { graph, root: builder.root, values: builder.values, output: output };
}

class TreeBuilder {
  readonly root = new Region('', '', undefined);
  readonly values: Value[] = [];
  private readonly producers = new Map<Tensor, Value>();
  private readonly readers = new Map<Tensor, Value[]>();

  constructor(
    graph: Graph,
    private readonly output: Tensor,
  ) {
    const nodes = liveNodes(graph);
    const references = sizeReferences(graph, nodes);
    const used = new Set([output, ...nodes.flatMap((node) => node.inputs)]);
    for (const node of nodes) {
      if (node.op === 'input' || node.op === 'state') continue;
      if (node.op === 'constant' && !isCoordinates(node)) continue;
      for (const tensor of node.outputs) if (used.has(tensor)) this.addValue(tensor, references.get(node));
    }
  }

  private addValue(tensor: Tensor, reference: Tensor | undefined): void {
    const { node } = tensor;
    const states = node.inputs.filter((input) => input.node.op === 'state');
    const layer = states.length > 0 ? this.layerOf(node, states) : undefined;
    const data = node.inputs.filter(
      (input) => input.node.op !== 'state' && (input.node.op !== 'constant' || isCoordinates(input.node)),
    );
    const value: Value = {
      tensor,
      reads: reference ? [...data, reference] : data,
      sized: reference !== undefined,
      ...(layer && { layer }),
      free: states.length === 0,
      region: layer ? this.regionAt(parentPath(layer.path)) : this.regionOfParameters(states),
    };
    this.values.push(value);
    this.producers.set(tensor, value);
    for (const read of new Set(value.reads)) this.readers.set(read, [...(this.readers.get(read) ?? []), value]);
  }

  /** The layer whose weights a node reads, entered into the tree; none where they are read in another way. */
  private layerOf(node: GraphNode, states: readonly Tensor[]): Layer | undefined {
    const names = layerStates[node.op];
    const path = parentPath(stateAttributes(states[0]).name);
    const fits =
      names &&
      node.inputs.slice(1).every((input, index) => {
        return input.node.op === 'state' && stateAttributes(input).name === joinPath(path, names[index]);
      });
    if (!fits || path === '') return undefined;
    const parent = this.regionAt(parentPath(path));
    const name = lastName(path);
    const found = parent.children.get(name);
    if (!found) {
      const layer: Layer = { kind: 'layer', path, name, node };
      parent.children.set(name, layer);
      return layer;
    }
    if (found.kind === 'layer' && JSON.stringify(found.node.attributes) === JSON.stringify(node.attributes))
      return found;
    throw new FaceparseError(`the weights '${path}' belong to several different layers, which no module can be`);
  }

  private regionAt(path: string): Region {
    if (path === '') return this.root;
    const parent = this.regionAt(parentPath(path));
    const name = lastName(path);
    const found = parent.children.get(name);
    if (found?.kind === 'layer')
      throw new FaceparseError(`'${path}' is a layer and holds other modules; name them apart`);
    if (found) return found;
    const region = new Region(path, name, parent);
    parent.children.set(name, region);
    return region;
  }

  /** The deepest region that holds all of the states, which its own ops read. */
  private regionOfParameters(states: readonly Tensor[]): Region {
    let common: Region | undefined;
    for (const state of states) {
      const { name } = stateAttributes(state);
      const region = this.regionAt(parentPath(name));
      region.parameters.set(lastName(name), state);
      common ??= region;
      while (!common.contains(region)) common = common.parent!;
    }
    return common ?? this.root;
  }

  /** Settles the form of a region, children first. */
  arrange(region: Region): void {
    for (const child of region.children.values()) if (child.kind === 'region') this.arrange(child);
    region.sortNumbers();
    if (region === this.root) region.form = 'block';
    else if (this.isSequence(region)) this.closeSequence(region);
    else this.closeBlock(region);
  }

  private isSequence(region: Region): boolean {
    if (!region.numbered || region.parameters.size > 0) return false;
    const children = [...region.children.values()];
    const ends = children.map((child) => this.endsOf(child));
    return ends.every((end, index) => {
      if (!end) return false;
      const next = ends[index + 1];
      if (!next) return true;
      const follower = children[index + 1];
      const readers = this.readers.get(end.output) ?? [];
      const isPassedOn = readers.every((reader) => reader.layer === follower || isWithin(follower, reader.region));
      return end.output !== this.output && next.input === end.output && isPassedOn;
    });
  }

  /** The one input and the one output of a child that is called once. */
  private endsOf(child: Region | Layer): { input: Tensor; output: Tensor } | undefined {
    if (child.kind === 'layer') {
      const calls = this.values.filter((value) => value.layer === child);
      return calls.length === 1 ? { input: calls[0].reads[0], output: calls[0].tensor } : undefined;
    }
    const [inputs, outputs] = [this.inputsOf(child), this.outputsOf(child)];
    if (child.form === 'container' || inputs.size !== 1 || outputs.size !== 1) return undefined;
    return { input: [...inputs][0], output: [...outputs][0] };
  }

  private closeSequence(region: Region): void {
    region.form = 'sequence';
    const [end] = this.outputsOf(region);
    const [reader, ...others] = this.readers.get(end) ?? [];
    const isFollowed = reader?.tensor.node.op === 'activation' && reader.region === this.root;
    if (!isFollowed || others.length > 0 || end === this.output) return;
    region.activation = reader;
    reader.region = region;
  }

  private closeBlock(region: Region): void {
    const candidates = this.values.filter((value) => value.free && value.region === this.root);
    for (let changed = true; changed; ) {
      changed = false;
      for (const value of candidates) {
        if (value.region === region || !(this.canFollow(region, value) || this.canPrecede(region, value))) continue;
        value.region = region;
        changed = true;
      }
    }
    if (this.outputsOf(region).size === 1) {
      region.form = 'block';
      return;
    }
    if (region.parameters.size > 0) {
      throw new FaceparseError(
        `the module '${region.path}' has weights of its own but several results; no class can be written for it`,
      );
    }
    for (const value of this.values) {
      if (value.region === region) value.region = value.free ? this.root : region.parent!;
    }
  }

  /** Whether a value can be computed after the region without the region needing more or giving more. */
  private canFollow(region: Region, value: Value): boolean {
    const inputs = this.inputsOf(region);
    const inside = value.reads.filter((read) => this.isInside(region, read));
    if (inside.length === 0 || value.reads.some((read) => !inputs.has(read) && !inside.includes(read))) return false;
    return this.outputsOf(region, value).size <= Math.max(1, this.outputsOf(region).size);
  }

  /** Whether a value can be computed before the region, which alone reads it, without the region needing more. */
  private canPrecede(region: Region, value: Value): boolean {
    const readers = this.readers.get(value.tensor) ?? [];
    if (value.tensor === this.output || !readers.every((reader) => region.contains(reader.region))) return false;
    return this.inputsOf(region, value).size <= this.inputsOf(region).size;
  }

  private isInside(region: Region, tensor: Tensor): boolean {
    const producer = this.producers.get(tensor);
    return producer !== undefined && region.contains(producer.region);
  }

  private inputsOf(region: Region, extra?: Value): Set<Tensor> {
    return regionInputs(this.values, region, extra);
  }

  private outputsOf(region: Region, extra?: Value): Set<Tensor> {
    const isOurs = (value: Value) => value === extra || region.contains(value.region);
    return new Set(
      this.values
        .filter((value) => isOurs(value))
        .map(({ tensor }) => tensor)
        .filter((tensor) => tensor === this.output || this.readers.get(tensor)!.some((reader) => !isOurs(reader))),
    );
  }
}

/** What a region reads but does not compute, in the order in which it is read. */
export function regionInputs(values: readonly Value[], region: Region, extra?: Value): Set<Tensor> {
  const own = values.filter((value) => value === extra || region.contains(value.region));
  const computed = new Set(own.map(({ tensor }) => tensor));
  return new Set(own.flatMap(({ reads }) => reads).filter((read) => !computed.has(read)));
}

function isWithin(child: Region | Layer, region: Region): boolean {
  return child.kind === 'region' && child.contains(region);
}

function parentPath(path: string): string {
  return path.includes('.') ? path.slice(0, path.lastIndexOf('.')) : '';
}

function lastName(path: string): string {
  return path.slice(path.lastIndexOf('.') + 1);
}

function joinPath(path: string, name: string): string {
  return path ? `${path}.${name}` : name;
}
