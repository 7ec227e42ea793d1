import type { LabelMap, Photo } from '../image/image.ts';
import { Random } from '../random/random.ts';
import { paintEarrings, paintGlasses, paintHat, paintNecklace } from './accessories.ts';
import { Canvas } from './canvas.ts';
import { paintFeatures } from './features.ts';
import { Hair } from './hair.ts';
import { Head } from './head.ts';
import { paintBackground, paintCloth } from './scene.ts';
import { centred, drawTraits } from './traits.ts';

const smallestSize = 16;
const largestSize = 2048;

/**
 * Draws an invented, aligned portrait and its exact celebamask-19 labels; nothing in it comes from a photo.
 *
 * The image depends only on the seed: the same seed at another size gives the same face. Every class can occur;
 * glasses, hats, earrings and necklaces only on some faces. The photo is size×size RGB, the labels are size×size ids
 * below 19.
 *
 * @param seed an integer from 0 to 2⁵³−1
 * @param size side of the image in pixels, 16 to 2048
 * @throws RangeError if the seed or the size is out of its range
 * @example
 * const { photo, labels } = drawSyntheticFace(7, 128);
 */
export function drawSyntheticFace(seed: number, size: number): { photo: Photo; labels: LabelMap } {
  if (!Number.isSafeInteger(seed) || seed < 0) {
    throw new RangeError(`the seed of a synthetic face is ${seed}; it must be an integer from 0 to 2^53-1`);
  }
  if (!Number.isInteger(size) || size < smallestSize || size > largestSize) {
    throw new RangeError(
      `the size of a synthetic face is ${size}; it must be an integer from ${smallestSize} to ${largestSize}`,
    );
  }
  const traits = drawTraits(seed);
  const canvas = new Canvas(size);
  const head = new Head(traits);
  const hair = new Hair(head);
  paintBackground(canvas, traits.seed);
  hair.paintBack(canvas);
  head.paintNeck(canvas);
  paintCloth(canvas, head);
  paintNecklace(canvas, head);
  head.paintEars(canvas);
  head.paintSkin(canvas);
  Hair.paintScalp(canvas, head);
  head.paintNose(canvas);
  paintFeatures(canvas, head);
  paintGlasses(canvas, head);
  hair.paintFront(canvas);
  paintEarrings(canvas, head, hair);
  paintHat(canvas, head);

  const random = new Random(traits.seed).fork('camera');
  const exposure = centred(random, 0.88, 1.12);
  const warmth = 0.05 * traits.light.warmth;
  const photo = canvas.finish({
    blur: random.chance(0.3) ? random.uniform(0.001, 0.0032) : 0,
    gain: [exposure * (1 + warmth), exposure * (1 + centred(random, -0.02, 0.02)), exposure * (1 - warmth)],
    vignette: random.uniform(0, 0.35),
    grain: random.uniform(0.002, 0.014),
    seed: random.next(),
  });
  return { photo, labels: canvas.labelMap() };
}
