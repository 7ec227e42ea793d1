import * as webRuntime from 'onnxruntime-web';
import type { Engine } from '../../src/engine/engine.ts';
import { createNodeNativeEngine, findNative } from '../../src/engine/native/node.ts';
import { createNodeOnnxEngine } from '../../src/engine/onnx/node.ts';
import { createOnnxEngine, type OnnxDevice } from '../../src/engine/onnx/onnx-engine.ts';
import { createReferenceEngine } from '../../src/engine/reference/reference-engine.ts';

// Threads would be workers, which cost time to start, and the cases are small.
webRuntime.env.wasm.numThreads = 1;

/** The engine `onnx` over onnxruntime-web, as in a browser; in Node it has WebAssembly only. */
export function createWasmEngine(): Engine {
  return createOnnxEngine({ runtime: webRuntime, device: 'wasm' });
}

/**
 * The engines that the contract holds for: those on the processor of this machine, or, where FACEPARSE_CONTRACT_DEVICE
 * names a device (`webgpu`, `cuda`, …), the onnx engine on that one.
 */
export async function loadEngines(): Promise<Engine[]> {
  const device = process.env.FACEPARSE_CONTRACT_DEVICE as OnnxDevice | undefined;
  if (device) return [await createNodeOnnxEngine({ device, threads: 1 })];
  const engines = [
    createReferenceEngine(),
    await createNodeOnnxEngine({ device: 'cpu', threads: 1 }),
    createWasmEngine(),
  ];
  const native = findNative();
  if (native.available) return [...engines, createNodeNativeEngine({ threads: 2 })];
  console.log(`The native engine is not tested: ${native.reason}`);
  return engines;
}
