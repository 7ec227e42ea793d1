import type { OpDefinition } from '../op.ts';
import { activationGradientOp, activationOp } from './activation.ts';
import { conv2dOp, conv2dWeightGradientOp, convTranspose2dOp } from './convolution.ts';
import { addOp, divOp, expOp, greaterOp, logOp, maximumOp, minimumOp, mulOp, sqrtOp, subOp } from './elementwise.ts';
import { lovaszJaccardOp } from './lovasz.ts';
import { matMulOp } from './matmul.ts';
import { batchNormGradientOp, batchNormInferenceOp, batchNormTrainingOp } from './normalization.ts';
import {
  adaptiveAvgPoolGradientOp,
  adaptiveAvgPoolOp,
  avgPoolGradientOp,
  avgPoolOp,
  maxPoolGradientOp,
  maxPoolOp,
} from './pooling.ts';
import { broadcastToOp, reduceMeanOp, reduceSumOp, scaleOp } from './reduction.ts';
import { resizeGradientOp, resizeOp } from './resize.ts';
import { concatOp, padOp, reshapeOp, sliceOp, splitOp, transposeOp } from './shape.ts';
import { crossEntropyGradientOp, crossEntropyOp, logSoftmaxOp, oneHotOp, softmaxOp } from './softmax.ts';
import { softmaxSumsGradientOp, softmaxSumsOp } from './softmax-sums.ts';

/** All ops; every engine implements each of them. */
export const allOps = [
  activationOp,
  activationGradientOp,
  adaptiveAvgPoolOp,
  adaptiveAvgPoolGradientOp,
  addOp,
  avgPoolOp,
  avgPoolGradientOp,
  batchNormGradientOp,
  batchNormInferenceOp,
  batchNormTrainingOp,
  broadcastToOp,
  concatOp,
  conv2dOp,
  conv2dWeightGradientOp,
  convTranspose2dOp,
  crossEntropyOp,
  crossEntropyGradientOp,
  divOp,
  expOp,
  greaterOp,
  logOp,
  logSoftmaxOp,
  lovaszJaccardOp,
  matMulOp,
  maxPoolOp,
  maxPoolGradientOp,
  maximumOp,
  minimumOp,
  mulOp,
  oneHotOp,
  padOp,
  reduceMeanOp,
  reduceSumOp,
  reshapeOp,
  resizeOp,
  resizeGradientOp,
  scaleOp,
  sliceOp,
  softmaxOp,
  softmaxSumsOp,
  softmaxSumsGradientOp,
  splitOp,
  sqrtOp,
  subOp,
  transposeOp,
] as const;

type AnyOp = (typeof allOps)[number];

/** The attributes of every op, by its name. */
export type OpAttributes = {
  readonly [Op in AnyOp as Op['name']]: Op extends OpDefinition<string, infer Attributes> ? Attributes : never;
};

/** The name of an op. */
export type OpName = keyof OpAttributes;
