import type { Graph, Tensor } from '../../graph/graph.ts';
import { holds, type Module } from '../../graph/module.ts';
import { ModuleTree, type Region } from '../../graph/module-tree.ts';
import { liveNodes } from '../../graph/passes/dead-code.ts';
import { FaceparseError } from '../../text/errors.ts';
import { isCoordinates, sizeReferences } from './size-reference.ts';

/** One value that a network computes, and the module that computes it. */
export interface Value {
  readonly tensor: Tensor;
  /** Its inputs, in the order of the node's inputs; the tensor that determines its size comes last. */
  readonly reads: readonly Tensor[];
  /** Whether the last of `reads` determines its size. */
  readonly sized: boolean;
  readonly region: Region;
  /** The record of the innermost module; see `Use`. */
  readonly module: Module | undefined;
}

/**
 * One use of a module, identified by the record in its nodes: a module that is built several times at the same path has a
 * record for each use. Undefined for the network itself, and for containers without a record.
 */
export type Use = Module | undefined;

/** One step of a module: a value of its own, or the result of an inner module. */
export interface Call {
  readonly output: Tensor;
  readonly reads: readonly Tensor[];
  readonly sized: boolean;
  /** The module that is called; absent for an op. */
  readonly callee?: Region;
}

/**
 * How a module is written. A `layer` is a PyTorch layer with weights. A `sequence` calls its numbered children in order,
 * optionally followed by an activation. A `block` computes one value with its own `forward`. A `container` only has children
 * that other modules call.
 */
export type ModuleForm = 'layer' | 'sequence' | 'block' | 'container';

/** The kinds of modules that are PyTorch layers: their op, and the names of their weights in the order of its inputs. */
const layers: Readonly<Record<string, { op: string; parameters: readonly string[] }>> = {
  Conv2d: { op: 'conv2d', parameters: ['weight', 'bias'] },
  ConvTranspose2d: { op: 'convTranspose2d', parameters: ['weight', 'bias'] },
  BatchNorm2d: { op: 'batchNormInference', parameters: ['weight', 'bias', 'running_mean', 'running_var'] },
};

/** The modules of an inference graph, their steps and their forms. */
export class NetworkModules {
  readonly root: Region;
  private readonly output: Tensor;
  /** The values that a region computes, including inner regions, in order. */
  private readonly values = new Map<Region, Value[]>();
  private readonly readers = new Map<Tensor, Value[]>();
  private readonly forms = new Map<Region, ModuleForm>();
  private readonly calls = new Map<Region, Map<Use, readonly Call[]>>();

  /** @throws FaceparseError if the graph has several outputs or updates its states */
  constructor(readonly graph: Graph) {
    if (graph.outputs.size !== 1 || graph.updates.size > 0) {
      throw new FaceparseError('only an inference network with one output can be exported as modules');
    }
    [this.output] = graph.outputs.values();
    const tree = new ModuleTree(graph);
    this.root = tree.root;
    for (const value of valuesOf(graph, tree, this.output)) {
      for (const read of new Set(value.reads)) append(this.readers, read, value);
      for (let region: Region | undefined = value.region; region; region = region.parent) {
        append(this.values, region, value);
      }
    }
  }

  /** @throws FaceparseError for a layer that differs from PyTorch's, or a module with both weights and several results */
  formOf(region: Region): ModuleForm {
    return remember(this.forms, region, () => this.findForm(region));
  }

  /** Whether a module is written as a class: all except layers, containers and plain sequences. */
  hasClass(region: Region): boolean {
    const form = this.formOf(region);
    return form === 'block' || (form === 'sequence' && region.module?.kind !== 'Sequential');
  }

  /** The uses of a module, in order. */
  usesOf(region: Region): readonly Use[] {
    if (region === this.root) return [undefined];
    return [...new Set(this.valuesIn(region).map(({ module }) => recordAt(module, region)))];
  }

  /** The steps of a use of a module; by default, of the first one. */
  callsOf(region: Region, use: Use = this.usesOf(region)[0]): readonly Call[] {
    const known = remember(this.calls, region, () => new Map<Use, readonly Call[]>());
    return remember(known, use, () => this.findCalls(region, use));
  }

  /** Tensors that a use of a module reads but does not compute, in the order in which they are read. */
  inputsOf(region: Region, use: Use = this.usesOf(region)[0]): Tensor[] {
    const own = this.valuesIn(region, use);
    const computed = new Set(own.map(({ tensor }) => tensor));
    return [...new Set(own.flatMap(({ reads }) => reads).filter((read) => !computed.has(read)))];
  }

  /** Tensors that a use of a module computes and that are read outside of it. */
  private outputsOf(region: Region, use: Use): Tensor[] {
    const own = new Set(this.valuesIn(region, use));
    const isReadOutside = (tensor: Tensor) => this.readers.get(tensor)?.some((reader) => !own.has(reader));
    return [...own].map(({ tensor }) => tensor).filter((tensor) => tensor === this.output || isReadOutside(tensor));
  }

  /** The values that a region computes, or only those of one use. */
  private valuesIn(region: Region, use?: Use): readonly Value[] {
    const values = this.values.get(region) ?? [];
    return use ? values.filter(({ module }) => holds(use, module)) : values;
  }

  private findCalls(region: Region, use: Use): Call[] {
    const calls: Call[] = [];
    const called = new Map<Use, Region>();
    for (const { tensor, reads, sized, region: inner, module } of this.valuesIn(region, use)) {
      const callee = region.pathTo(inner)!.find((candidate) => this.formOf(candidate) !== 'container');
      // Each value of a layer is a separate call, because a layer may be called several times.
      if (callee && this.formOf(callee) !== 'layer') called.set(recordAt(module, callee), callee);
      else calls.push({ output: tensor, reads, sized, ...(callee && { callee }) });
    }
    for (const [calleeUse, callee] of called) {
      const [output] = this.outputsOf(callee, calleeUse);
      calls.push({ output, reads: this.inputsOf(callee, calleeUse), sized: false, callee });
    }
    return calls.sort((a, b) => a.output.id - b.output.id);
  }

  private findForm(region: Region): ModuleForm {
    if (region === this.root) return 'block';
    if (!region.module) return 'container';
    if (layers[region.module.kind]) {
      requireLayer(region, region.module.kind);
      return 'layer';
    }
    const uses = this.usesOf(region);
    if (uses.every((use) => this.outputsOf(region, use).length === 1)) {
      return uses.every((use) => this.isSequence(region, use)) ? 'sequence' : 'block';
    }
    if (region.parameters.size === 0) return 'container';
    throw new FaceparseError(
      `the module '${region.path}' has its own weights and several outputs, so it cannot be exported as a class`,
    );
  }

  private isSequence(region: Region, use: Use): boolean {
    if (!region.numbered || region.parameters.size > 0) return false;
    const children = [...region.children.values()];
    const calls = this.callsOf(region, use);
    const isChain = calls.every(
      ({ callee, reads }, index) =>
        callee === children[index] && reads.length === 1 && (index === 0 || reads[0] === calls[index - 1].output),
    );
    const [activation, ...others] = calls.slice(children.length);
    return isChain && others.length === 0 && (!activation || activation.output.node.op === 'activation');
  }
}

/** The record of a region among a module and those around it. */
function recordAt(module: Module | undefined, { path }: Region): Use {
  let record = module;
  while (record && record.path !== path) record = record.parent;
  return record;
}

function append<Key, Item>(lists: Map<Key, Item[]>, key: Key, item: Item): void {
  const list = lists.get(key);
  if (list) list.push(item);
  else lists.set(key, [item]);
}

function remember<Key, Value>(known: Map<Key, Value>, key: Key, find: () => Value): Value {
  const value = known.get(key) ?? find();
  known.set(key, value);
  return value;
}

function valuesOf(graph: Graph, tree: ModuleTree, output: Tensor): Value[] {
  const nodes = liveNodes(graph);
  const references = sizeReferences(graph, nodes);
  const used = new Set([output, ...nodes.flatMap(({ inputs }) => inputs)]);
  return nodes.flatMap((node): Value[] => {
    const { op, module, inputs, outputs } = node;
    if (op === 'input' || op === 'state' || (op === 'constant' && !isCoordinates(node))) return [];
    // In PyTorch, coordinates are not a module but a function that a module calls.
    const owner = op === 'constant' ? module?.parent : module;
    const region = tree.regionOf(owner);
    const data = inputs.filter(
      ({ node: from }) => from.op !== 'state' && (from.op !== 'constant' || isCoordinates(from)),
    );
    const reference = references.get(node);
    const reads = reference ? [...data, reference] : data;
    return outputs
      .filter((tensor) => used.has(tensor))
      .map((tensor) => ({ tensor, reads, sized: reference !== undefined, region, module: owner }));
  });
}

/** Checks that a region contains only one layer with its weights, called at least once. */
function requireLayer({ path, children, parameters, nodes }: Region, kind: string): void {
  const { op, parameters: names } = layers[kind];
  const isLayer = nodes.every(
    (node) =>
      node.op === op &&
      node.inputs.slice(1).every((input, index) => input === parameters.get(names[index])) &&
      JSON.stringify(node.attributes) === JSON.stringify(nodes[0].attributes),
  );
  if (isLayer && children.size === 0) return;
  throw new FaceparseError(`the module '${path}' is named ${kind} but differs from PyTorch's nn.${kind}`);
}
