import { InferenceSession, listSupportedBackends, Tensor } from 'onnxruntime-node';
import { FaceparseError } from '../../text/errors.ts';
import type { Engine } from '../engine.ts';
import { createOnnxEngine, type OnnxDevice } from './onnx-engine.ts';

/** The devices that the installed ONNX Runtime was built for, without trying them. */
export function listOnnxDevices(): OnnxDevice[] {
  return listSupportedBackends().map((backend) => backend.name as OnnxDevice);
}

/**
 * The `onnx` engine over onnxruntime-node.
 *
 * @throws FaceparseError where the runtime was not built for the device.
 */
export async function createNodeOnnxEngine(options: { device?: OnnxDevice; threads?: number } = {}): Promise<Engine> {
  const { device = 'cpu', threads } = options;
  const devices = listOnnxDevices();
  if (!devices.includes(device)) {
    throw new FaceparseError(
      `this ONNX Runtime has no device '${device}'; it has ${devices.join(', ')}. Choose one of them with --device.`,
      { exitCode: 2 },
    );
  }
  return createOnnxEngine({ runtime: { InferenceSession, Tensor }, device, ...(threads && { threads }) });
}
