import { setImmediate } from 'node:timers/promises';
import type { NearDuplicate } from './finding.ts';
import { thumbnailSide } from './thumbnail.ts';

/** A photo and its thumbnail (32×32 luminance), see `thumbnailOf`. */
export interface ThumbnailEntry {
  readonly stem: string;
  readonly file: string;
  readonly thumbnail: Uint8Array;
}

/**
 * Correlation from which two photos are the same. Copies that were recompressed, resized, brightened or made gray reach 0.99.
 * The most similar pair of different photos in celebamask-mini reaches 0.934, although the same people occur several times.
 */
const leastSimilarity = 0.97;
/** Hashes of the copies above differ in at most 7 of 64 bits. */
const mostDifferentBits = 10;
/** Standard deviation of the luminance below which a photo is too uniform to be compared. */
const leastContrast = 3;
/** Photos compared with all others between two looks at the signal. */
const sliceLength = 256;

interface Signature {
  /** The hash of the thumbnail and of its mirror image, 2×32 bits each. */
  readonly hash: readonly [number, number];
  readonly mirroredHash: readonly [number, number];
  /** Luminance with mean 0 and norm 1, so that the inner product of two is their correlation. */
  readonly normalized: Float32Array;
}

function mirror(values: Uint8Array): Uint8Array {
  return values.map((_, at) => values[at - (at % thumbnailSide) + thumbnailSide - 1 - (at % thumbnailSide)]);
}

/** Difference hash: in a reduction to 8×9, whether each value is less than its right neighbour. */
function hashOf(thumbnail: Uint8Array): [number, number] {
  const [rows, columns] = [8, 9];
  const boxHeight = thumbnailSide / rows;
  const reduced = new Float64Array(rows * columns);
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      const [from, to] = [(column * thumbnailSide) / columns, ((column + 1) * thumbnailSide) / columns];
      for (let x = Math.floor(from); x < Math.min(thumbnailSide, Math.ceil(to)); x++) {
        const weight = Math.min(x + 1, to) - Math.max(x, from);
        for (let y = row * boxHeight; y < (row + 1) * boxHeight; y++) {
          reduced[row * columns + column] += weight * thumbnail[y * thumbnailSide + x];
        }
      }
    }
  }
  const hash: [number, number] = [0, 0];
  for (let bit = 0; bit < 64; bit++) {
    const at = (bit >> 3) * columns + (bit & 7);
    if (reduced[at] < reduced[at + 1]) hash[bit >> 5] |= 1 << (bit & 31);
  }
  return hash;
}

function bitCount(value: number): number {
  let v = value - ((value >>> 1) & 0x55555555);
  v = (v & 0x33333333) + ((v >>> 2) & 0x33333333);
  return Math.imul((v + (v >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24;
}

/** Returns undefined for photos of a single tone, which all resemble each other. */
function signatureOf(thumbnail: Uint8Array): Signature | undefined {
  const mean = thumbnail.reduce((sum, value) => sum + value, 0) / thumbnail.length;
  const centred = Float32Array.from(thumbnail, (value) => value - mean);
  const norm = Math.sqrt(centred.reduce((sum, value) => sum + value * value, 0));
  if (norm < leastContrast * thumbnailSide) return undefined;
  return {
    hash: hashOf(thumbnail),
    mirroredHash: hashOf(mirror(thumbnail)),
    normalized: centred.map((value) => value / norm),
  };
}

function correlation(a: Float32Array, b: Float32Array, mirrored: boolean): number {
  let sum = 0;
  for (let row = 0; row < a.length; row += thumbnailSide) {
    for (let x = 0; x < thumbnailSide; x++) {
      sum += a[row + x] * b[row + (mirrored ? thumbnailSide - 1 - x : x)];
    }
  }
  return sum;
}

/** Photos with their signatures; the hashes in one array, four words each, since all pairs are compared. */
class SignedPhotos {
  readonly signatures: readonly (Signature | undefined)[];
  private readonly words: Int32Array;

  constructor(readonly entries: readonly ThumbnailEntry[]) {
    this.signatures = entries.map(({ thumbnail }) => signatureOf(thumbnail));
    this.words = Int32Array.from(
      this.signatures.flatMap((one) => (one ? [...one.hash, ...one.mirroredHash] : [0, 0, 0, 0])),
    );
  }

  /** The first of the photos before `end` that a photo repeats. */
  firstLike(one: Signature, end: number): { index: number; mirrored: boolean; similarity: number } | undefined {
    const { words } = this;
    const [low, high] = one.hash;
    for (let at = 0; at < 4 * end; at += 2) {
      if (bitCount(words[at] ^ low) + bitCount(words[at + 1] ^ high) > mostDifferentBits) continue;
      const [index, mirrored] = [at >> 2, (at & 2) !== 0];
      const other = this.signatures[index];
      const similarity = other ? correlation(one.normalized, other.normalized, mirrored) : 0;
      if (similarity >= leastSimilarity) {
        return { index, mirrored, similarity: Math.min(1, Math.round(similarity * 1e4) / 1e4) };
      }
    }
    return undefined;
  }
}

/**
 * Finds photos that nearly repeat another photo, also mirrored: a 64-bit difference hash selects candidates, the correlation
 * at 32×32 decides. Crops of more than about 2 % are not found.
 *
 * @param photos every one that repeats an earlier one, or one of `earlier`, is reported once, with the first that it repeats
 * @param earlier photos of other splits; without them, photos are compared with each other
 * @throws the reason of `signal` if it is aborted
 *
 * @example await findNearDuplicates(thumbnails) // [{ stem: 'b', original: 'images/a.jpg', mirrored: false, … }]
 */
export async function findNearDuplicates(
  photos: readonly ThumbnailEntry[],
  earlier?: readonly ThumbnailEntry[],
  signal?: AbortSignal,
): Promise<NearDuplicate[]> {
  const own = new SignedPhotos(photos);
  const others = earlier ? new SignedPhotos(earlier) : own;
  const found: NearDuplicate[] = [];
  for (const [index, { stem, file }] of photos.entries()) {
    if (index % sliceLength === 0) {
      await setImmediate();
      signal?.throwIfAborted();
    }
    const signature = own.signatures[index];
    const match = signature && others.firstLike(signature, earlier ? earlier.length : index);
    if (!match) continue;
    const { mirrored, similarity } = match;
    found.push({ stem, file, original: others.entries[match.index].file, mirrored, similarity });
  }
  return found;
}
