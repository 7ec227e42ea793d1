import { describeOrigin, type WeightsOrigin } from '../models/weights-origin.ts';
import { formatCount } from '../text/counts.ts';
import type { RunEnvironment } from '../training/environment.ts';
import { challengeRules } from './rules.ts';

/** The records of a run that the rules of the challenge refer to. */
export interface Provenance {
  readonly environment: RunEnvironment;
  /** Trainable parameters of the submitted network. */
  readonly parameters: number;
  /** Trainable parameters including the auxiliary heads that it may have had in training. */
  readonly parametersWithHeads: number;
  /** Name of the label set of the weights. */
  readonly labels: string;
  /** Initial weights according to the weights file; files of version 1 do not record them. */
  readonly origin?: WeightsOrigin;
}

/**
 * The reasons why a run may not be submitted; empty if it may. A moving average of a network's weights counts as
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
      `the network was trained with ${formatCount(environment.parameters)} parameters, including auxiliary heads; ${limit}`,
    );
  }
  if (![parameters, parametersWithHeads].includes(environment.parameters)) {
    reasons.push(
      `the run was trained with ${formatCount(environment.parameters)} parameters, but its weights have ${formatCount(parameters)}: they belong to another run`,
    );
  }
  const told = [initialWeights, ...(origin ? [describeOrigin(origin)] : [])];
  const pretrained = told.find((start) => !/^random, seed \d+$/.test(start));
  if (pretrained !== undefined) {
    reasons.push(`the run started from '${pretrained}', not from random weights; pretrained weights are forbidden`);
  }
  if (!(trainingData.pairs <= trainingPairs)) {
    reasons.push(
      `the run was trained on ${trainingData.pairs} pairs; the challenge provides ${trainingPairs}, and other data are forbidden`,
    );
  }
  if (labels !== labelSet) {
    reasons.push(`the network was trained on the label set '${labels}'; the challenge uses ${labelSet}`);
  }
  return reasons;
}

/** Whether the file names of a run's training pairs are those of the challenge. */
export function usesChallengePairs({ trainingData }: RunEnvironment): boolean {
  return trainingData.stemsSha256 === challengeRules.trainingStemsSha256;
}

/** What the records of a run cannot prove, one sentence each. */
export function openQuestions(environment: RunEnvironment): string[] {
  if (usesChallengePairs(environment)) return [];
  const { pairs } = environment.trainingData;
  return [
    `trained on ${pairs} pairs whose file names differ from the challenge's; make sure that they are the challenge's pairs, because other data are forbidden`,
  ];
}

function isTooMany(parameters: number): boolean {
  return parameters >= challengeRules.parameterLimit;
}
