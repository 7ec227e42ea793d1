import { addNoise, blurPlanes } from './photometric.ts';
import { warpLabels, warpPhoto } from './warp.ts';

/** The pixel operations for filling a batch. All implementations are bit-identical. */
export interface AugmentationKernels {
  readonly warpPhoto: typeof warpPhoto;
  readonly warpLabels: typeof warpLabels;
  readonly blurPlanes: typeof blurPlanes;
  readonly addNoise: typeof addNoise;
}

/** The portable implementation, which defines the results. */
export const plainKernels: AugmentationKernels = { warpPhoto, warpLabels, blurPlanes, addNoise };
