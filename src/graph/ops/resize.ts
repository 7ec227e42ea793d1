import { formatShape, type Shape, type Tensor } from '../graph.ts';
import { apply, defineOp } from '../op.ts';

export type ResizeMode = 'nearest' | 'bilinear';

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
 * Resizes an image, with pixel centres at halves (ONNX `Resize` half_pixel, without antialiasing; PyTorch
 * `interpolate(align_corners=False)`, for nearest PyTorch's plain `nearest`: output i reads input ⌊i·H/H′⌋).
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
    const position = Math.max(0, ((index + 0.5) * input) / output - 0.5);
    const low = Math.min(Math.floor(position), input - 1);
    const high = Math.min(low + 1, input - 1);
    return { low, high, fraction: high === low ? 0 : position - low };
  });
}
