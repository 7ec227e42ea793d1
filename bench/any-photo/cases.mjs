// The cases of the test set: a scene each, with its true labels and where its faces are.
import { Random } from '../../dist/random/random.js';
import { backdropKinds, drawBackdrop } from './backdrops.mjs';
import { storedWithOrientation } from './exif.mjs';
import { pasteLabels, pastePhoto } from './paste.mjs';

/** An upright or turned face somewhere in the canvas, as a share of its side. */
const somewhere = (share, angle = () => 0) => ({
  size: (canvas) => ({ width: canvas, height: canvas }),
  frames: ({ width, height }, random, index) => {
    const side = width * share;
    const degrees = angle(index);
    // A turned square needs more room; it may stick out, but not the face in its middle.
    const margin = side / 2;
    return [
      { x: random.uniform(margin, width - margin), y: random.uniform(margin, height - margin), side, angle: degrees },
    ];
  },
});

/** A face that fills a photo of 512². */
const filling = (angle) => ({
  size: () => ({ width: 512, height: 512 }),
  frames: ({ width, height }) => [{ x: width / 2, y: height / 2, side: width, angle }],
});

const two = {
  size: (canvas) => ({ width: canvas, height: canvas / 2 }),
  faces: 2,
  frames: ({ width, height }, random) =>
    [0.25, 0.75].map((place) => {
      const side = height * random.uniform(0.6, 0.95);
      const spare = (room) => random.uniform(-(room - side) / 2, (room - side) / 2);
      return { x: place * width + spare(width / 2), y: height / 2 + spare(height), side, angle: 0 };
    }),
};

/** Half the size, with 20 % to 35 % of the face's photo beyond one of the edges. */
const edge = {
  size: (canvas) => ({ width: canvas, height: canvas }),
  frames: ({ width }, random, index) => {
    const side = width / 2;
    const along = random.uniform(side / 2, width - side / 2);
    const near = side * (0.5 - random.uniform(0.2, 0.35));
    const [x, y] = [
      [near, along],
      [width - near, along],
      [along, near],
      [along, width - near],
    ][index % 4];
    return [{ x, y, side, angle: 0 }];
  },
};

/** Scenes of pasted faces, by name. */
const scenes = {
  backdrop: { title: 'another background', ...filling(0) },
  half: { title: 'half of the side', ...somewhere(1 / 2) },
  third: { title: 'a third', ...somewhere(1 / 3) },
  quarter: { title: 'a quarter', ...somewhere(1 / 4) },
  eighth: { title: 'an eighth', ...somewhere(1 / 8) },
  'turned-30': { title: 'fills the photo, turned by 30°', ...filling(30) },
  'turned-90': { title: 'fills the photo, turned by 90°', ...filling(90) },
  'turned-180': { title: 'fills the photo, turned by 180°', ...filling(180) },
  angles: { title: 'a quarter, turned by 0°, 30°, … 330°', ...somewhere(1 / 4, (index) => 30 * (index % 12)) },
  two: { title: 'two faces side by side', ...two },
  edge: { title: 'half of the side, cut by the edge', ...edge },
};

/** The names of all cases, in the order of the table. */
export const caseNames = ['aligned', ...Object.keys(scenes), 'exif', 'faceless'];

export const caseTitles = {
  aligned: 'aligned: the photo as it is',
  ...Object.fromEntries(Object.entries(scenes).map(([name, { title }]) => [name, title])),
  exif: 'all eight EXIF orientations',
  faceless: 'no face',
};

/** Sizes of photos without a face: phones, screens, old cameras. */
const facelessSizes = [
  { width: 1920, height: 1080 },
  { width: 1080, height: 1440 },
  { width: 1024, height: 1024 },
  { width: 800, height: 600 },
];

/**
 * The scenes of a case, one at a time: `{ image, truth, frames }`, where `image` is what a parser gets (pixels, or the bytes of a
 * JPEG), `truth` has the labels of every pixel, and `frames` says where the faces are. `moved` has the labels that the parser
 * gives to the aligned photos, moved to the places of the faces: what can be reached.
 */
export async function* scenesOf(name, pairs, tiles, { seed, canvas, paste, faceless }) {
  if (name === 'faceless') {
    for (let index = 0; index < faceless; index++) yield facelessScene(index, tiles, seed);
    return;
  }
  for (const [index, pair] of pairs.entries()) {
    const whole = {
      x: pair.photo.width / 2,
      y: pair.photo.height / 2,
      side: Math.max(pair.photo.width, pair.photo.height),
    };
    const aligned = { image: pair.photo, truth: pair.labels, moved: pair.predicted, frames: [{ ...whole, angle: 0 }] };
    if (name === 'aligned') yield aligned;
    else if (name === 'exif') {
      yield { ...aligned, image: await storedWithOrientation(pair.photo, 1 + (index % 8)) };
    } else yield pastedScene(name, index, pairs, tiles, { seed, canvas, paste });
  }
}

async function facelessScene(index, tiles, seed) {
  const random = new Random(seed, 'faceless', index);
  const size = facelessSizes[Math.floor(index / backdropKinds.length) % facelessSizes.length];
  const image = await drawBackdrop(backdropKinds[index % backdropKinds.length], size, random, tiles);
  const empty = { ...size, data: new Uint8Array(size.width * size.height) };
  return { image, truth: empty, moved: empty, frames: [] };
}

async function pastedScene(name, index, pairs, tiles, { seed, canvas, paste }) {
  const scene = scenes[name];
  const random = new Random(seed, name, index);
  const size = scene.size(canvas);
  // Every angle of the sweep meets every kind.
  const kind = backdropKinds[(index + Math.floor(index / 12)) % backdropKinds.length];
  const photo = await drawBackdrop(kind, size, random, tiles);
  const truth = { ...size, data: new Uint8Array(size.width * size.height) };
  const moved = { ...size, data: new Uint8Array(size.width * size.height) };
  const frames = scene.frames(size, random, index);
  for (const [i, frame] of frames.entries()) {
    // The second face is another person's.
    const pair = pairs[(index + i * Math.ceil(pairs.length / 2)) % pairs.length];
    await pastePhoto(photo, pair, frame, paste);
    pasteLabels(truth, pair.labels, frame);
    pasteLabels(moved, pair.predicted, frame);
  }
  return { image: photo, truth, moved, frames };
}
