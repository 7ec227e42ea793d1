import { averageState, packAverage } from '../../optim/moving-average.ts';
import type { Checkpoint } from '../checkpoint.ts';
import type { ResumedWith } from '../record/environment.ts';
import type { TrainingStep } from '../step/training-step.ts';
import { type InitialWeights, startingStates } from './initial-weights.ts';

/** The states of the program before the first step of this part; undefined for random initial weights. */
export function statesAtStart(
  step: TrainingStep,
  from: { checkpoint: Checkpoint | undefined; changed: ResumedWith; initial: InitialWeights | undefined },
): ReadonlyMap<string, Float32Array> | undefined {
  const { checkpoint, changed, initial } = from;
  if (!checkpoint) return initial && startingStates(initial, step);
  const states = new Map(checkpoint.states);
  if (step.states.has(averageState) && !states.has(averageState)) {
    states.set(averageState, packAverage(step.networkStates, states));
  }
  // As with the window of metrics: no sum mixes steps of two settings.
  if (Object.keys(changed).length > 0)
    for (const { state, names } of step.sums) states.set(state, new Float32Array(names.length));
  return states;
}
