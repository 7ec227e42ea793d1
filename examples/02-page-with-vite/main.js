// Parses the faces of a photo in the page and draws the classes over it. The photo never leaves the browser.
// npm install faceparse onnxruntime-web@1.30 vite, then: npx vite examples/02-page-with-vite
import { FaceParser } from 'faceparse/browser';
import detector from 'faceparse/weights/face-detector.safetensors?url';
import weights from 'faceparse/weights/flagship.safetensors?url';
import wasm from 'onnxruntime-web/ort-wasm-simd-threaded.wasm?url';
import * as ort from 'onnxruntime-web/wasm';

ort.env.wasm.wasmPaths = { wasm };
const canvas = document.querySelector('canvas');
const loading = FaceParser.load(weights, { runtime: ort, detector });

async function show(file) {
  const [parser, photo] = await Promise.all([loading, createImageBitmap(file)]);
  const result = await parser.parse(photo, { maxSide: 1024 });
  const { data, width, height } = await result.toRgba({ opacity: 0.6 });
  canvas.width = width;
  canvas.height = height;
  const context = canvas.getContext('2d');
  context.drawImage(photo, 0, 0, width, height);
  context.drawImage(await createImageBitmap(new ImageData(data, width, height)), 0, 0);
  document.querySelector('pre').textContent = result.areas
    .map(({ name, share }) => `${name} ${(100 * share).toFixed(1)} %`)
    .join('\n');
}

document.querySelector('input').addEventListener('change', ({ target }) => show(target.files[0]));
