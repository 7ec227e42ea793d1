import type { Engine } from '../../src/engine/engine.ts';
import { createNodeOnnxEngine } from '../../src/engine/onnx/node.ts';
import { createReferenceEngine } from '../../src/engine/reference/reference-engine.ts';

/** The engines that the contract holds for, on the processor of this machine. */
export async function loadEngines(): Promise<Engine[]> {
  return [createReferenceEngine(), await createNodeOnnxEngine({ device: 'cpu', threads: 1 })];
}
