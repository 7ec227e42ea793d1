// Converts the face detector of @vladmandic/human (TensorFlow.js) to weights/face-detector.safetensors, byte for byte the same.
//
//     npm pack @vladmandic/human@3.3.6 && tar xzf vladmandic-human-3.3.6.tgz
//     node scripts/build.mjs && node scripts/detector/convert.mjs package weights/face-detector.safetensors
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const [packageFolder, output] = process.argv.slice(2);
if (output === undefined) {
  console.error('Usage: node scripts/detector/convert.mjs PACKAGE_FOLDER OUTPUT');
  process.exit(2);
}
const { encodeSafetensors } = await import('../../dist/formats/safetensors.js');

const { name: packageName, version } = JSON.parse(readFileSync(join(packageFolder, 'package.json'), 'utf8'));
const { modelTopology, weightsManifest } = JSON.parse(
  readFileSync(join(packageFolder, 'models', 'blazeface.json'), 'utf8'),
);
const bytes = readFileSync(join(packageFolder, 'models', 'blazeface.bin'));

/** The constants by name. */
const constants = new Map();
let offset = 0;
for (const { weights } of weightsManifest) {
  for (const { name, shape, dtype, quantization } of weights) {
    if (quantization) throw new Error(`${name} is quantised, which this script does not support`);
    const count = shape.reduce((product, extent) => product * extent, 1);
    const data = bytes.subarray(offset, offset + 4 * count);
    offset += 4 * count;
    if (dtype === 'float32') constants.set(name, { shape, data: new Float32Array(Uint8Array.from(data).buffer) });
  }
}
if (offset !== bytes.length) throw new Error(`blazeface.bin has ${bytes.length} bytes, but ${offset} are described`);

/** The inputs of a layer by its name: `conv2d_7` or `depthwise_conv2d`; the last layer is named after its activation. */
const layers = new Map();
for (const { op, name, input } of modelTopology.node) {
  if (!/Conv2[dD]/.test(op)) continue;
  const layer = name.split('/').at(-2);
  layers.set(layer === 're_lu_31' ? 'conv2d_32' : layer, input);
}
const numbered = (layer, index) => (index === 0 ? layer : `${layer}_${index}`);

/** Reorders height×width×in×out to out×in×height×width; of a depthwise kernel, `in` are the groups. */
function reorder({ shape: [height, width, inputs, outputs], data }, depthwise) {
  const [filters, perGroup] = depthwise ? [inputs, outputs] : [outputs, inputs];
  const result = new Float32Array(data.length);
  let to = 0;
  for (let filter = 0; filter < filters; filter++)
    for (let channel = 0; channel < perGroup; channel++)
      for (let pixel = 0; pixel < height * width; pixel++) {
        const place = depthwise ? filter * outputs + channel : channel * outputs + filter;
        result[to++] = data[pixel * inputs * outputs + place];
      }
  return { dtype: 'F16', shape: [filters, perGroup, height, width], data: result };
}

const tensors = new Map();
function take(layer, target, depthwise = false) {
  const [, kernel, bias] = layers.get(layer);
  tensors.set(`${target}.weight`, reorder(constants.get(kernel), depthwise));
  if (bias) tensors.set(`${target}.bias`, { dtype: 'F32', ...constants.get(bias) });
}

take('conv2d', 'stem');
for (let index = 0; index < 32; index++) {
  const target = index < 31 ? `blocks.${index}` : 'downsampling';
  take(numbered('depthwise_conv2d', index), `${target}.depthwise`, true);
  take(numbered('conv2d', index + 1), `${target}.pointwise`);
}
take('conv2d_33', 'scores.fine');
take('conv2d_34', 'scores.coarse');
take('conv2d_35', 'values.fine');
take('conv2d_36', 'values.coarse');

const file = encodeSafetensors(tensors, {
  format: 'faceparse-face-detector',
  version: '1',
  network: 'BlazeFace, back camera',
  origin: `${packageName}@${version} (MIT), models/blazeface; by Google MediaPipe (Apache-2.0)`,
});
writeFileSync(output, file);
console.log(`Wrote ${output}: ${tensors.size} tensors, ${file.length} bytes.`);
