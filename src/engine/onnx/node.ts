import { InferenceSession, listSupportedBackends, Tensor } from 'onnxruntime-node';
import { FaceparseError } from '../../text/errors.ts';
import type { Engine } from '../engine.ts';
import { BackgroundRuntime, sessionWorkerUrl } from './background/background-runtime.ts';
import { createOnnxEngine, type OnnxDevice } from './onnx-engine.ts';

/** The devices for which the installed ONNX Runtime was built; they are not tested. */
export function listOnnxDevices(): OnnxDevice[] {
  return listSupportedBackends().map((backend) => backend.name as OnnxDevice);
}

/** Options of the engine. */
export interface NodeOnnxOptions {
  readonly device?: OnnxDevice;
  readonly threads?: number;
  /**
   * Whether networks run in a worker thread, to keep this one free, as for parsing in an app. Not for training, which would
   * copy its state between threads at every step. CPU only.
   */
  readonly background?: boolean;
}

/**
 * The `onnx` engine over onnxruntime-node.
 *
 * @throws FaceparseError if the runtime was not built for the device
 */
export async function createNodeOnnxEngine(options: NodeOnnxOptions = {}): Promise<Engine> {
  const { device = 'cpu', threads, background = false } = options;
  const devices = listOnnxDevices();
  if (!devices.includes(device)) {
    throw new FaceparseError(
      `this ONNX Runtime does not support the device '${device}'; available: ${devices.join(', ')}. Choose one with --device.`,
      { exitCode: 2 },
    );
  }
  const worker = background && device === 'cpu' ? sessionWorkerUrl() : undefined;
  // If a bundler omitted the worker, networks run in this thread.
  const runtime = worker ? new BackgroundRuntime(worker) : { InferenceSession, Tensor };
  return createOnnxEngine({ runtime, device, ...(threads && { threads }) });
}
