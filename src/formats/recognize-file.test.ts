import { strToU8, zipSync } from 'fflate';
import { describe, expect, it } from 'vitest';
import { encodePyTorchCheckpoint } from './pytorch/pytorch-checkpoint.ts';
import { type FileKind, recognizeFile } from './recognize-file.ts';
import { encodeSafetensors } from './safetensors.ts';

const bytes = (text: string) => Uint8Array.from(text, (character) => character.charCodeAt(0));
const zip = (...names: readonly string[]) => zipSync(Object.fromEntries(names.map((name) => [name, strToU8('x')])));
const tensor = { dtype: 'float32', shape: [1], data: new Float32Array(1) } as const;

describe('recognizeFile', () => {
  it.each<[string, Uint8Array, FileKind | undefined]>([
    ['torch.save', encodePyTorchCheckpoint({ state_dict: new Map([['w', tensor]]) }), 'pytorch'],
    ['torch.save under another name', zip('epoch=3/data.pkl', 'epoch=3/data/0'), 'pytorch'],
    ['torch.save before 1.6', bytes('\x80\x02\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19.'), 'pytorch'],
    ['TorchScript', zip('m/data.pkl', 'm/code/__torch__.py', 'm/constants.pkl'), 'torchscript'],
    ['pickle', bytes('\x80\x04\x95'), 'pickle'],
    ['ONNX', bytes('\x08\x08\x12\x07pytorch'), 'onnx'],
    ['ONNX without producer', bytes('\x08\x0a\x3a\x05'), 'onnx'],
    ['HDF5', bytes('\x89HDF\r\n\x1a\n\0'), 'hdf5'],
    ['Keras', zip('metadata.json', 'config.json', 'model.weights.h5'), 'keras'],
    ['TensorFlow Lite', bytes('\x1c\0\0\0TFL3'), 'tflite'],
    ['npy', bytes('\x93NUMPY\x01\0'), 'numpy'],
    ['npz', zip('a.npy', 'b.npy'), 'numpy'],
    ['zip', zip('images/0.jpg'), 'zip'],
    ['JPEG', bytes('\xff\xd8\xff\xe0'), 'image'],
    ['WebP', bytes('RIFF\x10\0\0\0WEBP'), 'image'],
    ['safetensors', encodeSafetensors(new Map([['w', { ...tensor, dtype: 'F32' }]]), {}), undefined],
    ['text', bytes('\nmodel:\n  name: unet\n'), undefined],
    ['nothing', new Uint8Array(0), undefined],
  ])('%s', (_, head, kind) => {
    expect(recognizeFile(head)).toBe(kind);
  });
});
