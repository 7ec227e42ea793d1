import type { Engine } from '../src/engine/engine.ts';
import { createNodeNativeEngine, findNative } from '../src/engine/native/node.ts';
import { createReferenceEngine } from '../src/engine/reference/reference-engine.ts';

/**
 * An engine that shares no code with ONNX Runtime or PyTorch: the native one, which is fast, or else the reference engine.
 * test/contract/models.test.ts compares both for every network.
 */
export function independentEngine(): Engine {
  return findNative().available ? createNodeNativeEngine({ threads: 2 }) : createReferenceEngine();
}
