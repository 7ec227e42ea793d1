import { encodeOnnxModel } from '../../formats/onnx-protobuf.ts';
import type { OnnxSession, OnnxTensor } from './onnx-runtime.ts';

/**
 * Copies tensors out of GPU buffers. `getData()` of such a tensor ends the process in onnxruntime-node 1.30, so the copy is
 * the output of a second session, which is an Identity of any extents. Sessions of one device share their buffers.
 */
export class DeviceReader {
  /** Sessions by rank, created on first use. */
  private readonly sessions = new Map<number, Promise<OnnxSession>>();

  constructor(private readonly createSession: (model: Uint8Array) => Promise<OnnxSession>) {}

  /** A copy of a float32 tensor in any location. */
  async read(tensor: OnnxTensor): Promise<Float32Array> {
    if (tensor.location === 'cpu') return new Float32Array(tensor.data as Float32Array);
    const rank = tensor.dims.length;
    let session = this.sessions.get(rank);
    if (!session) {
      session = this.createSession(identityModel(rank));
      this.sessions.set(rank, session);
    }
    const { y } = await (await session).run({ x: tensor }, ['y']);
    return y.data as Float32Array;
  }

  async dispose(): Promise<void> {
    const sessions = [...this.sessions.values()];
    this.sessions.clear();
    for (const session of sessions) await (await session).release();
  }
}

function identityModel(rank: number): Uint8Array {
  const shape = Array.from({ length: rank }, (_, axis) => `extent${axis}`);
  return encodeOnnxModel({
    opsets: { '': 17 },
    nodes: [{ opType: 'Identity', inputs: ['x'], outputs: ['y'] }],
    inputs: [{ name: 'x', type: 'float32', shape }],
    outputs: [{ name: 'y', type: 'float32', shape }],
    initializers: [],
  });
}
