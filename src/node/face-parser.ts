import { readFile, stat } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { type EngineChoice, selectEngine } from '../engine/select-engine.ts';
import { exists } from '../files/path-kind.ts';
import type { Photo } from '../image/image.ts';
import { decodeWeights, type Weights } from '../models/weights-file.ts';
import type { Averaging } from '../parser/averaging.ts';
import { FaceParser as CoreParser, type ParserParts, prepareParser } from '../parser/face-parser.ts';
import { describeValue } from '../text/describe-value.ts';
import { FaceparseError } from '../text/errors.ts';
import { runFolder } from '../training/run-folder.ts';
import { requireBundledWeights } from './bundled-weights.ts';
import { decodeSource, type ImageSource } from './image-source.ts';

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

/** Which engine computes, and which views are averaged. */
export interface LoadOptions extends EngineChoice {
  /** Views of each image to average over; default: the image alone. */
  readonly averaging?: Averaging;
}

/**
 * Face parsing in Node.
 *
 * @example
 * await using parser = await FaceParser.load(); // the bundled weights; FaceParser.load('runs/mine') for a run
 * const { labels, width, height, areas } = await parser.parse('photo.jpg');
 */
export class FaceParser extends CoreParser<ImageSource> {
  private constructor(
    parts: ParserParts,
    /** The weights file that was read. */
    readonly file: string,
  ) {
    super(parts);
  }

  /**
   * Loads a trained parser.
   *
   * @param path the folder of a run, or a weights file; default: the bundled weights
   * @throws FaceparseError where nothing is found, the file is damaged or belongs to another network, or an option is wrong
   */
  static async load(path?: string | URL, options: LoadOptions = {}): Promise<FaceParser> {
    const { averaging, ...engine } = checkLoadArguments(path, options);
    const { file, weights } = await loadWeights(path instanceof URL ? fileURLToPath(path) : path);
    const parserOptions = { name: file, ...(averaging && { averaging }) };
    return new FaceParser(await prepareParser(weights, await selectEngine(engine, true), parserOptions), file);
  }

  /** Decodes what an image is given as: upright, as its EXIF orientation says. */
  protected override decode(image: ImageSource): Promise<Photo> {
    return decodeSource(image);
  }
}

/** Calls from JavaScript have no types to guard them, and the order of the arguments is easily mistaken. */
function checkLoadArguments(path: unknown, options: unknown): LoadOptions {
  if (path !== undefined && typeof path !== 'string' && !(path instanceof URL)) {
    const keys = typeof path === 'object' && path !== null ? Object.keys(path) : [];
    const hint = keys.some((key) => ['name', 'device', 'threads', 'averaging'].includes(key))
      ? '; options come second: FaceParser.load(undefined, { … })'
      : '';
    throw new FaceparseError(
      `FaceParser.load takes the path of a run folder or weights file, but was given ${describeValue(path)}${hint}`,
      { exitCode: 2 },
    );
  }
  if (typeof options !== 'object' || options === null) {
    throw new FaceparseError(`the options of FaceParser.load are an object, but ${describeValue(options)} was given`, {
      exitCode: 2,
    });
  }
  return options;
}
