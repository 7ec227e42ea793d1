import type { Photo } from '../../image/image.ts';
import { type PhotoKernels, plainPhotoKernels } from '../../image/photo-kernels.ts';
import { type Preprocessing, photoToInputSteps } from '../../image/preprocessing.ts';
import { runInSlices } from '../../scheduling/steps.ts';
import { type CountedLabels, upsampledArgmaxSteps } from './argmax.ts';
import type { ClassScores } from './grid-classes.ts';
import type { Grid } from './grid-taps.ts';
import { addProbabilitiesSteps, meanLogarithmsSteps } from './probability-sums.ts';

/**
 * The work on pixels around the network. No implementation blocks the thread, and all give the same results, bit for bit. Arrays
 * must not change before the promise resolves.
 */
export interface PixelKernels extends PhotoKernels {
  /** `photoToInput` of src/image/preprocessing.ts. */
  photoToInput(photo: Photo, preprocessing: Preprocessing): Promise<Float32Array>;
  /** `addProbabilitiesSteps` of probability-sums.ts. */
  addProbabilities(sums: Float32Array, grid: Grid, scores: ClassScores, mirror: Uint8Array | undefined): Promise<void>;
  /** `meanLogarithmsSteps` of probability-sums.ts. */
  meanLogarithms(sums: Float32Array, views: number): Promise<Float32Array>;
  /** `upsampledArgmax` of argmax.ts. */
  upsampledArgmax(scores: ClassScores, outputHeight: number, outputWidth: number): Promise<CountedLabels>;
}

/** The portable implementation, which defines the results. */
export const plainKernels: PixelKernels = {
  ...plainPhotoKernels,
  photoToInput: (...call) => runInSlices(photoToInputSteps(...call)),
  addProbabilities: (...call) => runInSlices(addProbabilitiesSteps(...call)),
  meanLogarithms: (...call) => runInSlices(meanLogarithmsSteps(...call)),
  upsampledArgmax: (...call) => runInSlices(upsampledArgmaxSteps(...call)),
};
