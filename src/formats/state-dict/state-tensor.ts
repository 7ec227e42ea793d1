import { FaceparseError } from '../../text/errors.ts';
import { quote } from '../../text/quoted-text.ts';

/** One tensor of a state_dict. Its elements are read from the file when they are needed. */
export interface StateTensor {
  /** The name in the file, such as `layer1.0.conv1.weight`. */
  readonly name: string;
  /** PyTorch's name of the stored type: `float32`, `float16`, `bfloat16`, `int64`. */
  readonly dtype: string;
  readonly shape: readonly number[];
  /**
   * Reads the elements in row-major order as float32, into a new array each time.
   *
   * @throws FaceparseError that names the file and the tensor if its data are damaged or contain NaN or infinity, or if its
   * dtype is not a real number type
   */
  read(): Float32Array;
}

/**
 * Checks that all values are finite.
 *
 * @throws FaceparseError with the position of the first that is not
 */
export function requireFinite(values: Float32Array, { name, dtype, shape }: Omit<StateTensor, 'read'>): Float32Array {
  // The sum of finite values may overflow, so each is tested.
  for (let at = 0; at < values.length; at++) {
    if (values[at] - values[at] === 0) continue;
    const overflow = dtype === 'float64' ? ' (as float32)' : '';
    const what = `has ${values[at]}${overflow} at [${positionOf(at, shape).join(', ')}]`;
    throw new FaceparseError(`the tensor ${quote(name)} ${what}; use weights from before training diverged`);
  }
  return values;
}

function positionOf(index: number, shape: readonly number[]): number[] {
  let rest = index;
  return shape
    .toReversed()
    .map((extent) => {
      const position = rest % extent;
      rest = Math.floor(rest / extent);
      return position;
    })
    .reverse();
}

/** The error for a tensor whose elements are not real numbers. */
export function unreadableDtype(name: string, dtype: string): FaceparseError {
  return new FaceparseError(
    `the tensor ${quote(name)} has dtype ${dtype}, which is not read; convert it to float32 in PyTorch and save it again`,
  );
}
