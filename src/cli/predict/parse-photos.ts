import type { PhotoFile } from '../../data/dataset/find-photos.ts';
import type { Photo } from '../../image/image.ts';
import { ImageError, openPhoto, type UndecodedPhoto } from '../../image/read-image.ts';
import { Budget } from '../../scheduling/budget.ts';
import type { TaskControls } from '../command.ts';

/**
 * Photos in progress at a time: enough for decoding, parsing, encoding and writing to overlap. A photo of 100 megapixels is
 * the largest that is read, so more than 64 megapixels together would be what needs the most memory.
 */
const limits = { items: 8, weight: 2 ** 26 };

/** A decoded photo and the milliseconds that reading and decoding took. */
export interface DecodedPhoto {
  readonly file: PhotoFile;
  readonly photo: Photo;
  readonly decode: number;
}

/** Results and failures, both in the order of the photos. */
export interface ParsedPhotos<Result> {
  readonly results: readonly Result[];
  readonly failures: readonly ImageError[];
}

/**
 * Decodes photos and hands each to `work`, several at a time. Memory is bounded: by the number of photos in progress and, for
 * large ones, by their pixels.
 *
 * A photo that cannot be decoded is a failure, and the others go on. Any other error ends the work, as the signal does: no
 * further photo begins, and those in progress are completed.
 *
 * @param work parses and saves a photo
 * @throws the reason of the signal, or the first error of `work` that is not an ImageError
 */
export async function parsePhotos<Result>(
  files: readonly PhotoFile[],
  work: (decoded: DecodedPhoto) => Promise<Result>,
  { signal, onProgress }: TaskControls,
): Promise<ParsedPhotos<Result>> {
  const budget = new Budget(limits);
  const results = new Map<number, Result>();
  const failures = new Map<number, ImageError>();
  const errors: unknown[] = [];
  const running = new Set<Promise<void>>();
  let done = 0;

  const parse = async (file: PhotoFile, opened: Promise<UndecodedPhoto>, read: number): Promise<Result> => {
    const { decode } = await opened;
    const start = performance.now();
    const photo = await decode();
    return work({ file, photo, decode: read + performance.now() - start });
  };
  const settle = async (index: number, result: Promise<Result>, release: () => void): Promise<void> => {
    try {
      results.set(index, await result);
    } catch (error) {
      if (error instanceof ImageError) failures.set(index, error);
      else errors.push(error);
    } finally {
      release();
      onProgress(++done, files.length);
    }
  };
  for (const [index, file] of files.entries()) {
    const start = performance.now();
    const opened = openPhoto(file.path);
    const pixels = await opened.then(
      (photo) => photo.pixels,
      () => 0,
    );
    const read = performance.now() - start;
    const release = await budget.acquire(pixels);
    if (errors.length > 0 || signal.aborted) break;
    const task: Promise<void> = settle(index, parse(file, opened, read), release).then(() => void running.delete(task));
    running.add(task);
  }
  await Promise.all(running);
  if (errors.length > 0) throw errors[0];
  signal.throwIfAborted();
  return { results: inOrder(results), failures: inOrder(failures) };
}

function inOrder<Value>(values: ReadonlyMap<number, Value>): Value[] {
  return [...values].sort(([a], [b]) => a - b).map(([, value]) => value);
}
