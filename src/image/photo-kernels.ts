import { runInSlices } from '../scheduling/steps.ts';
import { blockMeansSteps } from './block-means.ts';
import { type Boxes, type ColorTransform, drawBoxesSteps } from './draw-boxes.ts';
import type { Photo } from './image.ts';

/**
 * Work on the pixels of photos. No implementation blocks the thread, and all give the same results, bit for bit. Arrays must not
 * change before the promise resolves.
 */
export interface PhotoKernels {
  /** `drawBoxesSteps` of draw-boxes.ts: planar floats, 3×size×size. */
  drawBoxes(photo: Photo, boxes: Boxes, color: ColorTransform, size: number): Promise<Float32Array>;
  /** `blockMeansSteps` of block-means.ts. */
  blockMeans(photo: Photo, factor: number): Promise<Photo>;
}

/** The portable implementation, which defines the results. */
export const plainPhotoKernels: PhotoKernels = {
  async drawBoxes(photo, boxes, color, size) {
    const out = new Float32Array(3 * size * size);
    await runInSlices(drawBoxesSteps(photo, boxes, color, { size, mirrored: false, out, offset: 0 }));
    return out;
  },
  blockMeans: (photo, factor) => runInSlices(blockMeansSteps(photo, factor)),
};
