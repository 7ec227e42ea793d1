import { type Graph, sizeOf, stateAttributes, type Tensor } from '../graph/graph.ts';
import { add, mul, sub } from '../graph/ops/elementwise.ts';
import { flatten, unflatten } from './flat-vector.ts';

/** Name of the state vector with the moving average of all network states. */
export const averageState = 'average.weights';

/**
 * Keeps an exponential moving average (EMA) of the network's states, weights and running statistics alike:
 * average ← decay·average + (1 − decay)·new. The average of a state that never changes is that state, exactly.
 * Call it after the optimiser has assigned them.
 *
 * @param decay a scalar, usually an input to allow for warm-up
 * @param changed names of the states that a step changes; default: those that the graph assigns
 */
export function trackMovingAverage(
  states: readonly Tensor[],
  decay: Tensor,
  changed: { has(name: string): boolean } = decay.graph.updates,
): void {
  const { graph } = decay;
  const length = states.reduce((sum, state) => sum + sizeOf(state.shape), 0);
  const average = graph.state(averageState, [length], () => packAverage(states, new Map()));
  const next = flatten(states.map((state) => newValue(graph, state)));
  const moved = add(mul(average, decay), mul(next, sub(graph.scalar(1), decay)));
  graph.assign(average, keepUnchanged(states, moved, changed));
}

/** The average with the states that never change in place of their parts, which rounding would move. */
function keepUnchanged(states: readonly Tensor[], average: Tensor, changed: { has(name: string): boolean }): Tensor {
  const isUnchanged = (state: Tensor) => !changed.has(stateAttributes(state).name);
  if (!states.some(isUnchanged)) return average;
  const parts = unflatten(
    average,
    states.map(({ shape }) => shape),
  );
  return flatten(states.map((state, index) => (isUnchanged(state) ? state : parts[index])));
}

function newValue(graph: Graph, state: Tensor): Tensor {
  return graph.updates.get(stateAttributes(state).name) ?? state;
}

/** Returns the averaged states by name, from the program's state vector. */
export function unpackAverage(states: readonly Tensor[], average: Float32Array): Map<string, Float32Array> {
  const values = new Map<string, Float32Array>();
  let start = 0;
  for (const state of states) {
    const size = sizeOf(state.shape);
    values.set(stateAttributes(state).name, average.slice(start, start + size));
    start += size;
  }
  return values;
}

/** The state vector of an average that equals the given states. Inverse of `unpackAverage`. */
export function packAverage(states: readonly Tensor[], values: ReadonlyMap<string, Float32Array>): Float32Array {
  const average = new Float32Array(states.reduce((sum, state) => sum + sizeOf(state.shape), 0));
  let start = 0;
  for (const state of states) {
    const { name, initial } = stateAttributes(state);
    average.set(values.get(name) ?? initial(), start);
    start += sizeOf(state.shape);
  }
  return average;
}

/** The decay of the moving average at a step. It starts low, to forget the first weights quickly. */
export function averageDecayAt(step: number, decay: number): number {
  return Math.min(decay, (1 + step) / (10 + step));
}
