import type { Engine } from '../../src/engine/engine.ts';
import { createNodeNativeEngine, findNative } from '../../src/engine/native/node.ts';
import { createNodeOnnxEngine } from '../../src/engine/onnx/node.ts';
import type { OnnxDevice } from '../../src/engine/onnx/onnx-engine.ts';
import { createReferenceEngine } from '../../src/engine/reference/reference-engine.ts';

/**
 * The engines that the contract holds for: those on the processor of this machine, or, where FACEPARSE_CONTRACT_DEVICE
 * names a device (`webgpu`, `cuda`, …), the onnx engine on that one.
 */
export async function loadEngines(): Promise<Engine[]> {
  const device = process.env.FACEPARSE_CONTRACT_DEVICE as OnnxDevice | undefined;
  if (device) return [await createNodeOnnxEngine({ device, threads: 1 })];
  const engines = [createReferenceEngine(), await createNodeOnnxEngine({ device: 'cpu', threads: 1 })];
  const native = findNative();
  if (native.available) return [...engines, createNodeNativeEngine({ threads: 2 })];
  console.log(`The native engine is not tested: ${native.reason}`);
  return engines;
}
