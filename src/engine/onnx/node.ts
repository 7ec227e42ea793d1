import { InferenceSession, listSupportedBackends, Tensor } from 'onnxruntime-node';
import { FaceparseError } from '../../text/errors.ts';
import type { Engine } from '../engine.ts';
import { BackgroundRuntime, sessionWorkerUrl } from './background/background-runtime.ts';
import { createOnnxEngine, type OnnxDevice } from './onnx-engine.ts';

/** The devices that the installed ONNX Runtime was built for, without trying them. */
export function listOnnxDevices(): OnnxDevice[] {
  return listSupportedBackends().map((backend) => backend.name as OnnxDevice);
}

/** How the engine is made. */
export interface NodeOnnxOptions {
  readonly device?: OnnxDevice;
  readonly threads?: number;
  /**
   * Whether networks run in a worker thread, so that this one stays free: for parsing in an app. Training would copy its state
   * between the threads at every step. On the CPU only.
   */
  readonly background?: boolean;
}

/**
 * The `onnx` engine over onnxruntime-node.
 *
 * @throws FaceparseError where the runtime was not built for the device.
 */
export async function createNodeOnnxEngine(options: NodeOnnxOptions = {}): Promise<Engine> {
  const { device = 'cpu', threads, background = false } = options;
  const devices = listOnnxDevices();
  if (!devices.includes(device)) {
    throw new FaceparseError(
      `this ONNX Runtime has no device '${device}'; it has ${devices.join(', ')}. Choose one of them with --device.`,
      { exitCode: 2 },
    );
  }
  const worker = background && device === 'cpu' ? sessionWorkerUrl() : undefined;
  // Where a bundler has left the worker out, networks run here, as they do in other threads.
  const runtime = worker ? new BackgroundRuntime(worker) : { InferenceSession, Tensor };
  return createOnnxEngine({ runtime, device, ...(threads && { threads }) });
}
