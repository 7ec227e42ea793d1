import type { Framing } from '../src/faces/framing.ts';
import { axesOf } from '../src/faces/framing.ts';
import type { LabelMap, Photo } from '../src/image/image.ts';
import { drawSyntheticFace } from '../src/synthetic/face.ts';

/** A photo with drawn faces, and its labels. */
export interface Scene {
  readonly photo: Photo;
  readonly labels: LabelMap;
}

/**
 * A photo with drawn faces in given squares, nearest neighbour, on a gradient that shows no face.
 *
 * @param faces the squares; the seed of each face is its index
 */
export function drawScene(width: number, height: number, faces: readonly Framing[]): Scene {
  const data = new Uint8Array(width * height * 3);
  for (let at = 0; at < width * height; at++) {
    data.set([60 + (60 * (at % width)) / width, 110, 60 + (90 * at) / (width * height)], at * 3);
  }
  const labels = new Uint8Array(width * height);
  for (const [seed, framing] of faces.entries()) {
    const side = 384;
    const face = drawSyntheticFace(seed, side);
    const { right, down } = axesOf(framing);
    for (let y = 0; y < height; y++) {
      for (let x = 0; x < width; x++) {
        const [dx, dy] = [x + 0.5 - framing.x, y + 0.5 - framing.y];
        const u = Math.floor(((dx * right.x + dy * right.y) / framing.side + 0.5) * side);
        const v = Math.floor(((dx * down.x + dy * down.y) / framing.side + 0.5) * side);
        if (u < 0 || v < 0 || u >= side || v >= side) continue;
        const from = v * side + u;
        data.set(face.photo.data.subarray(from * 3, from * 3 + 3), (y * width + x) * 3);
        labels[y * width + x] = face.labels.data[from];
      }
    }
  }
  return { photo: { width, height, data }, labels: { width, height, data: labels } };
}
