/**
 * What works everywhere. `faceparse/node` and `faceparse/browser` export the same, with a `FaceParser` that loads weights and
 * decodes images.
 *
 * @module faceparse
 */

export type { Engine, EntryProgram, Program, Values } from './engine/engine.ts';
export {
  createOnnxEngine,
  type OnnxDevice,
  type OnnxEngineOptions,
  type OnnxRuntime,
} from './engine/onnx/onnx-engine.ts';
export type { DetectOptions } from './faces/detector/detect-options.ts';
export { FaceDetector, type FaceDetectorOptions } from './faces/detector/face-detector.ts';
export type { FaceFinder, FaceLandmarks, FindOptions, FoundFace, Point } from './faces/face.ts';
export { type Framing, framingOf } from './faces/framing.ts';
export { type EncodableImage, encodePng, type PngOptions } from './formats/png/png-encoder.ts';
export { cutOut, type RgbaImage } from './image/cut-out.ts';
export type { LabelMap, Photo } from './image/image.ts';
export { encodeLabelPng } from './image/label-png.ts';
export { mapLabels } from './image/map-labels.ts';
export { blendOverlay, colorize, type OverlayOptions } from './image/overlay.ts';
export type { Preprocessing, ResizeRule } from './image/preprocessing.ts';
export type { RawImage } from './image/raw-image.ts';
export type { ClassChoice } from './labels/find-class.ts';
export type { LabelClass, LabelSet } from './labels/label-set.ts';
export type { LabelSetChoice, LabelTable, LabelTableClass } from './labels/label-table.ts';
export { getLabelSet, listLabelSets } from './labels/registry.ts';
export { FaceScore, type ImageScore, type ScoreSummary } from './metrics/face-score.ts';
export { listEncoders } from './models/encoders/registry.ts';
export type { ForeignNetwork } from './models/foreign/foreign-network.ts';
export { type ImportedWeights, importWeights } from './models/foreign/import-weights.ts';
export { createModel, listModels, type ModelOptions } from './models/registry.ts';
export type { ModelSettings } from './models/settings.ts';
export { decodeWeights, encodeWeights, type Weights } from './models/weights-file.ts';
export type { WeightsOrigin } from './models/weights-origin.ts';
export { FaceParser, type FaceParserOptions } from './parser/face-parser.ts';
export type { FrameOptions } from './parser/frames/frame-options.ts';
export { type Averaging, defaultAveraging } from './parser/grid/averaging.ts';
export type { ClassScores } from './parser/grid/grid-classes.ts';
export type { FaceMode, ParseOptions } from './parser/parse-options.ts';
export type { AlphaMask, MaskOptions } from './parser/result/alpha-mask.ts';
export type { ClassArea } from './parser/result/class-areas.ts';
export { cropFace, type FaceCrop } from './parser/result/crop-face.ts';
export type { BandOptions, ColorOptions, ParseResult, ParseTiming, Segment } from './parser/result/parse-result.ts';
export type { ParsedFace } from './parser/result/parsed-face.ts';
export type { ProbabilityBand } from './parser/result/probability-bands.ts';
export { drawSyntheticFace } from './synthetic/face.ts';
export { FaceparseError } from './text/errors.ts';
