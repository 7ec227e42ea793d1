/**
 * faceparse in Node: everything of `faceparse`, and parsers from files, datasets, training and evaluation.
 *
 * @module faceparse/node
 */
export { parseConfig } from './config/parse-config.ts';
export type { Config } from './config/schema.ts';
export { checkDataset, checkSplits } from './data/checks/check-dataset.ts';
export type {
  CheckResult,
  DatasetProblem,
  NearDuplicate,
  SidesFinding,
  SplitsCheckResult,
} from './data/checks/finding.ts';
export { type Dataset, type DatasetItem, openDataset } from './data/dataset/dataset.ts';
export { type EngineChoice, type EngineName, selectEngine } from './engine/select-engine.ts';
export { evaluateMasks, type MaskEvaluation, type MaskEvaluationOptions } from './evaluation/evaluate-masks.ts';
export { type EvaluationOptions, evaluateParser, type ScoredImage } from './evaluation/evaluate-parser.ts';
export { ImageError, readMask } from './image/read-image.ts';
export * from './index.ts';
export { loadFaceDetector } from './node/face-detector.ts';
export { FaceParser, type LoadOptions } from './node/face-parser.ts';
export { type CanvasLike, decodeSource as readPhoto, type ImageSource, type SharpLike } from './node/image-source.ts';
export { type SyntheticDatasetOptions, writeSyntheticDataset } from './synthetic/dataset.ts';
export type { RunFolder } from './training/record/run-folder.ts';
export { storedConfig } from './training/stored-config.ts';
export type { BestScores, TrainingProgress, TrainOptions, TrainResult } from './training/train-options.ts';
export { train } from './training/trainer.ts';
