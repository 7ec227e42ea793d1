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
 * Pastes a pair into a scene of `photo` and `labels`, which are changed. Colours are resampled to the size in the scene
 * (antialiased), then turned bilinearly; labels are taken from the original mask (nearest).
 */
export async function pastePair({ photo, labels }, pair, frame, kind = 'faded') {
  const scale = frame.side / Math.max(pair.photo.width, pair.photo.height);
  const size = { width: Math.round(pair.photo.width * scale), height: Math.round(pair.photo.height * scale) };
  const colors = await resizePixels(pair.photo.data, 3, pair.photo, size, 'lanczos3');
  // One grey channel would come back as three.
  const gray = opacities(pair, kind);
  const tripled = Uint8Array.from({ length: gray.length * 3 }, (_, i) => gray[Math.floor(i / 3)]);
  const cover = await resizePixels(tripled, 3, pair.photo, size, 'linear');

  const radians = (frame.angle * Math.PI) / 180;
  const [cos, sin] = [Math.cos(radians), Math.sin(radians)];
  const reach = (Math.abs(cos) + Math.abs(sin)) * (frame.side / 2) + 1;
  const columns = [Math.max(0, Math.floor(frame.x - reach)), Math.min(photo.width, Math.ceil(frame.x + reach))];
  const rows = [Math.max(0, Math.floor(frame.y - reach)), Math.min(photo.height, Math.ceil(frame.y + reach))];
  for (let row = rows[0]; row < rows[1]; row++) {
    for (let column = columns[0]; column < columns[1]; column++) {
      const [right, below] = [column + 0.5 - frame.x, row + 0.5 - frame.y];
      // Positions in the resized photo, measured from its upper left corner.
      const x = cos * right + sin * below + size.width / 2;
      const y = -sin * right + cos * below + size.height / 2;
      if (x < 0 || y < 0 || x >= size.width || y >= size.height) continue;
      const at = row * photo.width + column;
      const id = nearest(pair.labels, x / size.width, y / size.height);
      if (id !== 0) labels.data[at] = id;
      blend(photo.data, 3 * at, colors, cover, size, x - 0.5, y - 0.5);
    }
  }
}

function nearest({ width, height, data }, x, y) {
  return data[Math.min(height - 1, Math.floor(y * height)) * width + Math.min(width - 1, Math.floor(x * width))];
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
