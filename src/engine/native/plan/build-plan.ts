import type { Graph } from '../../../graph/graph.ts';
import type { NativePlan, PlacedArrays, PlanStep, PrimitivePlanner } from '../../../native-addon/addon.ts';
import type { PlannerFacts } from '../capabilities.ts';
import { assignOffsets } from './assign-offsets.ts';
import { classificationRules } from './lower-classification.ts';
import { convolutionRules } from './lower-convolution.ts';
import { elementwiseRules } from './lower-elementwise.ts';
import { normalizationRules } from './lower-normalization.ts';
import { poolingRules } from './lower-pooling.ts';
import { shapeRules } from './lower-shape.ts';
import { Lowering, type LoweringTable } from './lowering.ts';
import { imageStrideOf, type Operation, type Places, rootOf, storedBytes, type Value } from './operation.ts';
import { shareMemory } from './share-memory.ts';

/** Profile information about one step. */
export interface StepInfo {
  readonly kind: string;
  readonly label: string;
  readonly flops: number;
  /** Bytes of all values read and written. */
  readonly bytes: number;
}

/** The data needed to run one entry of a plan. */
export interface BuiltEntry {
  /** Byte offsets by name. */
  readonly inputs: ReadonlyMap<string, number>;
  readonly outputs: ReadonlyMap<string, number>;
  /** One for each of the entry's steps. */
  readonly steps: readonly StepInfo[];
}

/** A plan with the data needed to run it. */
export interface BuiltPlan {
  readonly plan: NativePlan;
  /** Constants with their offsets; the program writes the states. */
  readonly contents: PlacedArrays;
  /** Byte offsets by name. */
  readonly states: ReadonlyMap<string, number>;
  /** In the order of the plan's entries. */
  readonly entries: readonly BuiltEntry[];
}

const rules: LoweringTable = {
  ...classificationRules,
  ...convolutionRules,
  ...elementwiseRules,
  ...normalizationRules,
  ...poolingRules,
  ...shapeRules,
};

/** Plans graphs prepared by the passes, one entry each; states with the same name share memory. */
export function buildPlan(graphs: readonly Graph[], planner: PrimitivePlanner, facts: PlannerFacts): BuiltPlan {
  const states = new Map<string, Value>();
  const lowered = graphs.map((graph) => lowerEntry(graph, new Lowering(planner, facts, states)));
  const operations = shareMemory(
    lowered.map(({ lowering, boundary }) => ({ operations: lowering.operations, boundary })),
  );

  const lowerings = lowered.map(({ lowering }) => lowering);
  const constants = lowerings.flatMap((lowering) => lowering.constants);
  const initial = lowerings.flatMap((lowering) => lowering.initial);
  if (initial.some(({ scratch }) => scratch && scratch.length > 0)) {
    throw new Error('native engine: a step that runs once has no work memory');
  }
  const computed = initial.flatMap(({ writes }) => writes);
  const kept = [...states.values(), ...constants.map(({ value }) => value), ...computed];
  const { offsets, bytes } = assignOffsets(
    lowered.map(({ lowering, boundary }, index) => ({
      operations: operations[index],
      inputs: [...lowering.inputs.values()],
      outputs: boundary.outputs,
    })),
    kept,
  );

  const at = placesOf(offsets);
  const place = (values: ReadonlyMap<string, Value>) =>
    new Map([...values].map(([name, value]) => [name, at.offset(value)]));
  const entries = lowered.map(({ lowering, outputs }, index) => {
    const steps = operations[index]
      .map((operation) => ({ step: stepOf(operation, at), info: describeStep(operation) }))
      .filter(({ step }) => isWork(step));
    return {
      steps: steps.map(({ step }) => step),
      built: { inputs: place(lowering.inputs), outputs: place(outputs), steps: steps.map(({ info }) => info) },
    };
  });
  return {
    plan: {
      bytes,
      initial: initial.map((operation) => stepOf(operation, at)),
      entries: entries.map(({ steps }) => steps),
    },
    contents: constants.flatMap(({ value, data }) => [at.offset(value), data]),
    states: place(states),
    entries: entries.map(({ built }) => built),
  };
}

/** Lowers a graph to operations and collects the values read after them. */
function lowerEntry(graph: Graph, lowering: Lowering) {
  lowering.lower(graph, rules);
  const updates = [...graph.updates].map(([name, next]) => ({
    state: lowering.states.get(name)!,
    next: lowering.use(next),
  }));
  const outputs = new Map(
    [...graph.outputs].map(([name, tensor]) => [name, outputValue(lowering.use(tensor), lowering)]),
  );
  return { lowering, outputs, boundary: { updates, outputs: [...outputs.values()] } };
}

/** Copies an output that is a state, or shares memory with one, while the state has its old value. */
function outputValue(value: Value, lowering: Lowering): Value {
  const { root } = rootOf(value);
  if (root.role === 'computed') return value;
  const copy: Value = { name: value.name, shape: value.shape, dtype: value.dtype, block: 1, role: 'computed' };
  lowering.emit({
    kind: 'copies',
    label: `copy of ${value.name} for an output`,
    reads: [value],
    writes: [copy],
    fields: (at) => ({ copies: [1, at.offset(value), at.offset(copy), storedBytes(value) / 4, 1, 1] }),
  });
  return copy;
}

function placesOf(offsets: ReadonlyMap<Value, number>): Places {
  const offset = (value: Value) => {
    const found = rootOf(value);
    const start = offsets.get(found.root);
    if (start === undefined) throw new Error(`native engine: ${value.name} has no place in memory`);
    return start + 4 * found.offset;
  };
  return {
    offset,
    map: (value) => {
      const [images, channels, height, width] = value.shape as [number, number, number, number];
      return [offset(value), images, channels, height, width, value.block, imageStrideOf(value)];
    },
  };
}

function stepOf(operation: Operation, at: Places): PlanStep {
  return { kind: operation.kind, label: operation.label, ...operation.fields(at) };
}

/** Whether a step does anything; a step without remaining copies does not. */
function isWork(step: PlanStep): boolean {
  return step.kind !== 'copies' || (step.copies as readonly number[]).length > 0;
}

function describeStep({ kind, label, flops = 0, reads, writes }: Operation): StepInfo {
  const bytes = [...reads, ...writes].reduce((sum, value) => sum + storedBytes(value), 0);
  return { kind, label, flops, bytes };
}
