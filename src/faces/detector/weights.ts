import { decodeSafetensors } from '../../formats/safetensors.ts';
import { sizeOf } from '../../graph/graph.ts';
import { FaceparseError } from '../../text/errors.ts';
import { blazeFaceGraph, inputMultiple } from './blaze-face.ts';

/** The format in the metadata of a weights file. */
const format = 'faceparse-face-detector';

/**
 * Reads the weights of the detector.
 *
 * @param name what to call the file in errors
 * @throws FaceparseError if the bytes are not a weights file of the detector, or are damaged
 */
export function readDetectorWeights(bytes: Uint8Array, name: string): ReadonlyMap<string, Float32Array> {
  let decoded: ReturnType<typeof decodeSafetensors>;
  try {
    decoded = decodeSafetensors(bytes);
  } catch (cause) {
    throw new FaceparseError(`${name} cannot be read: ${(cause as Error).message}`, { cause });
  }
  const { tensors, metadata } = decoded;
  if (metadata.format !== format) {
    throw new FaceparseError(
      `${name} does not contain the weights of the face detector (weights/face-detector.safetensors).`,
    );
  }
  const states = new Map<string, Float32Array>();
  const { states: expected } = blazeFaceGraph({ batch: 1, height: inputMultiple, width: inputMultiple });
  for (const [state, { shape }] of expected) {
    const tensor = tensors.get(state);
    if (!(tensor?.data instanceof Float32Array) || tensor.data.length !== sizeOf(shape)) {
      throw new FaceparseError(`${name} is damaged: the tensor ${state} is missing or has another size.`);
    }
    states.set(state, tensor.data);
  }
  return states;
}
