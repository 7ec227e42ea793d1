import type { Normalization } from '../../image/normalization.ts';
import type { Random } from '../../random/random.ts';
import { placesOf, type Warp } from './warp.ts';

/** Random colours on a grid of cells, drawn between the cells by bilinear interpolation: a coarse grid is a gradient, a fine one noise. */
interface Texture {
  readonly cells: number;
  /** 3×(cells + 1)², planar. */
  readonly colors: Float32Array;
}

/** Side of a photo, and the area of a square output that it covers after a warp. */
interface Covered {
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

/** The value of one channel of a texture at a position from 0 to 1. */
function valueAt({ cells, colors }: Texture, channel: number, x: number, y: number): number {
  const side = cells + 1;
  const [across, down] = [x * cells, y * cells];
  const [column, row] = [Math.min(cells - 1, Math.floor(across)), Math.min(cells - 1, Math.floor(down))];
  const [right, below] = [across - column, down - row];
  const at = channel * side * side + row * side + column;
  const above = colors[at] * (1 - right) + colors[at + 1] * right;
  const under = colors[at + side] * (1 - right) + colors[at + side + 1] * right;
  return above * (1 - below) + under * below;
}

/**
 * Replaces the area outside a warped photo, where `warpPhoto` repeats the border, by random textures.
 *
 * @param images planar normalised floats; 3×size×size of them from `offset` on are changed where the photo does not reach
 */
export function fillSurroundings(
  { width, height, warp }: Covered,
  normalization: Normalization,
  size: number,
  images: Float32Array,
  offset: number,
  random: Random,
): void {
  const textures = drawTextures(random);
  const { ax, bx, cx, ay, by, cy } = placesOf(warp, width, height, size);
  const plane = size * size;
  const { mean, std } = normalization;
  for (let v = 0; v < size; v++) {
    for (let u = 0; u < size; u++) {
      const [x, y] = [Math.floor(ax * u + bx * v + cx), Math.floor(ay * u + by * v + cy)];
      if (x >= 0 && x < width && y >= 0 && y < height) continue;
      const at = offset + v * size + (warp.mirrored ? size - 1 - u : u);
      for (let c = 0; c < 3; c++) {
        const value = textures.reduce((sum, texture) => sum + valueAt(texture, c, u / size, v / size), 0);
        images[at + c * plane] = (Math.min(255, Math.max(0, value)) / 255 - mean[c]) / std[c];
      }
    }
  }
}
