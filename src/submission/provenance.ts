import type { RunEnvironment } from '../training/environment.ts';
import { challengeRules } from './challenge-rules.ts';

/** What a run says of itself that the rules of the challenge ask for. */
export interface Provenance {
  readonly environment: RunEnvironment;
  /** Trainable parameters of the network that is handed in. */
  readonly parameters: number;
  /** Name of the label set of the weights. */
  readonly labels: string;
}

/**
 * Why a run may not be handed in, each reason a sentence; empty where it may. A moving average of one network's weights is
 * one network.
 */
export function refusals({ environment, parameters, labels }: Provenance): string[] {
  const { parameterLimit, trainingPairs, labelSet } = challengeRules;
  const { initialWeights, trainingData } = environment;
  const reasons: string[] = [];
  if (parameters >= parameterLimit) {
    reasons.push(
      `the network has ${parameters.toLocaleString('en')} trainable parameters; it must have fewer than ${parameterLimit.toLocaleString('en')}`,
    );
  }
  if (parameters !== environment.parameters) {
    reasons.push(
      `the run was trained with ${environment.parameters.toLocaleString('en')} parameters, but its weights have ${parameters.toLocaleString('en')}: they are of another run`,
    );
  }
  if (!/^random, seed \d+$/.test(String(initialWeights))) {
    reasons.push(
      `the run did not begin from random weights but from '${initialWeights}'; pretrained weights are forbidden`,
    );
  }
  if (!(trainingData.pairs <= trainingPairs)) {
    reasons.push(
      `the run was trained on ${trainingData.pairs} pairs; the challenge gives ${trainingPairs}, and other data are forbidden`,
    );
  }
  if (labels !== labelSet) {
    reasons.push(`the network was trained for the label set '${labels}'; the challenge has ${labelSet}`);
  }
  return reasons;
}
