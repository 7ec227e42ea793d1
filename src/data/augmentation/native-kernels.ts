import type { Affine } from '../../image/draw-boxes.ts';
import type { AddonAugmentation } from '../../native-addon/addon.ts';
import { boxNumbers, colorNumbers } from '../../native-addon/drawing-numbers.ts';
import { nativeAugmentation } from '../../native-addon/load-addon.ts';
import { type AugmentationKernels, plainKernels } from './kernels.ts';
import { gaussian, noiseFactors } from './photometric.ts';
import { boxesOf, placesOf } from './warp.ts';

let chosen: AugmentationKernels | undefined;

/** Returns the add-on's kernels if it is available, else the plain ones; decided once per process or worker thread. */
export function augmentationKernels(): AugmentationKernels {
  if (!chosen) {
    const functions = nativeAugmentation();
    chosen = functions ? nativeKernels(functions) : plainKernels;
  }
  return chosen;
}

/** Wraps the add-on's functions. They accept sides of up to 16384, the same limit as in a loader. */
export function nativeKernels(functions: AddonAugmentation): AugmentationKernels {
  const placeNumbers = new Float64Array(6);
  return {
    warpPhoto(photo, warp, color, size, out, offset) {
      const { width, height, data } = photo;
      const boxes = boxesOf(warp, width, height, size);
      const [corners, colors] = [boxNumbers(boxes), colorNumbers(color)];
      functions.warpPhoto(data, width, height, corners, warp.mirrored, colors, size, out, offset);
    },

    warpLabels(map, warp, relabel, outside, size, out, offset) {
      const { width, height, data } = map;
      placeNumbers.set(numbersOf(placesOf(warp, width, height, size)));
      functions.warpLabels(data, width, height, placeNumbers, warp.mirrored, relabel, outside, size, out, offset);
    },

    blurPlanes(planes, offset, size, sigma) {
      functions.blurPlanes(planes, offset, size, gaussian(sigma));
    },

    addNoise(planes, offset, size, sigmas, random) {
      const factors = Float64Array.from(noiseFactors(sigmas));
      random.lend((state) => functions.addNoise(planes, offset, size, factors, state));
    },
  };
}

function numbersOf({ ax, bx, cx, ay, by, cy }: Affine): readonly number[] {
  return [ax, bx, cx, ay, by, cy];
}
