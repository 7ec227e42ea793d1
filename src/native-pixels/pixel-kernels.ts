import type { ResizeTap } from '../graph/ops/resize.ts';
import { paddingValue } from '../image/letterbox.ts';
import { normalizedBytes } from '../image/normalization.ts';
import { contentBox } from '../image/preprocessing.ts';
import { axisTaps, checkResize } from '../image/resize.ts';
import type { AddonPixels } from '../native-addon/addon.ts';
import { boxNumbers, colorNumbers } from '../native-addon/drawing-numbers.ts';
import { nativePixels } from '../native-addon/load-addon.ts';
import { gridTaps, pixelGrid } from '../parser/grid/grid-taps.ts';
import { type PixelKernels, plainKernels } from '../parser/grid/kernels.ts';
import { leastProbability } from '../parser/grid/probability-sums.ts';

let chosen: PixelKernels | undefined;

/** Returns the add-on's kernels if it is available, else the plain ones; decided once per process or worker thread. */
export function pixelKernels(): PixelKernels {
  if (!chosen) {
    const functions = nativePixels();
    chosen = functions ? nativeKernels(functions) : plainKernels;
  }
  return chosen;
}

/** Wraps the add-on's functions, which work on libuv's threads. */
export function nativeKernels(functions: AddonPixels): PixelKernels {
  return {
    async photoToInput(photo, preprocessing) {
      const { size, resize } = preprocessing;
      const box = contentBox(photo, { size, resize });
      checkResize(photo, box.width, box.height);
      const [across, down] = [axisTaps(photo.width, box.width), axisTaps(photo.height, box.height)];
      const out = new Float32Array(3 * size * size);
      await functions.photoToInput(
        photo.data,
        photo.width,
        photo.height,
        size,
        across.starts,
        across.counts,
        across.weights,
        down.starts,
        down.counts,
        down.weights,
        Float64Array.of(across.total * down.total),
        box.x,
        box.y,
        paddingValue,
        normalizedBytes(preprocessing),
        out,
      );
      return out;
    },

    async drawBoxes(photo, boxes, color, size) {
      const out = new Float32Array(3 * size * size);
      await functions.drawBoxes(
        photo.data,
        photo.width,
        photo.height,
        boxNumbers(boxes),
        false,
        colorNumbers(color),
        size,
        out,
        0,
      );
      return out;
    },

    async blockMeans(photo, factor) {
      if (factor === 1) return photo;
      const [width, height] = [Math.floor(photo.width / factor), Math.floor(photo.height / factor)];
      const data = new Uint8Array(width * height * 3);
      await functions.blockMeans(photo.data, photo.width, photo.height, factor, data);
      return { width, height, data };
    },

    async addProbabilities(sums, grid, scores, mirror) {
      const taps = gridTaps(scores, grid);
      const [rows, columns] = [lowsOf(taps.rows), lowsOf(taps.columns)];
      const [down, across] = [fractionsOf(taps.rows), singleFractionsOf(taps.columns)];
      const targets = Uint8Array.from({ length: scores.shape[0] }, (_, c) => (mirror ? mirror[c] : c));
      const mirrored = mirror !== undefined;
      await functions.addProbabilities(
        scores.data,
        ...scores.shape,
        rows,
        down,
        columns,
        across,
        targets,
        mirrored,
        sums,
      );
    },

    async meanLogarithms(sums, views) {
      const out = new Float32Array(sums.length);
      await functions.meanLogarithms(sums, views, Float64Array.of(leastProbability), out);
      return out;
    },

    async upsampledArgmax(scores, outputHeight, outputWidth) {
      const taps = gridTaps(scores, pixelGrid(outputHeight, outputWidth));
      const data = new Uint8Array(outputHeight * outputWidth);
      const pixels = new Float64Array(256);
      const [rows, columns] = [lowsOf(taps.rows), lowsOf(taps.columns)];
      const [down, across] = [fractionsOf(taps.rows), singleFractionsOf(taps.columns)];
      await functions.argmax(scores.data, ...scores.shape, rows, down, columns, across, data, pixels);
      return { width: outputWidth, height: outputHeight, data, pixels };
    },
  };
}

function lowsOf(taps: readonly ResizeTap[]): Int32Array {
  return Int32Array.from(taps, ({ low }) => low);
}

function fractionsOf(taps: readonly ResizeTap[]): Float64Array {
  return Float64Array.from(taps, ({ fraction }) => fraction);
}

/** In single precision, as the portable code has them along rows. */
function singleFractionsOf(taps: readonly ResizeTap[]): Float64Array {
  return fractionsOf(taps).map(Math.fround);
}
