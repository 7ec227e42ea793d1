// Runs an exported network with ONNX Runtime alone: the model takes RGB bytes of any size and returns labels.
// npx faceparse export --format onnx --out face.onnx; node examples/07-onnx-alone.mjs face.onnx face.jpg
import { InferenceSession, Tensor } from 'onnxruntime-node';
import sharp from 'sharp';

const [model, photo] = process.argv.slice(2);
const { data, info } = await sharp(photo)
  .autoOrient()
  .flatten()
  .toColourspace('srgb')
  .raw()
  .toBuffer({ resolveWithObject: true });
const session = await InferenceSession.create(model);
const image = new Tensor('uint8', data, [1, info.height, info.width, 3]);
const { [session.outputNames[0]]: labels } = await session.run({ [session.inputNames[0]]: image });

const counts = new Map();
for (const id of labels.data) counts.set(id, (counts.get(id) ?? 0) + 1);
for (const [id, count] of [...counts].sort(([, a], [, b]) => b - a)) {
  console.log(`class ${id}: ${((100 * count) / labels.data.length).toFixed(1)} %`);
}
await session.release();
