import { readFile, stat } from 'node:fs/promises';
import { type EngineChoice, selectEngine } from '../engine/select-engine.ts';
import { exists } from '../files/path-kind.ts';
import type { Photo } from '../image/image.ts';
import { decodePhoto, readPhoto } from '../image/read-image.ts';
import type { LabelSet } from '../labels/label-set.ts';
import { decodeWeights, type Weights } from '../models/weights-file.ts';
import type { Averaging } from '../parser/averaging.ts';
import { FaceParser as CoreParser, type ParseResult } from '../parser/face-parser.ts';
import { FaceparseError } from '../text/errors.ts';
import { runFolder } from '../training/run-folder.ts';
import { requireBundledWeights } from './bundled-weights.ts';

/** Weights files over this are refused before they are read. */
const maxWeightsBytes = 2 ** 30;

/** The weights file that a path names: itself, or the best one of a run folder. */
export async function resolveWeights(path: string): Promise<string> {
  const found = await stat(path).catch(() => undefined);
  if (!found) throw new FaceparseError(`there is no run folder or weights file at ${path}.`, { exitCode: 2 });
  if (found.isFile()) return path;
  const run = runFolder(path);
  for (const file of [run.bestWeights, run.lastWeights]) if (await exists(file)) return file;
  throw new FaceparseError(
    `${path} holds no weights (weights/best.safetensors). Is it the folder of a run that was trained?`,
    {
      exitCode: 2,
    },
  );
}

/** Reads the weights that a run folder or a file holds, or without a path those that come with faceparse. */
export async function loadWeights(path?: string): Promise<{ file: string; weights: Weights }> {
  const file = path === undefined ? await requireBundledWeights() : await resolveWeights(path);
  const { size } = await stat(file);
  if (size > maxWeightsBytes)
    throw new FaceparseError(`${file} is ${size} bytes, more than any weights file of faceparse.`);
  return { file, weights: decodeWeights(await readFile(file), file) };
}

/** Which engine computes, and what a prediction is averaged over. */
export interface LoadOptions extends EngineChoice {
  /** Views of each photo to average over; default the photo alone. */
  readonly averaging?: Averaging;
}

/**
 * Face parsing in Node.
 *
 * @example
 * const parser = await FaceParser.load(); // the weights that come with faceparse; FaceParser.load('runs/mine') a run's
 * const { labels, width, height, areas } = await parser.parse('photo.jpg');
 */
export class FaceParser {
  private constructor(
    /** The same parser for photos that are decoded already. */
    readonly core: CoreParser,
    /** The weights file that was read. */
    readonly file: string,
  ) {}

  /**
   * Loads a trained parser.
   *
   * @param path the folder of a run, or a weights file; default the weights that come with faceparse
   * @throws FaceparseError where there is nothing, or the file is damaged or belongs to another network
   */
  static async load(path?: string, { averaging, ...engine }: LoadOptions = {}): Promise<FaceParser> {
    const { file, weights } = await loadWeights(path);
    const options = { name: file, ...(averaging && { averaging }) };
    return new FaceParser(await CoreParser.create(weights, await selectEngine(engine), options), file);
  }

  get labelSet(): LabelSet {
    return this.core.labelSet;
  }

  /**
   * Labels of one photo, at its own size, upright as its EXIF orientation says.
   *
   * @param image a path, the bytes of a JPEG, PNG or WebP file, or decoded pixels
   */
  async parse(image: string | Uint8Array | Photo): Promise<ParseResult> {
    if (typeof image === 'string') return this.core.parse(await readPhoto(image));
    if (image instanceof Uint8Array) return this.core.parse(await decodePhoto(image, 'the image'));
    return this.core.parse(image);
  }

  /** Frees the engine's memory. */
  async dispose(): Promise<void> {
    await this.core.dispose();
  }
}
