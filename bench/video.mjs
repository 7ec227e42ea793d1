// How steady the labels of a video are, and what that costs: parse on every frame against parseFrames.
//
//   npm run bench -- --video [--data DATA/val] [--photos 5] [--frames 30] [--engine native|onnx] [--smoothing 0.8]
//
// Puts photos of a dataset into frames of 640×480 with sensor noise (σ = 5 levels). `still`: nothing moves but the noise.
// `moving`: the face crosses the picture by 4 pixels per frame and turns by 1° per frame. Prints the share of the pixels of the
// face's square that change from one frame to the next, F (per image) of all frames against the true labels, and the time per frame.
import { cpus } from 'node:os';
import { parseArgs } from 'node:util';
import { median } from '../dist/metrics/median.js';
import { FaceParser, FaceScore, openDataset, readMask, readPhoto } from '../dist/node.js';
import { Random } from '../dist/random/random.js';
import { wholeOption } from './sides.mjs';

const { values: options } = parseArgs({
  options: {
    video: { type: 'boolean' },
    data: { type: 'string', default: '../shared/data/celebamask-mini/val' },
    photos: { type: 'string', default: '5' },
    frames: { type: 'string', default: '30' },
    engine: { type: 'string' },
    smoothing: { type: 'string', default: '0.8' },
  },
});
const frames = wholeOption('frames', options.frames);
const [width, height, side] = [640, 480, 300];

/** A frame with the photo in a square, and its true labels. */
function drawFrame({ photo, mask }, { x, y, angle }, random) {
  const data = new Uint8Array(width * height * 3);
  const labels = new Uint8Array(width * height);
  const [cos, sin] = [Math.cos((angle * Math.PI) / 180), Math.sin((angle * Math.PI) / 180)];
  const scale = photo.width / side;
  for (let row = 0; row < height; row++) {
    for (let column = 0; column < width; column++) {
      const at = row * width + column;
      const [dx, dy] = [(column + 0.5 - x) * scale, (row + 0.5 - y) * scale];
      const u = Math.floor(dx * cos + dy * sin + photo.width / 2);
      const v = Math.floor(dy * cos - dx * sin + photo.height / 2);
      const inside = u >= 0 && v >= 0 && u < photo.width && v < photo.height;
      if (inside) labels[at] = mask.data[v * photo.width + u];
      for (let c = 0; c < 3; c++) {
        const value = inside ? photo.data[(v * photo.width + u) * 3 + c] : 70 + (60 * column) / width;
        data[3 * at + c] = Math.min(255, Math.max(0, value + 5 * random.normal() + 0.5));
      }
    }
  }
  return { photo: { width, height, data }, labels };
}

const places = {
  still: () => ({ x: 320, y: 240, angle: 0 }),
  moving: (index) => ({ x: 180 + 4 * index, y: 240, angle: index - 10 }),
};

/** The results of a video, one after the other. */
const sides = {
  async *'parse of every frame'(parser, scenes) {
    for (const { photo } of scenes) yield await parser.parse(photo, { faces: 'every' });
  },
  async *'parseFrames, smoothing 0'(parser, scenes) {
    yield* parser.parseFrames(
      scenes.map(({ photo }) => photo),
      { smoothing: 0 },
    );
  },
  async *[`parseFrames, smoothing ${options.smoothing}`](parser, scenes) {
    yield* parser.parseFrames(
      scenes.map(({ photo }) => photo),
      { smoothing: Number(options.smoothing) },
    );
  },
};

const items = (await openDataset(options.data)).items.slice(0, wholeOption('photos', options.photos));
const parser = await FaceParser.load(undefined, options.engine ? { name: options.engine } : {});
console.log(`${items.length} photos, ${frames} frames each, engine ${parser.engine.name}, ${cpus()[0].model}\n`);
console.log('| video | side | pixels that change | F (per image) | ms per frame |\n|---|---|---:|---:|---:|');
for (const [video, place] of Object.entries(places)) {
  for (const [name, results] of Object.entries(sides)) {
    const score = new FaceScore(19);
    const changes = [];
    const times = [];
    for (const [index, { imagePath, maskPath }] of items.entries()) {
      const random = new Random(1, index);
      const face = { photo: await readPhoto(imagePath), mask: await readMask(maskPath) };
      const scenes = Array.from({ length: frames }, (_, frame) => drawFrame(face, place(frame), random));
      let last;
      let number = 0;
      const start = performance.now();
      for await (const { labels } of results(parser, scenes)) {
        score.add(scenes[number++].labels, labels);
        // The first frames meet an unknown face.
        if (last && number > 5) {
          let changed = 0;
          for (let at = 0; at < labels.length; at++) if (labels[at] !== last[at]) changed++;
          changes.push(changed / side ** 2);
        }
        last = labels;
      }
      times.push((performance.now() - start) / frames);
    }
    const change = changes.reduce((sum, value) => sum + value, 0) / changes.length;
    const cells = [
      video,
      name,
      `${(100 * change).toFixed(2)} %`,
      score.summary().fPerImage.toFixed(3),
      median(times).toFixed(0),
    ];
    console.log(`| ${cells.join(' | ')} |`);
  }
}
await parser.dispose();
