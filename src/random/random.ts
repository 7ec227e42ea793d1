/**
 * A seeded random generator: sfc32 (Chris Doty-Humphrey's Small Fast Counting generator, PractRand), 32 bits a draw.
 *
 * `fork` derives an independent generator from the seed and some keys, never from previous draws:
 * sample `i` of epoch `e` depends only on (seed, e, i), whichever worker draws it and when.
 * Not for secrets.
 *
 * @example
 * const random = new Random(7).fork('augment', epoch, index);
 * const degrees = random.uniform(-15, 15);
 */
export class Random {
  readonly #seed: number;
  readonly #keys: readonly (number | string)[];
  #a: number;
  #b: number;
  #c: number;
  #counter: number;

  /** @param keys distinguish generators with the same seed; see `fork` */
  constructor(seed: number, ...keys: readonly (number | string)[]) {
    this.#seed = seed;
    this.#keys = keys;
    [this.#a, this.#b, this.#c, this.#counter] = hashKeys([seed, ...keys]);
    // The counter needs a few rounds to reach every bit of the state.
    for (let i = 0; i < 12; i++) this.next();
  }

  /** Returns an independent generator for these keys; the same keys always give the same generator. */
  fork(...keys: readonly (number | string)[]): Random {
    return new Random(this.#seed, ...this.#keys, ...keys);
  }

  /** Returns the next 32 bits as an integer from 0 to 2³² − 1. */
  next(): number {
    const sum = (this.#a + this.#b + this.#counter) | 0;
    this.#counter = (this.#counter + 1) | 0;
    this.#a = this.#b ^ (this.#b >>> 9);
    this.#b = (this.#c + (this.#c << 3)) | 0;
    this.#c = (((this.#c << 21) | (this.#c >>> 11)) + sum) | 0;
    return sum >>> 0;
  }

  /**
   * Lends the state to other code, which draws as `next` does and updates the state in place. For long loops that run
   * elsewhere, such as in an add-on.
   *
   * @param draw receives a, b, c and the counter
   */
  lend(draw: (state: Int32Array) => void): void {
    const state = Int32Array.of(this.#a, this.#b, this.#c, this.#counter);
    draw(state);
    [this.#a, this.#b, this.#c, this.#counter] = state;
  }

  /** Returns a uniform number in [from, to). */
  uniform(from = 0, to = 1): number {
    return from + (to - from) * (this.next() / 4294967296);
  }

  /** Returns a uniform integer in [0, n). */
  integer(n: number): number {
    if (!Number.isInteger(n) || n < 1 || n > 4294967296) {
      throw new RangeError(`Random.integer requires an integer from 1 to 2^32, not ${n}.`);
    }
    // Draws beyond the last multiple of n would favour small results.
    const limit = 4294967296 - (4294967296 % n);
    let draw = this.next();
    while (draw >= limit) draw = this.next();
    return draw % n;
  }

  /** Returns true with probability p. It always takes one draw, so changing p does not affect later draws. */
  chance(p: number): boolean {
    return this.uniform() < p;
  }

  /** Returns a standard normal number (Box and Muller, 1958). */
  normal(): number {
    const radius = Math.sqrt(-2 * Math.log(1 - this.uniform()));
    return radius * Math.cos(2 * Math.PI * this.uniform());
  }

  /** Shuffles an array in place (Fisher and Yates). */
  shuffle(values: { length: number; [index: number]: number }): void {
    for (let i = values.length - 1; i > 0; i--) {
      const j = this.integer(i + 1);
      const value = values[i];
      values[i] = values[j];
      values[j] = value;
    }
  }
}

/** Hashes numbers and strings to 128 bits: bryc's cyrb128 (public domain), finalised after every part. */
function hashKeys(parts: readonly (number | string)[]): [number, number, number, number] {
  // The first digits of pi, as in Blowfish: numbers with nothing up their sleeve.
  let [a, b, c, d] = [0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344];
  const mix = (word: number) => {
    a = b ^ Math.imul(a ^ word, 597399067);
    b = c ^ Math.imul(b ^ word, 2869860233);
    c = d ^ Math.imul(c ^ word, 951274213);
    d = a ^ Math.imul(d ^ word, 2716044179);
  };
  for (const part of parts) {
    const text = typeof part === 'string';
    // Adding 0 maps -0 to 0.
    const words = text ? Array.from(part, (letter) => letter.codePointAt(0)!) : toWords(part + 0);
    for (const word of words) mix(word);
    // Length and type distinguish 'a', 'b' from 'ab', and 1 from '1'.
    mix(words.length * 2 + (text ? 1 : 0));
    a = Math.imul(c ^ (a >>> 18), 597399067);
    b = Math.imul(d ^ (b >>> 22), 2869860233);
    c = Math.imul(a ^ (c >>> 17), 951274213);
    d = Math.imul(b ^ (d >>> 19), 2716044179);
    a ^= b ^ c ^ d;
    b ^= a;
    c ^= a;
    d ^= a;
  }
  return [a, b, c, d];
}

function toWords(value: number): Int32Array {
  return new Int32Array(Float64Array.of(value).buffer);
}
