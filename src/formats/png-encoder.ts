import { runInSlices, type Steps } from '../scheduling/steps.ts';
import { chunk, concatenate, headerChunk, pngColorTypes, pngSignature } from './png-chunks.ts';

/** Pixels to encode: grey, RGB or RGBA, 8 bits per channel. */
export interface EncodableImage {
  readonly width: number;
  readonly height: number;
  /** Default: derived from the length of `data`. */
  readonly channels?: 1 | 3 | 4;
  /** H×W×channels. */
  readonly data: Uint8Array | Uint8ClampedArray;
}

/** How a PNG is encoded. */
export interface PngOptions {
  /** Colours by index, 1 to 256: one channel is then stored as indices into it. */
  readonly palette?: readonly (readonly [number, number, number])[];
}

/**
 * Encodes an image as PNG without holding the thread: rows are prepared in slices, and the platform's `CompressionStream`
 * deflates elsewhere. The bytes depend on the platform's deflate; the pixels do not.
 *
 * @throws RangeError where the data do not fill the image, a palette is given for several channels, or an index is beyond it
 * @example await writeFile('hair.png', await encodePng(await result.mask('hair')));
 */
export async function encodePng(image: EncodableImage, { palette }: PngOptions = {}): Promise<Uint8Array<ArrayBuffer>> {
  const { width, height, data } = image;
  const channels = image.channels ?? channelsOf(image);
  if (data.length !== width * height * channels) {
    throw new RangeError(
      `an image of ${width}×${height} with ${channels} ${channels === 1 ? 'channel' : 'channels'} needs ` +
        `${width * height * channels} bytes, but its data has ${data.length}`,
    );
  }
  for (const [name, side] of Object.entries({ width, height })) {
    if (!Number.isInteger(side) || side < 1 || side > 0x7fffffff) {
      throw new RangeError(`the ${name} of a PNG must be a positive integer, not ${side}`);
    }
  }
  if (palette && channels !== 1) throw new RangeError(`a palette needs one channel, but the image has ${channels}`);
  const { grey, rgb, rgba, palette: indexed } = pngColorTypes;
  const colorType = palette ? indexed : { 1: grey, 3: rgb, 4: rgba }[channels];
  const rows = await runInSlices(filteredRowSteps({ ...image, channels }, palette?.length ?? 256));
  const parts = [pngSignature, headerChunk(width, height, colorType)];
  if (palette) parts.push(chunk('PLTE', Uint8Array.from(palette.flat())));
  const stream = new Blob([rows]).stream().pipeThrough(new CompressionStream('deflate'));
  for await (const piece of piecesOf(stream)) parts.push(chunk('IDAT', piece));
  return concatenate([...parts, chunk('IEND', new Uint8Array(0))]);
}

function channelsOf({ width, height, data }: EncodableImage): 1 | 3 | 4 {
  const found = ([1, 3, 4] as const).find((channels) => channels * width * height === data.length);
  if (found) return found;
  throw new RangeError(
    `the data of an image of ${width}×${height} have ${data.length} bytes, which is neither 1, 3 nor 4 per pixel`,
  );
}

/** Safari's streams are no async iterables. */
async function* piecesOf(stream: ReadableStream<Uint8Array>): AsyncGenerator<Uint8Array> {
  const reader = stream.getReader();
  for (let piece = await reader.read(); !piece.done; piece = await reader.read()) yield piece.value;
}

/**
 * The rows with their filters: none for indices and grey masks, whose runs compress best as they are; differences to the
 * pixel on the left for colour.
 */
function* filteredRowSteps(
  { width, height, channels, data }: Required<EncodableImage>,
  indices: number,
): Steps<Uint8Array<ArrayBuffer>> {
  const length = width * channels;
  const rows = new Uint8Array(height * (length + 1));
  for (let y = 0; y < height; y++) {
    const to = y * (length + 1);
    const from = y * length;
    rows.set(data.subarray(from, from + length), to + 1);
    if (indices < 256) checkIndices(data.subarray(from, from + length), indices);
    if (channels > 1) {
      rows[to] = 1;
      for (let i = channels; i < length; i++) rows[to + 1 + i] = data[from + i] - data[from + i - channels];
    }
    yield;
  }
  return rows;
}

function checkIndices(row: Uint8Array | Uint8ClampedArray, count: number): void {
  for (let i = 0; i < row.length; i++) {
    if (row[i] >= count) throw new RangeError(`the index ${row[i]} is beyond the palette, which has ${count} colours`);
  }
}
