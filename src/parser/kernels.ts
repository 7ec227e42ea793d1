import { runInSlices } from '../scheduling/steps.ts';
import { type CountedLabels, upsampledArgmaxSteps } from './argmax.ts';
import type { ClassScores } from './grid-classes.ts';

/** The work on pixels around the network. No implementation blocks the thread, and all give the same results, bit for bit. */
export interface PixelKernels {
  /** `upsampledArgmax` of argmax.ts. The scores must not change meanwhile. */
  upsampledArgmax(scores: ClassScores, outputHeight: number, outputWidth: number): Promise<CountedLabels>;
}

/** The portable implementation, which defines the results. */
export const plainKernels: PixelKernels = {
  upsampledArgmax: (...call) => runInSlices(upsampledArgmaxSteps(...call)),
};
