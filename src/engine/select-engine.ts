import { availableParallelism } from 'node:os';
import type { Engine } from './engine.ts';
import type { OnnxDevice } from './onnx/onnx-engine.ts';

/** Which engine is wanted; `auto` is the best one present. */
export interface EngineChoice {
  readonly name?: 'auto' | 'onnx' | 'reference';
  readonly device?: Exclude<OnnxDevice, 'wasm'>;
  readonly threads?: number;
}

/** The number of threads that an engine gets where nothing is said: one a core. */
export function defaultThreads(): number {
  return availableParallelism();
}

/** Creates an engine in Node. Modules are loaded only for the engine that is chosen. */
export async function selectEngine(choice: EngineChoice = {}): Promise<Engine> {
  const { name = 'auto', device = 'cpu', threads = defaultThreads() } = choice;
  if (name === 'reference') {
    const { createReferenceEngine } = await import('./reference/reference-engine.ts');
    return createReferenceEngine();
  }
  const { createNodeOnnxEngine } = await import('./onnx/node.ts');
  return createNodeOnnxEngine({ device, threads });
}
