import type { EntryProgram } from '../../engine/engine.ts';
import type { Graph, Tensor } from '../../graph/graph.ts';
import { add } from '../../graph/ops/elementwise.ts';
import { flatten } from '../../optim/flat-vector.ts';

/** Scalars of a step that the program accumulates: reading them after every step would stall a device. */
export interface StepSums {
  /** The state that contains the sums. */
  readonly state: string;
  readonly names: readonly string[];
}

/** Prefix of states with sums. If older checkpoints lack them, they start at 0. */
export const sumsPrefix = 'sums.';

/** Adds scalars to the outputs of a graph, and accumulates them in a state until `takeSums` reads it. */
export function trackSums(graph: Graph, name: string, scalars: ReadonlyMap<string, Tensor>): StepSums {
  for (const [scalar, tensor] of scalars) graph.output(scalar, tensor);
  const state = graph.state(sumsPrefix + name, [scalars.size], () => new Float32Array(scalars.size));
  graph.assign(state, add(state, flatten([...scalars.values()])));
  return { state: sumsPrefix + name, names: [...scalars.keys()] };
}

/** Reads sums and resets them to 0. */
export async function takeSums(program: EntryProgram, sums: readonly StepSums[]): Promise<Map<string, number>> {
  const values = await program.readStates(sums.map(({ state }) => state));
  await program.writeStates(new Map([...values].map(([state, { length }]) => [state, new Float32Array(length)])));
  return new Map(sums.flatMap(({ state, names }) => names.map((name, index) => [name, values.get(state)![index]])));
}

/** Says which sum of the steps `from` to `step` is not finite, and what to do; undefined if all are finite. */
export function describeInfinity(
  sums: ReadonlyMap<string, number>,
  from: number,
  step: number,
  learningRate: number,
): string | undefined {
  for (const [name, what] of [
    ['loss', 'loss'],
    ['gradientNorm', 'gradient'],
  ]) {
    const sum = sums.get(name)!;
    if (Number.isFinite(sum)) continue;
    const when = from < step ? `between steps ${from} and ${step}` : `at step ${step}`;
    return (
      `the ${what} became ${sum} ${when} (learning rate ${learningRate.toPrecision(3)}). ` +
      'Lower train.lr or raise train.warmup; the last checkpoint is kept.'
    );
  }
  return undefined;
}
