import type { ResizeTap } from '../graph/ops/resize.ts';
import type { AddonPixels } from '../native-addon/addon.ts';
import { nativePixels } from '../native-addon/load-addon.ts';
import { gridTaps, pixelGrid } from './grid-taps.ts';
import { type PixelKernels, plainKernels } from './kernels.ts';

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
