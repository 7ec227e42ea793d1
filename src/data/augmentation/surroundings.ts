import type { Normalization } from '../../image/normalization.ts';
import type { Random } from '../../random/random.ts';
import { placesOf, type Warp } from './warp.ts';

/** Random colours on a grid of cells, drawn between the cells by bilinear interpolation: a coarse grid is a gradient, a fine one noise. */
interface Texture {
  readonly cells: number;
  /** 3×(cells + 1)², planar. */
  readonly colors: Float32Array;
}

/** The size of a photo and its warp, which say what part of the output it covers. */
interface WarpedPhoto {
  readonly width: number;
  readonly height: number;
  readonly warp: Warp;
}

/**
 * Draws two textures, a coarse and a fine one, that add up to a surface which no photo of a face continues. Their contrast differs
 * from sample to sample, from plain walls to foliage.
 */
function drawTextures(random: Random): Texture[] {
  const mean = [0, 1, 2].map(() => random.uniform(20, 235));
  return [
    { most: 6, contrast: random.uniform(0, 110), mean },
    { most: 64, contrast: random.uniform(0, 70), mean: [0, 0, 0] },
  ].map(({ most, contrast, mean }) => {
    const cells = Math.round(Math.exp(random.uniform(0, Math.log(most))));
    const count = (cells + 1) ** 2;
    // Between grey noise and noise of its own in each channel.
    const colorful = random.uniform();
    const colors = new Float32Array(3 * count);
    for (let i = 0; i < count; i++) {
      const shared = random.uniform(-1, 1);
      for (let c = 0; c < 3; c++) {
        const own = random.uniform(-1, 1);
        colors[c * count + i] = mean[c] + contrast * (colorful * own + (1 - colorful) * shared);
      }
    }
    return { cells, colors };
  });
}

/** Interpolates between the two rows of colours about a height from 0 to 1; `row` has 3×(cells + 1) values, planar. */
function rowAt({ cells, colors }: Texture, y: number, row: Float32Array): void {
  const side = cells + 1;
  const first = Math.min(cells - 1, Math.floor(y * cells));
  const below = y * cells - first;
  for (let c = 0; c < 3; c++) {
    for (let i = 0; i < side; i++) {
      const at = (c * side + first) * side + i;
      row[c * side + i] = colors[at] * (1 - below) + colors[at + side] * below;
    }
  }
}

/** Adds a row of colours to a line of 3×size values, interpolated along it. */
function addRow(cells: number, row: Float32Array, size: number, line: Float32Array): void {
  for (let u = 0; u < size; u++) {
    const place = (u / size) * cells;
    const first = Math.floor(place);
    const right = place - first;
    for (let c = 0; c < 3; c++) {
      const at = c * (cells + 1) + first;
      line[c * size + u] += row[at] * (1 - right) + row[at + 1] * right;
    }
  }
}

/**
 * Replaces the area outside a warped photo, where `warpPhoto` repeats the border, by random textures.
 *
 * @param images planar normalised floats; 3×size×size of them from `offset` on are changed where the photo does not reach
 */
export function fillSurroundings(
  { width, height, warp }: WarpedPhoto,
  normalization: Normalization,
  size: number,
  images: Float32Array,
  offset: number,
  random: Random,
): void {
  const textures = drawTextures(random);
  const rows = textures.map(({ cells }) => new Float32Array(3 * (cells + 1)));
  const line = new Float32Array(3 * size);
  const { ax, bx, cx, ay, by, cy } = placesOf(warp, width, height, size);
  const plane = size * size;
  const { mean, std } = normalization;
  for (let v = 0; v < size; v++) {
    line.fill(0);
    textures.forEach((texture, i) => {
      rowAt(texture, v / size, rows[i]);
      addRow(texture.cells, rows[i], size, line);
    });
    for (let u = 0; u < size; u++) {
      const x = ax * u + bx * v + cx;
      const y = ay * u + by * v + cy;
      if (x >= 0 && x < width && y >= 0 && y < height) continue;
      const at = offset + v * size + (warp.mirrored ? size - 1 - u : u);
      for (let c = 0; c < 3; c++) {
        const value = Math.min(255, Math.max(0, line[c * size + u]));
        images[at + c * plane] = (value / 255 - mean[c]) / std[c];
      }
    }
  }
}
