import {
  type ConstantAttributes,
  formatShape,
  type Graph,
  type GraphNode,
  type InputAttributes,
  type Shape,
  stateAttributes,
  type Tensor,
} from '../../../graph/graph.ts';
import type { PrimitivePlanner } from '../../../native-addon/addon.ts';
import type { RemainingOpAttributes } from '../../fusion/fused-ops.ts';
import type { PlannerFacts } from '../capabilities.ts';
import type { Operation, Value } from './operation.ts';

/** Lowers one op to operations. */
export type LoweringRule<Attributes extends object = object> = (
  node: GraphNode<Attributes>,
  lowering: Lowering,
) => void;

/** A rule for every op that can remain after the passes. */
export type LoweringTable = {
  readonly [Name in keyof RemainingOpAttributes]: LoweringRule<RemainingOpAttributes[Name]>;
};

/**
 * Lowers the nodes of a graph to operations, in order, and chooses the layout of every value. A rule requests its inputs in
 * the layouts that suit it; a reorder is inserted only if a value has another layout. Convolutions produce blocked maps; ops
 * that can work on blocked maps keep that layout.
 */
export class Lowering {
  /** Operations of every run. */
  readonly operations: Operation[] = [];
  /** Operations that run once, on constants. */
  readonly initial: Operation[] = [];
  /** The values of each tensor, one for each requested layout. */
  private readonly values = new Map<Tensor, Value[]>();
  readonly constants: { value: Value; data: Float32Array | Int32Array }[] = [];
  readonly inputs = new Map<string, Value>();
  /** Tensors that a node of the graph reads; the others are outputs only. */
  private readonly readTensors = new Set<Tensor>();

  constructor(
    readonly planner: PrimitivePlanner,
    readonly facts: PlannerFacts,
    /** States by name; shared with the entries lowered before, extended by this one. */
    readonly states: Map<string, Value>,
  ) {}

  lower(graph: Graph, rules: LoweringTable): void {
    for (const node of graph.nodes) for (const input of node.inputs) this.readTensors.add(input);
    for (const node of graph.nodes) {
      if (node.op === 'input' || node.op === 'constant' || node.op === 'state') this.source(node);
      else {
        const rule = (rules as Readonly<Record<string, LoweringRule | undefined>>)[node.op];
        // Only a graph that was not built with the op builders has other ops.
        if (!rule) throw new Error(`the native engine cannot run the op '${node.op}'`);
        rule(node, this);
      }
    }
  }

  private source(node: GraphNode): void {
    const tensor = node.outputs[0];
    if (node.op === 'input') {
      const { name } = node.attributes as InputAttributes;
      this.inputs.set(name, this.define(tensor, { name, role: 'input' }));
    } else if (node.op === 'state') {
      const { name } = stateAttributes(tensor);
      const shared = this.states.get(name);
      if (shared) this.values.set(tensor, [shared]);
      else this.states.set(name, this.define(tensor, { name, role: 'state' }));
    } else {
      const { data } = node.attributes as ConstantAttributes;
      this.constants.push({ value: this.define(tensor, { name: 'constant', role: 'constant' }), data });
    }
  }

  /** The block size of blocked maps. */
  get block(): number {
    return this.facts.channelBlock;
  }

  /** The existing layout of a tensor; the blocked one if there are several. */
  blockOf(tensor: Tensor): number {
    return Math.max(...this.valuesOf(tensor).map((value) => value.block));
  }

  private valuesOf(tensor: Tensor): Value[] {
    const values = this.values.get(tensor);
    if (!values)
      throw new Error(`native engine: the result of ${describeNode(tensor.node)} is used before it is computed`);
    return values;
  }

  /** Whether a node of the graph reads the tensor. */
  isRead(tensor: Tensor): boolean {
    return this.readTensors.has(tensor);
  }

  /** Defines the value of a tensor in one layout. */
  define(tensor: Tensor, options: Partial<Pick<Value, 'name' | 'role' | 'block' | 'view'>> = {}): Value {
    const { name = tensor.node.op, role = 'computed', block = 1, view } = options;
    const value: Value = { name, shape: tensor.shape, dtype: tensor.dtype, block, role, ...(view && { view }) };
    const values = this.values.get(tensor);
    if (values) values.push(value);
    else this.values.set(tensor, [value]);
    return value;
  }

  /** Creates scratch memory for one operation, or a value without a tensor. */
  temporary(name: string, bytes: number, role: 'scratch' | 'computed' | 'constant' = 'scratch'): Value {
    return { name, shape: [Math.ceil(bytes / 4)], dtype: 'float32', block: 1, role };
  }

  emit(operation: Operation): void {
    this.operations.push(operation);
  }

  /** Returns a tensor in the plain layout (block 1) or another one, reordered if necessary. */
  use(tensor: Tensor, block = 1): Value {
    const values = this.valuesOf(tensor);
    const found = values.find((value) => value.block === block);
    if (found) return found;
    const from = values[0];
    const [, channels, height, width] = tensor.shape;
    const other = this.define(tensor, { name: from.name, block });
    const wide = Math.max(block, from.block);
    if (height === 1 && width === 1 && channels % wide === 0) {
      // Both layouts have the same bytes.
      other.view = { of: from, offset: 0 };
      return other;
    }
    const constant = from.role === 'constant';
    if (constant) other.role = 'constant';
    (constant ? this.initial : this.operations).push({
      kind: 'reorder',
      label: `reorder of ${from.name} ${formatShape(from.shape)}`,
      reads: [from],
      writes: [other],
      fields: (at) => ({ from: at.map(from), to: at.map(other) }),
    });
    return other;
  }

  /** Returns all inputs of a node in the plain layout. */
  usePlain(node: GraphNode): Value[] {
    return node.inputs.map((input) => this.use(input));
  }

  /** Returns weights in the layout of a convolution; constant weights are packed once. */
  packWeights(weight: Tensor, primitive: number, bytes: number): Value {
    const plain = this.use(weight);
    const constant = plain.role === 'constant';
    const packed = this.temporary(`packed ${plain.name}`, bytes, constant ? 'constant' : 'computed');
    (constant ? this.initial : this.operations).push({
      kind: 'reorderWeights',
      label: `packing of ${plain.name} ${formatShape(weight.shape)}`,
      reads: [plain],
      writes: [packed],
      fields: (at) => ({ primitive, plain: at.offset(plain), weights: at.offset(packed) }),
    });
    return packed;
  }
}

/** Describes a node for messages and profiles: op, weight, shapes. */
export function describeNode(node: GraphNode): string {
  const state = node.inputs.find((input) => input.node.op === 'state');
  const shapes: Shape[] = node.inputs.slice(0, 2).map(({ shape }) => shape);
  const result = node.outputs[0].shape;
  return `${node.op}${state ? ` ${stateAttributes(state).name}` : ''} (${shapes.map(formatShape).join(', ')} → ${formatShape(result)})`;
}
