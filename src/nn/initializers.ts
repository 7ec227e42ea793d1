import { type Shape, sizeOf } from '../graph/graph.ts';
import type { Random } from '../random/random.ts';

/** Creates the initial values of a parameter. Each parameter has its own generator, independent of other layers. */
export type Initializer = (shape: Shape, random: Random) => Float32Array;

/** Sets every element to the same value. */
export function constantInitializer(value: number): Initializer {
  return (shape) => new Float32Array(sizeOf(shape)).fill(value);
}

/** The number of inputs of one output of a convolution or matrix weight F×C×kh×kw. */
function fanIn(shape: Shape): number {
  return sizeOf(shape.slice(1));
}

/** Normal with variance 2 / fan-in, for layers followed by a ReLU (He et al. 2015, equation 10). */
export const heNormal: Initializer = (shape, random) => {
  const deviation = Math.sqrt(2 / fanIn(shape));
  return Float32Array.from({ length: sizeOf(shape) }, () => random.normal() * deviation);
};

/**
 * Normal with variance 2 / n for transposed convolutions followed by a ReLU, where n is the number of inputs of one output: a
 * stride leaves each output only one position of the kernel in stride².
 */
export function heNormalTransposed(stride = 1, groups = 1): Initializer {
  return (shape, random) => {
    const [channels, , ...kernel] = shape;
    const deviation = Math.sqrt(2 / Math.max(1, (channels / groups) * (sizeOf(kernel) / stride ** 2)));
    return Float32Array.from({ length: sizeOf(shape) }, () => random.normal() * deviation);
  };
}

/**
 * Normal with variance 2 / fan-out, where fan-out is the number of outputs that one input of a convolution reaches (He et al.
 * 2015, equation 14). The encoders start with it, as their originals do.
 */
export function heNormalFanOut(groups = 1): Initializer {
  return (shape, random) => {
    const [filters, , ...kernel] = shape;
    const deviation = Math.sqrt(2 / ((filters * sizeOf(kernel)) / groups));
    return Float32Array.from({ length: sizeOf(shape) }, () => random.normal() * deviation);
  };
}

/** Uniform with variance 2 / (fan-in + fan-out), for layers without a ReLU after them (Glorot and Bengio 2010, equation 16). */
export const xavierUniform: Initializer = (shape, random) => {
  const [filters, , ...kernel] = shape;
  const bound = Math.sqrt(6 / (fanIn(shape) + filters * sizeOf(kernel)));
  return Float32Array.from({ length: sizeOf(shape) }, () => random.uniform(-bound, bound));
};

/** Uniform within ±1/√fan-in, PyTorch's default for convolutions and their biases. */
export function uniformFanIn(inputs?: number): Initializer {
  return (shape, random) => {
    const bound = 1 / Math.sqrt(inputs ?? fanIn(shape));
    return Float32Array.from({ length: sizeOf(shape) }, () => random.uniform(-bound, bound));
  };
}
