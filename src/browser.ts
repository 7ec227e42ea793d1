/** faceparse in the browser: the shared core; give `createOnnxEngine` the runtime of onnxruntime-web. */
export * from './index.ts';
