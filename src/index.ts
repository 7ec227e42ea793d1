/**
 * faceparse: what works in Node and in the browser alike. `faceparse/node` adds files and the default engine.
 */

export type { Engine, Program } from './engine/engine.ts';
export { createOnnxEngine, type OnnxEngineOptions, type OnnxRuntime } from './engine/onnx/onnx-engine.ts';
export type { LabelMap, Photo } from './image/image.ts';
export { blendOverlay, colorize } from './image/overlay.ts';
export type { Preprocessing, ResizeRule } from './image/preprocessing.ts';
export type { LabelClass, LabelSet } from './labels/label-set.ts';
export { getLabelSet, listLabelSets } from './labels/registry.ts';
export { FaceScore } from './metrics/face-score.ts';
export { createModel, listModels } from './models/registry.ts';
export { decodeWeights, encodeWeights, type Weights } from './models/weights-file.ts';
export type { WeightsOrigin } from './models/weights-origin.ts';
export { type Averaging, defaultAveraging } from './parser/averaging.ts';
export { type ClassArea, FaceParser, type FaceParserOptions, type ParseResult } from './parser/face-parser.ts';
export { FaceparseError } from './text/errors.ts';
