import { availableParallelism } from 'node:os';
import { requirePackages } from '../packages/optional-packages.ts';
import { checkOptions } from '../text/check-options.ts';
import { FaceparseError } from '../text/errors.ts';
import { suggestName } from '../text/similar-names.ts';
import type { Engine } from './engine.ts';
import type { OnnxDevice } from './onnx/onnx-engine.ts';

/** Engine names; `auto` selects the best available one: `native` on the CPU if its add-on is built, else `onnx`. */
export const engineNames = ['auto', 'native', 'onnx', 'reference'] as const;

export type EngineName = (typeof engineNames)[number];

/** The requested engine. */
export interface EngineChoice {
  readonly name?: EngineName;
  readonly device?: Exclude<OnnxDevice, 'wasm'>;
  readonly threads?: number;
}

/** The default number of threads of an engine: one per core. */
export function defaultThreads(): number {
  return availableParallelism();
}

/**
 * Creates an engine in Node. Only the modules of the selected engine are loaded.
 *
 * @param background whether the thread that calls the engine must stay free while a network runs
 * @throws FaceparseError (exit code 2) for an unknown engine or option, a device that is not available or an invalid number of threads
 */
export async function selectEngine(choice: EngineChoice = {}, background = false): Promise<Engine> {
  checkOptions(choice, ['name', 'device', 'threads'], 'selectEngine');
  const { name = 'auto', device = 'cpu', threads = defaultThreads() } = choice;
  if (!engineNames.includes(name)) {
    throw new FaceparseError(`unknown engine '${name}'; ${suggestName(String(name), engineNames)}`, {
      exitCode: 2,
    });
  }
  if (!Number.isInteger(threads) || threads < 1) {
    throw new FaceparseError(`threads is ${threads}, but must be a positive integer`, { exitCode: 2 });
  }
  if (name === 'reference') {
    const { createReferenceEngine } = await import('./reference/reference-engine.ts');
    return createReferenceEngine();
  }
  if (name !== 'onnx' && (name === 'native' || device === 'cpu')) {
    if (device !== 'cpu') {
      throw new FaceparseError(`the native engine runs only on the CPU; for ${device} use the onnx engine`, {
        exitCode: 2,
      });
    }
    const { createNodeNativeEngine, findNative } = await import('./native/node.ts');
    if (name === 'native' || findNative().available) return createNodeNativeEngine({ threads });
  }
  requirePackages('the onnx engine', ['onnxruntime-node']);
  const { createNodeOnnxEngine } = await import('./onnx/node.ts');
  return createNodeOnnxEngine({ device, threads, background });
}
