import { nextTurn, runInSlices } from '../../scheduling/steps.ts';
import { describeValue } from '../../text/describe-value.ts';
import { chunk, concatenateSteps, headerChunk, pngColorTypes, pngSignature } from './png-chunks.ts';

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
 * @throws RangeError if the data do not fill the image, the palette is unusable, or an index is beyond it; TypeError if the
 *   data are not bytes
 * @example await writeFile('hair.png', await encodePng(await result.mask('hair')));
 */
export async function encodePng(image: EncodableImage, { palette }: PngOptions = {}): Promise<Uint8Array<ArrayBuffer>> {
  const channels = checkImage(image);
  const { width, height } = image;
  if (palette) checkPalette(palette, channels);
  const { grey, rgb, rgba, palette: indexed } = pngColorTypes;
  const colorType = palette ? indexed : { 1: grey, 3: rgb, 4: rgba }[channels];
  const parts = [pngSignature, headerChunk(width, height, colorType)];
  if (palette) parts.push(chunk('PLTE', Uint8Array.from(palette.flat())));
  const blocks = filteredBlocks({ ...image, channels }, palette?.length ?? 256);
  const stream = streamOf(blocks).pipeThrough(new CompressionStream('deflate'));
  for await (const piece of piecesOf(stream)) parts.push(chunk('IDAT', piece));
  parts.push(chunk('IEND', new Uint8Array(0)));
  return runInSlices(concatenateSteps(parts));
}

/** Checks an image for callers without a type checker. @returns its number of channels */
function checkImage(image: EncodableImage): 1 | 3 | 4 {
  const { width, height, data } = image;
  for (const [name, side] of Object.entries({ width, height })) {
    if (!Number.isInteger(side) || side < 1 || side > 0x7fffffff) {
      throw new RangeError(`the ${name} of a PNG must be a positive integer, not ${side}`);
    }
  }
  // Not instanceof: arrays of another realm, such as a frame, have other constructors.
  if (!/^\[object Uint8(?:Clamped)?Array\]$/.test(Object.prototype.toString.call(data))) {
    throw new TypeError(`the data of a PNG must be a Uint8Array or Uint8ClampedArray, not ${describeValue(data)}`);
  }
  const channels = image.channels ?? channelsOf(image);
  if (![1, 3, 4].includes(channels)) {
    throw new RangeError(`a PNG has 1 (grey), 3 (RGB) or 4 (RGBA) channels, not ${channels}`);
  }
  if (data.length !== width * height * channels) {
    throw new RangeError(
      `an image of ${width}×${height} with ${channels} ${channels === 1 ? 'channel' : 'channels'} needs ` +
        `${width * height * channels} bytes, but its data has ${data.length}`,
    );
  }
  return channels;
}

function checkPalette(palette: NonNullable<PngOptions['palette']>, channels: number): void {
  if (channels !== 1) throw new RangeError(`a palette needs one channel, but the image has ${channels}`);
  if (palette.length < 1 || palette.length > 256) {
    throw new RangeError(`a palette has 1 to 256 colours, not ${palette.length}`);
  }
  const wrong = palette.findIndex((color) => color.length !== 3);
  if (wrong >= 0) throw new RangeError(`colour ${wrong} of the palette has ${palette[wrong].length} values, not 3`);
}

function channelsOf({ width, height, data }: EncodableImage): 1 | 3 | 4 {
  const found = ([1, 3, 4] as const).find((channels) => channels * width * height === data.length);
  if (found) return found;
  throw new RangeError(
    `the data of an image of ${width}×${height} have ${data.length} bytes, which is neither 1, 3 nor 4 per pixel`,
  );
}

/** A stream of blocks, each made when the reader needs it. */
function streamOf(blocks: Iterator<Uint8Array<ArrayBuffer>>): ReadableStream<Uint8Array<ArrayBuffer>> {
  return new ReadableStream({
    async pull(controller) {
      // Node's CompressionStream takes any number of blocks within one turn of the event loop.
      await nextTurn();
      const next = blocks.next();
      if (next.done) controller.close();
      else controller.enqueue(next.value);
    },
  });
}

/** Safari's streams are no async iterables. */
async function* piecesOf(stream: ReadableStream<Uint8Array>): AsyncGenerator<Uint8Array> {
  const reader = stream.getReader();
  for (let piece = await reader.read(); !piece.done; piece = await reader.read()) yield piece.value;
}

const blockBytes = 2 ** 17;

/**
 * The rows with their filters, in blocks: none for indices and grey masks, whose runs compress best as they are; differences
 * to the pixel on the left for colour.
 */
function* filteredBlocks(
  { width, height, channels, data }: Required<EncodableImage>,
  indices: number,
): Generator<Uint8Array<ArrayBuffer>> {
  const length = width * channels;
  const rowsPerBlock = Math.max(1, Math.floor(blockBytes / (length + 1)));
  for (let first = 0; first < height; first += rowsPerBlock) {
    const end = Math.min(height, first + rowsPerBlock);
    const block = new Uint8Array((end - first) * (length + 1));
    for (let y = first; y < end; y++) {
      const to = (y - first) * (length + 1);
      const from = y * length;
      const row = data.subarray(from, from + length);
      block.set(row, to + 1);
      if (indices < 256) checkIndices(row, indices);
      if (channels === 1) continue;
      block[to] = 1;
      for (let i = channels; i < length; i++) block[to + 1 + i] = row[i] - row[i - channels];
    }
    yield block;
  }
}

function checkIndices(row: Uint8Array | Uint8ClampedArray, count: number): void {
  for (let i = 0; i < row.length; i++) {
    if (row[i] >= count) throw new RangeError(`the index ${row[i]} is beyond the palette, which has ${count} colours`);
  }
}
