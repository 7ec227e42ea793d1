// Pastes the face of a pair into a scene, at any place, size and angle, photo and labels alike.
import { resizePixels } from './backdrops.mjs';

/**
 * @typedef {{ x: number, y: number, side: number, angle: number }} Frame where the whole photo of a face lies in a scene: its
 *   centre and its longer side in pixels of the scene, and its angle in degrees, clockwise
 */

/** Ways to paste a face into a scene. */
export const pasteKinds = ['faded', 'person', 'square'];

/** Width of the border in which a faded photo goes over into the scene, as a share of its side. */
const fade = 0.15;

/**
 * The opacity of every pixel of a pair, 0 to 255.
 *
 * - faded: the person is opaque, the photo's own background goes over into the scene. No edge betrays the place of the photo,
 *   and what surrounds the face is what surrounds it in aligned photos.
 * - person: the person alone, as if in another place.
 * - square: the whole photo.
 */
function opacities({ labels: { width, height, data } }, kind) {
  const border = fade * Math.max(width, height);
  return data.map((id, i) => {
    if (id !== 0 || kind === 'square') return 255;
    if (kind === 'person') return 0;
    const [x, y] = [i % width, Math.floor(i / width)];
    const inside = Math.min(1, Math.min(x, y, width - 1 - x, height - 1 - y) / border);
    return Math.round(255 * inside * inside * (3 - 2 * inside));
  });
}

/**
 * Visits the pixels of a scene that the photo of a face covers: the index of the pixel, and its place in the photo, from 0 to 1 along
 * the longer side.
 */
function visitPixels(scene, face, { x: centreX, y: centreY, side, angle }, visit) {
  const radians = (angle * Math.PI) / 180;
  const [cos, sin] = [Math.cos(radians), Math.sin(radians)];
  const longer = Math.max(face.width, face.height);
  const [width, height] = [face.width / longer, face.height / longer];
  const reach = (Math.abs(cos) + Math.abs(sin)) * (side / 2) + 1;
  const columns = [Math.max(0, Math.floor(centreX - reach)), Math.min(scene.width, Math.ceil(centreX + reach))];
  const rows = [Math.max(0, Math.floor(centreY - reach)), Math.min(scene.height, Math.ceil(centreY + reach))];
  for (let row = rows[0]; row < rows[1]; row++) {
    for (let column = columns[0]; column < columns[1]; column++) {
      const right = (column + 0.5 - centreX) / side;
      const below = (row + 0.5 - centreY) / side;
      const x = cos * right + sin * below + width / 2;
      const y = -sin * right + cos * below + height / 2;
      if (x >= 0 && y >= 0 && x < width && y < height) visit(row * scene.width + column, x, y);
    }
  }
}

/** Pastes the labels of a person into those of a scene, which are changed; nearest neighbour. */
export function pasteLabels(scene, labels, frame) {
  const longer = Math.max(labels.width, labels.height);
  const index = (place, size) => Math.min(size - 1, Math.floor(place * longer));
  visitPixels(scene, labels, frame, (at, x, y) => {
    const id = labels.data[index(y, labels.height) * labels.width + index(x, labels.width)];
    if (id !== 0) scene.data[at] = id;
  });
}

/** Pastes the photo of a pair into that of a scene, which is changed: resampled to its size (antialiased), then turned bilinearly. */
export async function pastePhoto(scene, pair, frame, kind) {
  const { photo } = pair;
  const scale = frame.side / Math.max(photo.width, photo.height);
  const size = { width: Math.round(photo.width * scale), height: Math.round(photo.height * scale) };
  const colors = await resizePixels(photo.data, 3, photo, size, 'lanczos3');
  // One grey channel would come back as three.
  const gray = opacities(pair, kind);
  const tripled = Uint8Array.from({ length: gray.length * 3 }, (_, i) => gray[Math.floor(i / 3)]);
  const cover = await resizePixels(tripled, 3, photo, size, 'linear');
  visitPixels(scene, photo, frame, (at, x, y) => {
    blend(scene.data, 3 * at, colors, cover, size, x * frame.side - 0.5, y * frame.side - 0.5);
  });
}

/** Draws the interpolated colour at a position over a pixel. */
function blend(out, at, colors, cover, { width, height }, x, y) {
  const left = Math.max(0, Math.floor(x));
  const top = Math.max(0, Math.floor(y));
  const across = Math.min(1, Math.max(0, x - left));
  const down = Math.min(1, Math.max(0, y - top));
  const pixel = 3 * (top * width + left);
  const right = left + 1 < width ? 3 : 0;
  const below = top + 1 < height ? 3 * width : 0;
  const mix = (values, i) =>
    (values[i] * (1 - across) + values[i + right] * across) * (1 - down) +
    (values[i + below] * (1 - across) + values[i + below + right] * across) * down;
  const opacity = mix(cover, pixel) / 255;
  if (opacity === 0) return;
  for (let c = 0; c < 3; c++) out[at + c] = Math.round(opacity * mix(colors, pixel + c) + (1 - opacity) * out[at + c]);
}
