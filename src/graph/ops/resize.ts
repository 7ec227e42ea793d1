import { formatShape, type Shape, type Tensor } from '../graph.ts';
import { apply, defineOp } from '../op.ts';

/**
 * How a resize computes pixels. `bilinear` has pixel centres at halves; `bilinear-align-corners` maps the centres of the corner
 * pixels onto each other.
 */
export type ResizeMode = 'nearest' | 'bilinear' | 'bilinear-align-corners';

export interface ResizeAttributes {
  readonly mode: ResizeMode;
  readonly size: readonly [number, number];
}

export const resizeOp = defineOp<'resize', ResizeAttributes>({
  name: 'resize',
  infer: ([x], { size }) => {
    if (x.shape.length !== 4) throw new Error(`resize: ${formatShape(x.shape)} is not N×C×H×W`);
    return [{ shape: [x.shape[0], x.shape[1], ...size], dtype: 'float32' }];
  },
  gradient: ({ inputs: [x], attributes, outputGradients: [dy] }) => [
    apply(resizeGradientOp, [dy!], { ...attributes, shape: x.shape }),
  ],
});

export interface ResizeGradientAttributes extends ResizeAttributes {
  /** Shape of the input of the resize. */
  readonly shape: Shape;
}

export const resizeGradientOp = defineOp<'resizeGradient', ResizeGradientAttributes>({
  name: 'resizeGradient',
  infer: (_, { shape }) => [{ shape, dtype: 'float32' }],
  gradient: 'none',
});

/**
 * Resizes an image N×C×H×W to H′×W′, without antialiasing. The position of output row i is
 * - `nearest`: row ⌊i·H/H′⌋ (PyTorch `interpolate(mode="nearest")`),
 * - `bilinear`: (i + ½)·H/H′ − ½ (ONNX `half_pixel`; PyTorch `align_corners=False`),
 * - `bilinear-align-corners`: i·(H − 1)/(H′ − 1), 0 for a single row (ONNX and PyTorch `align_corners`).
 */
export function resize(x: Tensor, height: number, width: number, mode: ResizeMode = 'bilinear'): Tensor {
  return x.shape[2] === height && x.shape[3] === width ? x : apply(resizeOp, [x], { mode, size: [height, width] });
}

/** The input positions that one output position reads along an axis: `low` with weight 1 − `fraction`, `high` with `fraction`. */
export interface ResizeTap {
  readonly low: number;
  readonly high: number;
  readonly fraction: number;
}

/** The taps of a resize along one axis. */
export function resizeTaps(input: number, output: number, mode: ResizeMode): ResizeTap[] {
  return Array.from({ length: output }, (_, index) => {
    if (mode === 'nearest') {
      const low = Math.min(Math.floor((index * input) / output), input - 1);
      return { low, high: low, fraction: 0 };
    }
    const position =
      mode === 'bilinear' ? Math.max(0, ((index + 0.5) * input) / output - 0.5) : alignedPosition(index, input, output);
    const low = Math.min(Math.floor(position), input - 1);
    const high = Math.min(low + 1, input - 1);
    return { low, high, fraction: high === low ? 0 : position - low };
  });
}

function alignedPosition(index: number, input: number, output: number): number {
  return output === 1 ? 0 : (index * (input - 1)) / (output - 1);
}
