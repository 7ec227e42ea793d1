import { describeOrigin, originChain, type WeightsOrigin } from '../models/weights-origin.ts';
import { formatCount } from '../text/counts.ts';
import { allTrainingData, type DataRecord, initialRuns, type RunEnvironment } from '../training/record/environment.ts';
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
  const pretrained = forbiddenStart(environment, origin);
  if (pretrained !== undefined) {
    reasons.push(`the run started from '${pretrained}', not from random weights; pretrained weights are forbidden`);
  }
  for (const { run, data } of allData(environment)) {
    if (data.pairs <= trainingPairs) continue;
    reasons.push(
      `${run} was trained on ${data.pairs} pairs; the challenge provides ${trainingPairs}, and other data are forbidden`,
    );
  }
  if (labels !== labelSet) {
    reasons.push(`the network was trained on the label set '${labels}'; the challenge uses ${labelSet}`);
  }
  return reasons;
}

function isRandom(start: string): boolean {
  return /^random, seed \d+$/.test(start);
}

/**
 * The start of a run that the rules forbid: weights that do not go back to random ones. Weights of another run of one's own
 * are allowed if its folder recorded its start and its data, and so on back to random weights.
 */
function forbiddenStart(environment: RunEnvironment, origin: WeightsOrigin | undefined): string | undefined {
  const { initialWeights } = environment;
  const chain = origin ? originChain(origin) : [];
  const isFromRun = initialRuns(environment).length > 0;
  if (!isRandom(initialWeights) && !isFromRun) return initialWeights;
  const told = [initialRuns(environment).at(-1)?.initialWeights ?? initialWeights];
  const fromFile = isFromRun ? chain.at(-1) : chain[0];
  if (fromFile) told.push(describeOrigin(fromFile));
  return told.find((start) => !isRandom(start));
}

/** All training pairs behind the weights of a run: its own, and those of the runs that its initial weights come from. */
function allData(environment: RunEnvironment): { run: string; data: DataRecord }[] {
  const own = allTrainingData(environment).map((data) => ({ run: 'the run', data }));
  const earlier = initialRuns(environment).flatMap(({ name, trainingData }) =>
    trainingData.map((data) => ({ run: `the run '${name}', which its initial weights come from,`, data })),
  );
  return [...own, ...earlier];
}

/** Whether the names of the pairs, with those that were held out, are those of the challenge. */
function isChallengeData({ stemsSha256, heldOut }: DataRecord): boolean {
  return (heldOut?.allStemsSha256 ?? stemsSha256) === challengeRules.trainingStemsSha256;
}

/** Whether the file names of all training pairs behind a run's weights are those of the challenge. */
export function usesChallengePairs(environment: RunEnvironment): boolean {
  return allData(environment).every(({ data }) => isChallengeData(data));
}

/** How a run came to its weights, in one line: from random weights, or through which earlier runs. */
export function describeStart(environment: RunEnvironment): string {
  const runs = initialRuns(environment);
  const first = runs.at(-1)?.initialWeights ?? environment.initialWeights;
  if (runs.length === 0) return first;
  const names = runs
    .toReversed()
    .map(({ name, step }) => `${name}${step === undefined ? '' : ` (${formatCount(step)} steps)`}`);
  return `${first}; then ${names.join(', then ')}; then this run from its weights ${environment.initialWeights}`;
}

/** What the records of a run cannot prove, one sentence each. */
export function openQuestions(environment: RunEnvironment): string[] {
  const others = allData(environment).filter(({ data }) => !isChallengeData(data));
  const counts = [...new Set(others.map(({ data }) => data.pairs))];
  const runs = initialRuns(environment);
  const partly = allData(environment).filter(({ data }) => data.heldOut && isChallengeData(data));
  return [
    ...partly.map(
      ({ run, data }) =>
        `${run} was trained on ${data.pairs} of the ${challengeRules.trainingPairs} pairs of the challenge: ` +
        `fold ${data.heldOut!.fold} of ${data.heldOut!.folds} was held out (data.folds); a run without folds can use all of them`,
    ),
    ...counts.map(
      (pairs) =>
        `trained on ${pairs} pairs whose file names differ from the challenge's; make sure that they are the challenge's pairs, because other data are forbidden`,
    ),
    ...(runs.length > 0
      ? [
          `trained in ${runs.length + 1} runs: ${describeStart(environment)}; this is what the run folders recorded, so make sure that all of them are your own`,
        ]
      : []),
  ];
}

function isTooMany(parameters: number): boolean {
  return parameters >= challengeRules.parameterLimit;
}
