import { FaceparseError } from '../../text/errors.ts';
import { type ByteSource, byteSource } from '../byte-source.ts';
import { contentOf } from '../file-content.ts';
import { openCheckpointZip } from '../pytorch/checkpoint-archive.ts';
import { textsAtTop } from '../pytorch/find-state-dict.ts';
import { openLegacyCheckpoint } from '../pytorch/legacy-checkpoint.ts';
import { legacyPyTorchStart, recognizeFile } from '../recognize-file.ts';
import { chooseStateDict, remedy } from './pytorch-state-dict.ts';
import { readSafetensorsStateDict } from './safetensors-state-dict.ts';
import type { StateTensor } from './state-tensor.ts';

/** Where in a file a state_dict was found. */
export interface StateDictOrigin {
  /** `pytorch-legacy` is the format before PyTorch 1.6. */
  readonly format: 'pytorch' | 'pytorch-legacy' | 'torchscript' | 'safetensors';
  /** Keys that lead to the state_dict, joined by dots, such as `state_dict`; empty for the top level. */
  readonly dictionary: string;
  /** Other state dicts in the file, which `dictionary` can choose. */
  readonly others: readonly string[];
  /** Metadata of a safetensors file; texts and numbers at the top level of a PyTorch file. */
  readonly metadata: Readonly<Record<string, string>>;
}

/** The tensors of another program's weights. */
export interface StateDict {
  /** Tensors by their names in the file, in its order. */
  readonly tensors: ReadonlyMap<string, StateTensor>;
  /** Lines for the user, which name the file: what was chosen where there is a choice, and what was skipped. */
  readonly notices: readonly string[];
  readonly origin: StateDictOrigin;
}

export interface StateDictOptions {
  /** Path of the state_dict in a PyTorch file, such as `params_ema`; by default the usual one. */
  readonly dictionary?: string;
}

/** Enough for the names of the formats that are not read. */
const headBytes = 2 ** 12;
/** The operation that begins a frame in a pickle, and its length. */
const frameBytes = 9;
const wanted = 'pass a .pth, .pt, .ckpt or .bin of PyTorch, or a .safetensors file';

/**
 * Reads the state_dict in a file of PyTorch or safetensors. The content of the file determines its format, not its name.
 * No pickled code is run, and nothing is imported.
 *
 * Reads `torch.save` (of a state_dict, of a dictionary around it, of a whole model; PyTorch 1.6 and later, and before),
 * TorchScript, and safetensors. Of several state dicts, the one under `state_dict`, `model` or another usual key is preferred
 * to moving averages such as `params_ema`; a notice says so. Elements are read when `read` is called. With a file from
 * `openByteFile`, only one tensor at a time is in memory, and the file must stay open as long.
 *
 * @param source the file: its bytes, or a source that is read by position
 * @param name how messages name the file
 * @throws FaceparseError that names the file if it is another format, truncated, damaged or too large, or if it has no
 * tensors by name
 * @example
 * const { tensors, notices, origin } = readStateDict(bytes, 'resnet50.pth');
 * for (const line of notices) console.error(line);
 * tensors.get('conv1.weight')?.shape; // [64, 3, 7, 7]
 * tensors.get('conv1.weight')?.read(); // Float32Array(9408)
 * origin.dictionary; // 'state_dict', or '' for the top level
 */
export function readStateDict(
  source: Uint8Array | ByteSource,
  name: string,
  { dictionary }: StateDictOptions = {},
): StateDict {
  const file = source instanceof Uint8Array ? byteSource(source) : source;
  return named(name, () => {
    const { tensors, notices, origin } = readContent(file, dictionary);
    return { tensors: withName(tensors, name), notices: notices.map((line) => `${name}: ${line}`), origin };
  });
}

function readContent(file: ByteSource, dictionary: string | undefined): StateDict {
  const head = file.read(0, Math.min(file.size, headBytes));
  const isZip = head[0] === 0x50 && head[1] === 0x4b;
  const isLegacy = startsWithMagicNumber(head);
  if (isZip || isLegacy) {
    const archive = isZip ? openCheckpointZip(file) : openLegacyCheckpoint(file);
    const { tensors, notices, others, dictionary: path } = chooseStateDict(archive, dictionary);
    const metadata = textsAtTop(archive.value);
    return { tensors, notices, origin: { format: archive.format, dictionary: path, others, metadata } };
  }
  refuseOthers(head);
  if (dictionary !== undefined) {
    throw new FaceparseError('a safetensors file has no dictionaries to choose from; leave the choice out');
  }
  const { tensors, metadata } = readSafetensorsStateDict(file);
  if (tensors.size === 0) throw new FaceparseError('the safetensors file has no tensors; pass one with weights');
  return { tensors, notices: [], origin: { format: 'safetensors', dictionary: '', others: [], metadata } };
}

/** Whether the file is one of `torch.save` before PyTorch 1.6, in any protocol of pickles: 4 and 5 have a frame around it. */
function startsWithMagicNumber(head: Uint8Array): boolean {
  const number = legacyPyTorchStart.slice(2);
  const startsAt = (start: number) => number.every((byte, at) => head[start + at] === byte);
  return head[0] === legacyPyTorchStart[0] && (startsAt(2) || startsAt(2 + frameBytes));
}

/** Other formats by their content. Safetensors has no signature; it starts with the length of its header, then `{`. */
function refuseOthers(head: Uint8Array): void {
  if (head.length === 0) throw new FaceparseError(`the file is empty; ${wanted}`);
  const text = new TextDecoder('latin1').decode(head.subarray(0, 64));
  if (text.startsWith('version https://git-lfs')) {
    throw new FaceparseError(
      'the file is a Git LFS pointer, not the weights; run `git lfs pull`, or download the file',
    );
  }
  const kind = recognizeFile(head);
  if (kind === 'pickle') {
    throw new FaceparseError(
      `the file is a Python pickle that torch.save did not write; load it in Python and ${remedy}`,
    );
  }
  const content = contentOf(head).name;
  const what = kind === undefined ? content : (kindNames[kind] ?? content);
  if (kind === undefined && head[8] === 0x7b) return;
  throw new FaceparseError(`the file is ${what}, not weights of PyTorch or safetensors; ${wanted}`);
}

const kindNames: Readonly<Record<string, string>> = {
  onnx: 'an ONNX model',
  hdf5: 'an HDF5 file, as Keras writes',
  tflite: 'a TensorFlow Lite model',
  numpy: 'a NumPy file',
};

/** Puts the name of the file in front of an error. */
function named<T>(name: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (!(error instanceof FaceparseError)) throw error;
    throw new FaceparseError(`${name}: ${error.message}`, { cause: error, exitCode: error.exitCode });
  }
}

function withName(tensors: ReadonlyMap<string, StateTensor>, name: string): Map<string, StateTensor> {
  return new Map(
    [...tensors].map(([key, tensor]) => [key, { ...tensor, read: () => named(name, () => tensor.read()) }]),
  );
}
