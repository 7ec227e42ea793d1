/**
 * The building blocks of networks, losses and training programs: graphs and their ops, layers, differentiation, optimisers.
 * They work in Node and in browsers.
 *
 * @module faceparse/blocks
 */

export { gradients } from './graph/autodiff.ts';
export { Graph, type Shape, type Tensor, trainableStates } from './graph/graph.ts';
export { type ActivationKind, activation, relu, sigmoid } from './graph/ops/activation.ts';
export { type ConvolutionOptions, conv2d } from './graph/ops/convolution.ts';
export { add, div, exp, greater, log, maximum, minimum, mul, sqrt, sub } from './graph/ops/elementwise.ts';
export { matMul } from './graph/ops/matmul.ts';
export { adaptiveAvgPool, avgPool, globalAvgPool, maxPool, type PoolingOptions } from './graph/ops/pooling.ts';
export { type DropoutUnit, dropout } from './graph/ops/random.ts';
export { broadcastTo, reduceMean, reduceSum, scale } from './graph/ops/reduction.ts';
export { type ResizeMode, resize } from './graph/ops/resize.ts';
export { concat, pad, reshape, slice, split, transpose } from './graph/ops/shape.ts';
export { logSoftmax, oneHot, softmax } from './graph/ops/softmax.ts';
export { type SoftmaxSums, softmaxSums } from './graph/ops/softmax-sums.ts';
export { combinedLoss } from './losses/combined.ts';
export { crossEntropyLoss } from './losses/cross-entropy.ts';
export { defineLoss, type LossDefinition, type LossText } from './losses/definition.ts';
export { diceLoss } from './losses/dice.ts';
export { lovaszSoftmaxLoss } from './losses/lovasz.ts';
export { registerLoss } from './losses/registry.ts';
export {
  type Encoder,
  type EncoderOptions,
  type Feature,
  imagenetPreprocessing,
  levelGeometry,
} from './models/encoders/encoder.ts';
export { encoderFeatures } from './models/encoders/encoder-features.ts';
export { registerEncoder } from './models/encoders/registry.ts';
export { type Architecture, inferenceGraph, type Model, type NetworkOutput } from './models/model.ts';
export { createModel, registerModel } from './models/registry.ts';
export {
  basicBlock,
  batchNorm,
  type ConvBnOptions,
  convBn,
  convolution,
  invertedResidual,
  sequence,
  squeezeExcite,
} from './nn/layers.ts';
export { pyramidPooling } from './nn/pyramid-pooling.ts';
export { dropoutLayer, stochasticDepth } from './nn/regularization.ts';
export { defineModule, Scope } from './nn/scope.ts';
export { flatten } from './optim/flat-vector.ts';
export { trackMovingAverage } from './optim/moving-average.ts';
export {
  type AdamOptions,
  type MuonAdamWOptions,
  type SgdOptions,
  type UpdateOptions,
  updateParameters,
} from './optim/optimizer.ts';
