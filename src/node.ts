/** faceparse in Node: parsers from files, datasets, training and evaluation. */
export { checkDataset } from './data/check.ts';
export { openDataset } from './data/dataset.ts';
export { readMask, readPhoto } from './data/read-picture.ts';
export { selectEngine } from './engine/select-engine.ts';
export { FaceParser } from './node/face-parser.ts';
export { evaluateParser } from './training/evaluation.ts';
export { train } from './training/trainer.ts';
