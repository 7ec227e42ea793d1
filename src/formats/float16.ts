const smallestNormal = 2 ** -14;
const subnormalUnit = 2 ** -24;
/** Halfway between the largest half (65504) and the next power of two; ties go to even, so this rounds to infinity. */
const overflow = 65520;

/**
 * Rounds a number to the nearest IEEE 754 half and returns its bits (0–65535). Ties go to even, overflow to ±Infinity, NaN
 * to 0x7e00.
 *
 * @example toHalf(1) // 0x3c00
 */
export function toHalf(value: number): number {
  if (Number.isNaN(value)) return 0x7e00;
  const sign = value < 0 || Object.is(value, -0) ? 0x8000 : 0;
  const magnitude = Math.abs(value);
  if (magnitude >= overflow) return sign | 0x7c00;
  // A fraction rounded up to 1024 carries into the exponent, which is correct in both branches.
  if (magnitude < smallestNormal) return sign | roundToEven(magnitude / subnormalUnit);
  let exponent = Math.floor(Math.log2(magnitude));
  if (2 ** exponent > magnitude) exponent -= 1; // log2 rounds up just below a power of two
  const fraction = roundToEven((magnitude / 2 ** exponent - 1) * 1024);
  return sign | (((exponent + 15) << 10) + fraction);
}

const leastNormalBits = 0x38800000;
const overflowBits = 0x477ff000;
const infinityBits = 0x7f800000;

/**
 * Rounds float32 values to the bits of halves, like `toHalf`, in a tenth of the time.
 *
 * @example toHalves(Float32Array.of(1, 0.5)) // 0x3c00, 0x3800
 */
export function toHalves(values: Float32Array): Uint16Array {
  const words = new Uint32Array(values.buffer, values.byteOffset, values.length);
  const shifted = new Float32Array(1);
  const shiftedWord = new Uint32Array(shifted.buffer);
  const halves = new Uint16Array(values.length);
  for (let i = 0; i < values.length; i++) {
    const word = words[i];
    const sign = (word >>> 16) & 0x8000;
    const magnitude = word & 0x7fffffff;
    if (magnitude > infinityBits) halves[i] = 0x7e00;
    else if (magnitude >= overflowBits) halves[i] = sign | 0x7c00;
    else if (magnitude >= leastNormalBits) {
      // A fraction rounded up carries into the exponent, which is correct.
      halves[i] = sign | ((magnitude - 0x38000000 + 0xfff + ((magnitude >>> 13) & 1)) >>> 13);
    } else {
      // The sum with 0.5 is rounded to multiples of the smallest half, ties to even.
      shifted[0] = Math.abs(values[i]) + 0.5;
      halves[i] = sign | (shiftedWord[0] - 0x3f000000);
    }
  }
  return halves;
}

/**
 * Returns the number represented by the 16 bits of an IEEE 754 half; exact in float32.
 *
 * @example fromHalf(0x3c00) // 1
 */
export function fromHalf(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 31;
  const fraction = bits & 1023;
  if (exponent === 0) return sign * fraction * subnormalUnit;
  if (exponent === 31) return fraction ? Number.NaN : sign * Number.POSITIVE_INFINITY;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}

let halfValues: Float32Array | undefined;

/**
 * Returns the numbers represented by the bits of halves, like `fromHalf`, in a twentieth of the time.
 *
 * @example fromHalves(Uint16Array.of(0x3c00, 0x3800)) // 1, 0.5
 */
export function fromHalves(halves: Uint16Array): Float32Array {
  halfValues ??= Float32Array.from({ length: 2 ** 16 }, (_, bits) => fromHalf(bits));
  const values = new Float32Array(halves.length);
  for (let i = 0; i < halves.length; i++) values[i] = halfValues[halves[i]];
  return values;
}

function roundToEven(value: number): number {
  const below = Math.floor(value);
  const rest = value - below;
  return rest > 0.5 || (rest === 0.5 && below % 2 === 1) ? below + 1 : below;
}
