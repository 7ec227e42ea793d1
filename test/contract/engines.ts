import { existsSync } from 'node:fs';
import type { Engine } from '../../src/engine/engine.ts';
import { createReferenceEngine } from '../../src/engine/reference/reference-engine.ts';

const onnxFile = new URL('../../src/engine/onnx/node.ts', import.meta.url);

/** The engines that the contract holds for, on the processor of this machine. */
export async function loadEngines(): Promise<Engine[]> {
  const engines = [createReferenceEngine()];
  if (existsSync(onnxFile)) {
    const path = '../../src/engine/onnx/node.ts';
    const { createNodeOnnxEngine } = (await import(/* @vite-ignore */ path)) as {
      createNodeOnnxEngine(options?: { threads?: number }): Promise<Engine>;
    };
    engines.push(await createNodeOnnxEngine({ threads: 1 }));
  }
  return engines;
}
