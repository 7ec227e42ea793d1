import type { EntryProgram } from '../engine/engine.ts';
import type { Graph, Tensor } from '../graph/graph.ts';
import { add } from '../graph/ops/elementwise.ts';
import { flatten } from '../optim/flat-vector.ts';

/** Scalars of a step that the program adds up by itself: reading them after every step would let a device wait for the host. */
export interface StepSums {
  /** The state that holds the sums, one after the other. */
  readonly state: string;
  readonly names: readonly string[];
}

/** States whose name begins so hold sums: without them, as in older checkpoints, they begin at 0. */
export const sumsPrefix = 'sums.';

/** Lets a graph give scalars as outputs, and add them up in a state until `takeSums` reads it. */
export function trackSums(graph: Graph, name: string, scalars: ReadonlyMap<string, Tensor>): StepSums {
  for (const [scalar, tensor] of scalars) graph.output(scalar, tensor);
  const state = graph.state(sumsPrefix + name, [scalars.size], () => new Float32Array(scalars.size));
  graph.assign(state, add(state, flatten([...scalars.values()])));
  return { state: sumsPrefix + name, names: [...scalars.keys()] };
}

/** Reads sums and sets them back to 0. */
export async function takeSums(program: EntryProgram, sums: readonly StepSums[]): Promise<Map<string, number>> {
  const values = await program.readStates(sums.map(({ state }) => state));
  await program.writeStates(new Map([...values].map(([state, { length }]) => [state, new Float32Array(length)])));
  return new Map(sums.flatMap(({ state, names }) => names.map((name, index) => [name, values.get(state)![index]])));
}
