import { addNoise, blurPlanes } from './photometric.ts';
import { warpLabels, warpPhoto } from './warp.ts';

/** The work on pixels that filling a batch consists of, in one version or the other; all give the same bits. */
export interface AugmentationKernels {
  readonly warpPhoto: typeof warpPhoto;
  readonly warpLabels: typeof warpLabels;
  readonly blurPlanes: typeof blurPlanes;
  readonly addNoise: typeof addNoise;
}

/** The version that runs anywhere, and says what the others do. */
export const plainKernels: AugmentationKernels = { warpPhoto, warpLabels, blurPlanes, addNoise };
