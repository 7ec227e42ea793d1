import { readFile, stat } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { type EngineChoice, selectEngine } from '../engine/select-engine.ts';
import type { FaceFinder } from '../faces/face.ts';
import { LazyDetector } from '../faces/lazy-detector.ts';
import { exists } from '../files/path-kind.ts';
import { readHead } from '../files/read-head.ts';
import type { Photo } from '../image/image.ts';
import type { Caller } from '../models/foreign/caller.ts';
import { type ForeignNetwork, foreignNetworkOf, foreignNetworkOptions } from '../models/foreign/foreign-network.ts';
import type { ImportedWeights } from '../models/foreign/import-weights.ts';
import { notWeightsError } from '../models/foreign-weights.ts';
import { decodeWeights } from '../models/weights-file.ts';
import { pixelKernels } from '../native-pixels/pixel-kernels.ts';
import { FaceParser as CoreParser, checkDetector, type ParserParts, prepareParser } from '../parser/face-parser.ts';
import type { Averaging } from '../parser/grid/averaging.ts';
import { checkOptions } from '../text/check-options.ts';
import { describeValue } from '../text/describe-value.ts';
import { FaceparseError } from '../text/errors.ts';
import { runFolder } from '../training/record/run-folder.ts';
import { requireBundledWeights } from './bundled-weights.ts';
import { loadFaceDetector } from './face-detector.ts';
import { foreignModelIn } from './foreign-model.ts';
import { decodeSource, type ImageSource, receiveSource } from './image-source.ts';
import { importExportedFile, importWeightsFile } from './import-weights-file.ts';
import { missingRun } from './missing-run.ts';

/** Maximum size of a weights file in bytes. */
const maxWeightsBytes = 2 ** 30;

/** The weights file at a path: the file itself, or the best weights of a run folder. */
export async function resolveWeights(path: string): Promise<string> {
  const found = await stat(path).catch(() => undefined);
  if (!found) throw await missingRun(path);
  if (found.isFile()) return path;
  const run = runFolder(path);
  for (const file of [run.bestWeights, run.lastWeights]) if (await exists(file)) return file;
  const foreign = await foreignModelIn(path);
  if (foreign) throw foreign;
  throw new FaceparseError(
    `${path} contains no weights (weights/best.safetensors). Is it the folder of a trained run?`,
    {
      exitCode: 2,
    },
  );
}

/** The path of a `file:` URL; other paths as they are. @throws FaceparseError (exit code 2) for other URLs */
function pathOf(path: string | URL): string {
  if (typeof path === 'string' && !/^(?:file|https?):\/\//i.test(path)) return path;
  try {
    return fileURLToPath(path);
  } catch (cause) {
    const message = `cannot load weights from ${String(path).slice(0, 200)}; pass a path or a file: URL`;
    throw new FaceparseError(message, { exitCode: 2, cause });
  }
}

/** Weights, the file that they were read from, and lines about what was read if another program wrote it. */
export interface LoadedWeights extends ImportedWeights {
  readonly file: string;
}

/**
 * Reads the weights of a run folder or a file; without a path, the bundled weights.
 *
 * @param network the network of weights that another program trained
 * @param caller whose options messages name
 */
export async function loadWeights(
  path?: string,
  { network, caller = 'command' }: { network?: Partial<ForeignNetwork>; caller?: Caller } = {},
): Promise<LoadedWeights> {
  if (path === undefined && network) {
    throw new FaceparseError('model, labels and size describe the weights of a file; pass its path too', {
      exitCode: 2,
    });
  }
  const file = path === undefined ? await requireBundledWeights() : await resolveWeights(path);
  if (network) return { file, ...(await importWeightsFile(file, network, caller)) };
  const exported = await importExportedFile(file, caller);
  if (exported) return { file, ...exported };
  const foreign = notWeightsError(await readHead(file), file);
  if (foreign) throw foreign;
  const { size } = await stat(file);
  if (size > maxWeightsBytes)
    throw new FaceparseError(`${file} has ${size} bytes, more than any faceparse weights file.`);
  return { file, weights: decodeWeights(await readFile(file), file), notices: [] };
}

/** Options of a parser in Node: the engine, the views to average over, and the network of another program's weights. */
export interface LoadOptions extends EngineChoice, Partial<ForeignNetwork> {
  /** Views of each image to average over; default: the image alone. */
  readonly averaging?: Averaging;
  /**
   * Finds the faces of photos; `false` for none, so that every photo is parsed as a whole. Default: the bundled detector, which
   * is loaded with the first photo that needs it.
   */
  readonly detector?: FaceFinder | false;
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
    /** The path of the loaded weights file. */
    readonly file: string,
  ) {
    super(parts);
  }

  /**
   * Loads a trained parser.
   *
   * Weights of another program (`.pth` of PyTorch, `.safetensors`) are read if the options describe their network: `model`,
   * `encoder`, `labels` and `size`. `notices` says what was read from them.
   *
   * @param path a run folder or a weights file; default: the bundled weights
   * @throws FaceparseError if the path is not found, the file is damaged or belongs to another network, or an option is wrong
   * @example
   * const network = { model: 'unet', encoder: 'resnet18', labels: 'celebamask-19', size: 512 };
   * await using parser = await FaceParser.load('unet.pth', network);
   */
  static async load(path?: string | URL, options: LoadOptions = {}): Promise<FaceParser> {
    const checked = checkLoadArguments(path, options);
    const { averaging, name, device, threads, detector } = checked;
    if (detector !== undefined && detector !== false) checkDetector(detector);
    const choice = { ...(name && { name }), ...(device && { device }), ...(threads !== undefined && { threads }) };
    const network = foreignNetworkOf(checked);
    const given = path === undefined ? path : pathOf(path);
    const { file, weights, notices } = await loadWeights(given, { caller: 'library', ...(network && { network }) });
    const engine = await selectEngine(choice, true);
    const parts = await prepareParser(weights, engine, {
      name: file,
      ...(averaging && { averaging }),
      kernels: pixelKernels(),
    });
    if (detector !== undefined) return new FaceParser({ ...parts, notices, ...(detector && { detector }) }, file);
    const bundled = new LazyDetector(() => loadFaceDetector(engine));
    return new FaceParser({ ...parts, notices, detector: bundled, release: () => bundled.dispose() }, file);
  }

  protected override receive(image: ImageSource): unknown {
    return receiveSource(image);
  }

  /** Decodes an image of any accepted kind and applies its EXIF orientation. */
  protected override decode(image: unknown): Promise<Photo> {
    return decodeSource(image as ImageSource);
  }
}

const loadOptions: readonly string[] = ['name', 'device', 'threads', 'averaging', 'detector', ...foreignNetworkOptions];

/** Checks arguments at run time for callers from JavaScript; their order is easily confused. */
function checkLoadArguments(path: unknown, options: unknown): LoadOptions {
  if (path !== undefined && typeof path !== 'string' && !(path instanceof URL)) {
    const keys = typeof path === 'object' && path !== null ? Object.keys(path) : [];
    const isBytes = ArrayBuffer.isView(path) || Object.prototype.toString.call(path).endsWith('ArrayBuffer]');
    const hint = isBytes
      ? '; for bytes in memory, use FaceParser.create(decodeWeights(bytes), await selectEngine())'
      : keys.some((key) => loadOptions.includes(key))
        ? '; options come second: FaceParser.load(undefined, { … })'
        : '';
    throw new FaceparseError(
      `FaceParser.load takes the path of a run folder or weights file, but got ${describeValue(path)}${hint}`,
      { exitCode: 2 },
    );
  }
  checkOptions(options, loadOptions, 'FaceParser.load');
  return options as LoadOptions;
}
