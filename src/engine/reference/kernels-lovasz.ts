import { inputShape, type KernelCall, type KernelTable } from './kernel.ts';

/** A pixel that is not ignored, from the view of one class. */
interface PixelError {
  readonly pixel: number;
  readonly isClass: boolean;
  readonly error: number;
  /** The sort key: the error in single precision, so all engines use the same order. */
  readonly rank: number;
}

function lovaszJaccard(call: KernelCall): void {
  const [probabilities, labels] = call.inputs;
  const [loss, slope, actual] = call.outputs;
  const [n, classes, height, width] = inputShape(call, 0) as [number, number, number, number];
  const plane = height * width;
  for (let row = 0; row < n * classes; row++) {
    const errors: PixelError[] = [];
    for (let pixel = 0; pixel < plane; pixel++) {
      const label = labels[Math.floor(row / classes) * plane + pixel];
      if (label < 0 || label >= classes) continue;
      const isClass = label === row % classes;
      const error = Math.abs((isClass ? 1 : 0) - probabilities[row * plane + pixel]);
      errors.push({ pixel, isClass, error, rank: Math.fround(error) });
    }
    const count = errors.filter(({ isClass }) => isClass).length;
    actual[row] = count;
    if (count === 0) continue;
    // Array.sort is stable.
    errors.sort((a, b) => b.rank - a.rank);
    // Intersection and union of the class if the pixels so far are wrong.
    let [intersection, union, sum, jaccardLoss] = [count, count, 0, 0];
    for (const { pixel, isClass, error } of errors) {
      if (isClass) intersection--;
      else union++;
      const difference = 1 - intersection / union - jaccardLoss;
      jaccardLoss += difference;
      sum += error * difference;
      slope[row * plane + pixel] = isClass ? -difference : difference;
    }
    loss[row] = sum;
  }
}

export const lovaszKernels = { lovaszJaccard } satisfies Partial<KernelTable>;
