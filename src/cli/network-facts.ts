import { challengeRules } from '../challenge/rules.ts';
import { countParameters, gigaMultiplyAccumulates } from '../graph/cost.ts';
import { trainingGraph } from '../models/describe-architecture.ts';
import { getEncoder, listEncoders } from '../models/encoders/registry.ts';
import { inferenceGraph, type Model } from '../models/model.ts';
import { type ModelSettings, type SettingRules, settingNames } from '../models/settings.ts';
import { formatCount } from '../text/counts.ts';
import { joinWords } from '../text/join-words.ts';

/** The number of trainable parameters below which the challenge accepts a network. */
export const challengeLimit = challengeRules.parameterLimit;

/** Parameters and cost of a network. */
export interface NetworkCost {
  readonly parameters: number;
  /** With the auxiliary heads, as trained with `loss.auxiliary`. */
  readonly trainingParameters: number;
  /** Whether even `trainingParameters` is below the limit of the challenge. */
  readonly underChallengeLimit: boolean;
  /** 10⁹ multiply-accumulates for one image of each size. */
  readonly gigaMultiplyAccumulates: readonly number[];
}

/**
 * Counts the parameters of a model and its multiply-accumulates for one image of each size.
 *
 * @param sizes sides of the images in pixels; at least one
 *
 * @example measureNetwork(createModel('compact', { classes: 19 }), [256, 512]).parameters // 1,790,931
 */
export function measureNetwork(model: Model, sizes: readonly [number, ...number[]]): NetworkCost {
  const [smallest, ...others] = sizes;
  const graphOf = (side: number) => inferenceGraph(model, { batch: 1, height: side, width: side });
  const graph = graphOf(smallest);
  const trainingParameters = countParameters(trainingGraph(model, smallest));
  return {
    parameters: countParameters(graph),
    trainingParameters,
    underChallengeLimit: trainingParameters < challengeLimit,
    gigaMultiplyAccumulates: [graph, ...others.map(graphOf)].map(gigaMultiplyAccumulates),
  };
}

/**
 * The settings of an architecture besides its encoder, with their defaults.
 *
 * @example describeDefaults(pspnet.settings) // 'depth 3, outputStride 8, dropout 0.2'
 */
export function describeDefaults(rules: SettingRules): string {
  const { depth, outputStride, dropout } = rules;
  return describeValues({
    ...(depth && { depth: depth.default }),
    ...(outputStride && { outputStride: outputStride.default }),
    ...(dropout && { dropout: dropout.default }),
  });
}

/**
 * One line for each setting of an architecture: the value in use and the values that are possible.
 *
 * @example describeSettings(pspnet.settings, model.settings) // ['depth 3 (3, 4 or 5)', …]
 */
export function describeSettings(rules: SettingRules, settings: ModelSettings): string[] {
  return settingNames.flatMap((name) => {
    const value = settings[name];
    if (value === undefined) return [];
    const choices = name === 'depth' || name === 'outputStride' ? rules[name]?.choices : undefined;
    return [`${name} ${value}${choices ? ` (${joinWords(choices, 'or')})` : ''}`];
  });
}

/** Whether the challenge accepts the number of parameters, for people. */
export function describeLimit({ parameters, underChallengeLimit }: NetworkCost): string {
  const limit = formatCount(challengeLimit);
  if (underChallengeLimit) return `under its limit of ${limit} parameters`;
  if (parameters < challengeLimit) return `under its limit of ${limit} parameters, but only without auxiliary heads`;
  return `over its limit of ${limit} parameters`;
}

/** The encoders for machines: name, summary, normalisation, default rate of stochastic depth, and what it is a variant of. */
export function encoderFacts() {
  return listEncoders({ variants: true }).map((name) => {
    const { summary, variantOf, stochasticDepth, preprocessing } = getEncoder(name);
    const { mean, std } = preprocessing;
    return { name, summary, ...(variantOf !== undefined && { variantOf }), stochasticDepth, mean, std };
  });
}

function describeValues(settings: ModelSettings): string {
  return Object.entries(settings)
    .map(([name, value]) => `${name} ${value}`)
    .join(', ');
}
