import type { Graph } from '../../../graph/graph.ts';
import type { AddonFacts, NativePlan, PlacedArrays, PlanStep, PrimitivePlanner } from '../../../native-addon/addon.ts';
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

/** What profiles say of one step. */
export interface StepInfo {
  readonly kind: string;
  readonly label: string;
  readonly flops: number;
  /** Bytes of all values that are read and written. */
  readonly bytes: number;
}

/** A plan with all that is needed to run it. */
export interface BuiltPlan {
  readonly plan: NativePlan;
  /** Constants with their places; states are written by the program. */
  readonly contents: PlacedArrays;
  /** Byte offsets by name. */
  readonly inputs: ReadonlyMap<string, number>;
  readonly outputs: ReadonlyMap<string, number>;
  readonly states: ReadonlyMap<string, number>;
  /** One entry for each of the plan's steps. */
  readonly steps: readonly StepInfo[];
}

const rules: LoweringTable = {
  ...classificationRules,
  ...convolutionRules,
  ...elementwiseRules,
  ...normalizationRules,
  ...poolingRules,
  ...shapeRules,
};

/** Makes a plan of a graph that the passes have prepared. */
export function buildPlan(graph: Graph, planner: PrimitivePlanner, facts: Pick<AddonFacts, 'channelBlock'>): BuiltPlan {
  const lowering = new Lowering(planner, facts);
  lowering.lower(graph, rules);
  const updates = [...graph.updates].map(([name, next]) => ({
    state: lowering.states.get(name)!,
    next: lowering.use(next),
  }));
  const outputs = new Map(
    [...graph.outputs].map(([name, tensor]) => [name, outputValue(lowering.use(tensor), lowering)]),
  );
  const boundary = { updates, outputs: [...outputs.values()] };
  const operations = shareMemory(lowering.operations, boundary);

  const constants = new Set<Value>();
  for (const { value } of lowering.constants) constants.add(value);
  for (const operation of lowering.initial) for (const value of operation.writes) constants.add(value);
  const kept = [...lowering.states.values(), ...constants];
  const inputs = [...lowering.inputs.values()];
  const { offsets, bytes } = assignOffsets(operations, kept, inputs, boundary.outputs);
  const initialScratch = lowering.initial.some(({ scratch }) => scratch && scratch.length > 0);
  if (initialScratch) throw new Error('native engine: what is done once has no memory to work in');

  const at = placesOf(offsets);
  const steps = operations
    .map((operation) => ({ step: stepOf(operation, at), info: describeStep(operation) }))
    .filter(({ step }) => isWork(step));
  const place = (values: ReadonlyMap<string, Value>) =>
    new Map([...values].map(([name, value]) => [name, at.offset(value)]));
  return {
    plan: {
      bytes,
      initial: lowering.initial.map((operation) => stepOf(operation, at)),
      steps: steps.map(({ step }) => step),
    },
    contents: lowering.constants.flatMap(({ value, data }) => [at.offset(value), data]),
    inputs: place(lowering.inputs),
    outputs: place(outputs),
    states: place(lowering.states),
    steps: steps.map(({ info }) => info),
  };
}

/** An output that is a state or shares memory with one is copied while the state has its old value. */
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

/** Copies of which none is left are no step. */
function isWork(step: PlanStep): boolean {
  return step.kind !== 'copies' || (step.copies as readonly number[]).length > 0;
}

function describeStep({ kind, label, flops = 0, reads, writes }: Operation): StepInfo {
  const bytes = [...reads, ...writes].reduce((sum, value) => sum + storedBytes(value), 0);
  return { kind, label, flops, bytes };
}
