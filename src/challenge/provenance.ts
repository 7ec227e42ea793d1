import { describeOrigin, type WeightsOrigin } from '../models/weights-origin.ts';
import { formatCount } from '../text/counts.ts';
import type { RunEnvironment } from '../training/environment.ts';
import { challengeRules } from './rules.ts';

/** What a run says of itself that the rules of the challenge ask for. */
export interface Provenance {
  readonly environment: RunEnvironment;
  /** Trainable parameters of the network that is handed in. */
  readonly parameters: number;
  /** The same network with the auxiliary heads that it may have had in training. */
  readonly parametersWithHeads: number;
  /** Name of the label set of the weights. */
  readonly labels: string;
  /** What the weights file says of its first weights; files of version 1 say nothing. */
  readonly origin?: WeightsOrigin;
}

/**
 * Why a run may not be handed in, each reason a sentence; empty where it may. A moving average of one network's weights is
 * one network.
 */
export function refusals({ environment, parameters, parametersWithHeads, labels, origin }: Provenance): string[] {
  const { trainingPairs, labelSet } = challengeRules;
  const { initialWeights, trainingData } = environment;
  const reasons: string[] = [];
  const limit = `fewer than ${formatCount(challengeRules.parameterLimit)} are allowed`;
  if (isTooMany(parameters)) reasons.push(`the network has ${formatCount(parameters)} trainable parameters; ${limit}`);
  else if (isTooMany(environment.parameters)) {
    reasons.push(
      `the network was trained with ${formatCount(environment.parameters)} parameters, auxiliary heads counted; ${limit}`,
    );
  }
  if (![parameters, parametersWithHeads].includes(environment.parameters)) {
    reasons.push(
      `the run was trained with ${formatCount(environment.parameters)} parameters, but its weights have ${formatCount(parameters)}: they are of another run`,
    );
  }
  const told = [initialWeights, ...(origin ? [describeOrigin(origin)] : [])];
  const pretrained = told.find((start) => !/^random, seed \d+$/.test(start));
  if (pretrained !== undefined) {
    reasons.push(
      `the run did not begin from random weights but from '${pretrained}'; pretrained weights are forbidden`,
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

/** Whether a run was trained on the pairs of the challenge, as far as their names tell. */
export function usesChallengePairs({ trainingData }: RunEnvironment): boolean {
  return trainingData.stemsSha256 === challengeRules.trainingStemsSha256;
}

/** What the papers of a run leave open, each a sentence; empty where nothing is. */
export function openQuestions(environment: RunEnvironment): string[] {
  if (usesChallengePairs(environment)) return [];
  const { pairs } = environment.trainingData;
  return [
    `trained on ${pairs} pairs whose names are not those of the challenge; make sure that they are its pairs, as other data are forbidden`,
  ];
}

function isTooMany(parameters: number): boolean {
  return parameters >= challengeRules.parameterLimit;
}
