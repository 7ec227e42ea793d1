import { describe, expect, it } from 'vitest';
import { randomWeights } from '../../test/random-weights.ts';
import { onnxModel } from '../export/onnx/onnx.ts';
import { pytorchCheckpoint } from '../export/pytorch/pytorch.ts';
import { encodePyTorchCheckpoint } from '../formats/pytorch/pytorch-checkpoint.ts';
import { foreignModelError, notWeightsError } from './foreign-weights.ts';
import { decodeWeights } from './weights-file.ts';

const foreign = encodePyTorchCheckpoint({
  state_dict: new Map([['conv.weight', { dtype: 'float32', shape: [1], data: new Float32Array(1) }]]),
  epoch: 3,
});
const bytes = (text: string) => Uint8Array.from(text, (character) => character.charCodeAt(0));

describe('a model file of another format', () => {
  it('is named by its content, whatever its ending', () => {
    for (const name of ['best.pth', 'best.safetensors', 'photo.jpg']) {
      expect(foreignModelError(foreign, name)).toMatchObject({
        message: `${name} is a PyTorch checkpoint; convert it with \`faceparse import ${name}\`, or pass a run folder or a faceparse weights file, such as runs/NAME/weights/best.safetensors`,
        exitCode: 2,
      });
    }
    expect(() => decodeWeights(foreign, 'best.pth')).toThrow('best.pth is a PyTorch checkpoint;');
  });

  it('is named by its ending where its content is not known', () => {
    expect(foreignModelError(new Uint8Array(0), 'a.PTH')?.message).toMatch(
      /^a\.PTH is empty, not a PyTorch checkpoint, as its ending suggests; pass /,
    );
    expect(foreignModelError(bytes('hello'), 'a.h5')?.message).toMatch(
      /^a\.h5 is not recognized as a Keras model, as its ending suggests; pass /,
    );
    expect(foreignModelError(bytes('hello'), 'a.jpg')).toBeUndefined();
    expect(foreignModelError(bytes('\xff\xd8\xff'), 'a.pth')).toBeUndefined();
  });

  it.each(['mobile-unet', 'compact-deep'])('leads to the run if faceparse exported it for PyTorch: %s', (model) => {
    const { weights } = randomWeights({ model, labels: 'face-8', size: 64 });
    expect(foreignModelError(pytorchCheckpoint(weights), 'ckpt.pth')?.message).toMatch(
      /^ckpt\.pth is a PyTorch checkpoint that faceparse exported; pass the run from which it was exported, .* `faceparse import ckpt\.pth`$/,
    );
  });

  it('leads to the run if faceparse exported it as ONNX', () => {
    const exported = onnxModel(randomWeights({ size: 32 }).weights);
    expect(foreignModelError(exported, 'x')?.message).toMatch(
      /^x is an ONNX model that faceparse exported; pass the run /,
    );
  });
});

it.each([
  ['face.jpg', '\xff\xd8\xff\xe0', 'face.jpg is an image, not weights; pass a run folder'],
  ['a.npz', 'PK\x03\x04', 'a.npz is a zip, not weights'],
  ['x.yaml', 'model: {}', 'x.yaml is a configuration, not weights; train it with `faceparse train`'],
])('%s given as weights', (name, head, message) => {
  expect(notWeightsError(bytes(head), name)?.message).toContain(message);
});
