/** faceparse in Node: parsers from files, datasets, training and evaluation. */
export { checkDataset } from './data/dataset/check.ts';
export { openDataset } from './data/dataset/dataset.ts';
export { selectEngine } from './engine/select-engine.ts';
export { readMask, readPhoto } from './image/read-image.ts';
export { FaceParser } from './node/face-parser.ts';
export { evaluateParser } from './training/evaluation.ts';
export { train } from './training/trainer.ts';
