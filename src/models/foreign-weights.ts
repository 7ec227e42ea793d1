import { type FileKind, headContains, recognizeFile } from '../formats/recognize-file.ts';
import { FaceparseError } from '../text/errors.ts';

/** Kinds of model files, as messages name them. */
const models: Readonly<Partial<Record<FileKind, string>>> = {
  pytorch: 'a PyTorch checkpoint',
  torchscript: 'a TorchScript model',
  pickle: 'a Python pickle',
  onnx: 'an ONNX model',
  hdf5: 'an HDF5 file, as Keras writes',
  keras: 'a Keras model',
  tflite: 'a TensorFlow Lite model',
};

/** Other kinds that are given in place of weights. */
const others: Readonly<Partial<Record<FileKind, string>>> = {
  numpy: 'a NumPy file',
  zip: 'a zip',
  image: 'an image',
};

/** Endings of model files whose content is not recognised. */
const endings: readonly (readonly [RegExp, string])[] = [
  [/\.(pth|pt|pkl|ckpt)$/i, 'a PyTorch checkpoint'],
  [/\.onnx$/i, 'an ONNX model'],
  [/\.(h5|hdf5|keras)$/i, 'a Keras model'],
  [/\.tflite$/i, 'a TensorFlow Lite model'],
  [/\.pb$/i, 'a TensorFlow graph'],
];

const wanted = 'a run folder or a faceparse weights file, such as runs/NAME/weights/best.safetensors';

/**
 * The error for a model file of another format, or undefined for any other file. It names the format and what to pass
 * instead.
 *
 * @param head the first bytes of the file, up to `recognizedBytes`
 */
export function foreignModelError(head: Uint8Array, name: string): FaceparseError | undefined {
  const kind = recognizeFile(head);
  const model = kind && models[kind];
  if (kind && model) return wrongFile((isExport(head, kind) ? exported : foreign)(kind, name, model));
  const ending = kind === undefined && endings.find(([pattern]) => pattern.test(name));
  if (!ending) return undefined;
  const what = head.length === 0 ? `is empty, not ${ending[1]}` : `is not recognized as ${ending[1]}`;
  return wrongFile(`${name} ${what}, as its ending suggests; pass ${wanted}`);
}

/**
 * The error for a file given as weights that is recognised as something else, or undefined.
 *
 * @param head the first bytes of the file, up to `recognizedBytes`
 */
export function notWeightsError(head: Uint8Array, name: string): FaceparseError | undefined {
  const kind = recognizeFile(head);
  const other = kind && others[kind];
  if (other) return wrongFile(`${name} is ${other}, not weights; pass ${wanted}`);
  if (/\.ya?ml$/i.test(name)) {
    return wrongFile(`${name} is a configuration, not weights; train it with \`faceparse train\`, or pass ${wanted}`);
  }
  return foreignModelError(head, name);
}

function foreign(kind: FileKind, name: string, model: string): string {
  if (isStateDict(kind)) return `${name} is ${model}; convert it with \`faceparse import ${name}\`, or pass ${wanted}`;
  return `${name} is ${model}, which faceparse does not load; pass ${wanted}`;
}

function exported(kind: FileKind, name: string, model: string): string {
  const otherwise = isStateDict(kind)
    ? `without it, convert the file with \`faceparse import ${name}\``
    : 'the file itself cannot be loaded again';
  return `${name} is ${model} that faceparse exported; pass the run from which it was exported, or the run's weights/best.safetensors; ${otherwise}`;
}

/** Whether `faceparse import` reads the format. */
function isStateDict(kind: FileKind): boolean {
  return kind === 'pytorch' || kind === 'torchscript';
}

/** Whether `faceparse export` wrote a file of another format. @param head the first bytes of the file, up to `recognizedBytes` */
export function isOwnExport(head: Uint8Array): boolean {
  const kind = recognizeFile(head);
  return kind !== undefined && isExport(head, kind);
}

/** Names are uncompressed and near the start of the file. */
function isExport(head: Uint8Array, kind: FileKind): boolean {
  if (kind === 'onnx') return headContains(head, 'faceparse');
  if (kind !== 'pytorch') return false;
  // The length before a short text ends with zero bytes.
  return ['state_dict', 'model', 'labels', 'classes', 'size'].every((key) => headContains(head, `\0${key}`));
}

function wrongFile(message: string): FaceparseError {
  return new FaceparseError(message, { exitCode: 2 });
}
