import { once } from 'node:events';
import { createDeflate } from 'node:zlib';
import { chunk, headerChunk, pngColorTypes, pngSignature } from '../formats/png/png-chunks.ts';

/** Higher levels take twice the time for a tenth fewer bytes of probabilities. */
const deflateLevel = 3;

/**
 * Encodes a 16-bit greyscale PNG row by row, in little memory. The caller writes what the methods return, in order.
 *
 * Runs in Node only.
 *
 * @example
 * const encoder = new Grey16PngEncoder(width, height);
 * await file.write(encoder.start());
 * for (const rows of bands) for (const part of await encoder.add(rows)) await file.write(part);
 * for (const part of await encoder.end()) await file.write(part);
 */
export class Grey16PngEncoder {
  readonly #width: number;
  readonly #height: number;
  readonly #deflate = createDeflate({ level: deflateLevel, chunkSize: 2 ** 16 });
  #deflated: Uint8Array[] = [];
  #rows = 0;

  constructor(width: number, height: number) {
    this.#width = width;
    this.#height = height;
    this.#deflate.on('data', (part: Buffer) => this.#deflated.push(part));
  }

  /** The signature and the header. */
  start(): Uint8Array[] {
    return [pngSignature, headerChunk(this.#width, this.#height, pngColorTypes.grey, 16)];
  }

  /**
   * Adds whole rows of values from 0 to 65535. Returns the chunks that are complete.
   *
   * @throws RangeError for an incomplete row
   */
  async add(values: Uint16Array): Promise<Uint8Array[]> {
    const width = this.#width;
    const rows = values.length / width;
    if (!Number.isInteger(rows)) throw new RangeError(`${values.length} values are no whole rows of ${width} pixels`);
    this.#rows += rows;
    const length = 2 * width + 1;
    const bytes = new Uint8Array(rows * length);
    for (let y = 0; y < rows; y++) {
      const to = y * length;
      // Differences to the pixel on the left, byte by byte.
      bytes[to] = 1;
      let before = 0;
      for (let x = 0; x < width; x++) {
        const value = values[y * width + x];
        bytes[to + 1 + 2 * x] = (value >>> 8) - (before >>> 8);
        bytes[to + 2 + 2 * x] = (value & 255) - (before & 255);
        before = value;
      }
    }
    await new Promise<void>((resolve, reject) => {
      this.#deflate.write(bytes, (error) => (error ? reject(error) : resolve()));
    });
    return this.#takeChunks();
  }

  /**
   * Completes the image. Returns the last chunks.
   *
   * @throws RangeError if rows are missing
   */
  async end(): Promise<Uint8Array[]> {
    if (this.#rows !== this.#height) throw new RangeError(`${this.#rows} of ${this.#height} rows were added`);
    this.#deflate.end();
    await once(this.#deflate, 'end');
    return [...this.#takeChunks(), chunk('IEND', new Uint8Array(0))];
  }

  #takeChunks(): Uint8Array[] {
    const parts = this.#deflated.map((part) => chunk('IDAT', part));
    this.#deflated = [];
    return parts;
  }
}
