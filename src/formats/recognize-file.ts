import { contentOf } from './file-content.ts';

/** A kind of file that its first bytes tell. */
export type FileKind =
  | 'pytorch'
  | 'torchscript'
  | 'pickle'
  | 'onnx'
  | 'hdf5'
  | 'keras'
  | 'tflite'
  | 'numpy'
  | 'zip'
  | 'image';

/** Enough bytes for `recognizeFile`, and for the names in the pickle of a PyTorch checkpoint. */
export const recognizedBytes = 2 ** 18;

/** `torch.save` before PyTorch 1.6 starts with a pickle of this number, 0x1950a86a20f9469cfc6c. */
export const legacyPyTorchStart = [0x80, 2, 0x8a, 10, 0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19];

/** Tags that follow the version in an ONNX model: producer, domain, graph, opsets and the like. */
const onnxTags = [0x12, 0x1a, 0x22, 0x28, 0x32, 0x3a, 0x42, 0x72];
const newestOnnxVersion = 32;

const signatures: readonly (readonly [FileKind, number, string])[] = [
  ['hdf5', 0, '\x89HDF\r\n\x1a\n'],
  ['tflite', 4, 'TFL3'],
  ['numpy', 0, '\x93NUMPY'],
];

/**
 * Recognises model files and images by content. Returns undefined for anything else, such as safetensors.
 *
 * @param head the first bytes of the file, up to `recognizedBytes`
 * @example recognizeFile(Uint8Array.of(0x89, 0x48, 0x44, 0x46, 0x0d, 0x0a, 0x1a, 0x0a)) // 'hdf5'
 */
export function recognizeFile(head: Uint8Array): FileKind | undefined {
  const start = String.fromCharCode(...head.subarray(0, 16));
  const signed = signatures.find(([, at, text]) => start.startsWith(text, at));
  if (signed) return signed[0];
  if (contentOf(head).kind !== 'other') return 'image';
  if (start.startsWith('PK\x03\x04')) return recognizeZip(head);
  if (legacyPyTorchStart.every((byte, at) => head[at] === byte)) return 'pytorch';
  if (head[0] === 0x80 && head[1] >= 2 && head[1] <= 5) return 'pickle';
  const isOnnx = head[0] === 8 && head[1] >= 1 && head[1] <= newestOnnxVersion && onnxTags.includes(head[2]);
  return isOnnx ? 'onnx' : undefined;
}

/** Whether the first bytes of a file contain an ASCII text. */
export function headContains(head: Uint8Array, text: string): boolean {
  return textOf(head.subarray(0, recognizedBytes)).includes(text);
}

function recognizeZip(head: Uint8Array): FileKind {
  const text = textOf(head.subarray(0, recognizedBytes));
  if (text.includes('/constants.pkl') || text.includes('/code/__torch__')) return 'torchscript';
  if (text.includes('/data.pkl')) return 'pytorch';
  if (text.includes('model.weights.h5') || (text.includes('metadata.json') && text.includes('keras'))) return 'keras';
  const nameLength = (head[26] ?? 0) + 256 * (head[27] ?? 0);
  return textOf(head.subarray(30, 30 + nameLength)).endsWith('.npy') ? 'numpy' : 'zip';
}

/** Text for searches of ASCII; the other bytes depend on the platform. */
function textOf(bytes: Uint8Array): string {
  return new TextDecoder('latin1').decode(bytes);
}
