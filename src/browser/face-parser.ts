import type { Engine } from '../engine/engine.ts';
import { createOnnxEngine, type OnnxDevice, type OnnxRuntime } from '../engine/onnx/onnx-engine.ts';
import { FaceDetector } from '../faces/detector/face-detector.ts';
import type { FaceFinder } from '../faces/face.ts';
import { LazyDetector } from '../faces/lazy-detector.ts';
import type { Photo } from '../image/image.ts';
import { type ForeignNetwork, foreignNetworkOf, foreignNetworkOptions } from '../models/foreign/foreign-network.ts';
import { decodeOwnWeights, importWeights } from '../models/foreign/import-weights.ts';
import { FaceParser as CoreParser, checkDetector, type ParserParts, prepareParser } from '../parser/face-parser.ts';
import type { Averaging } from '../parser/grid/averaging.ts';
import { checkOptions } from '../text/check-options.ts';
import { describeValue } from '../text/describe-value.ts';
import { FaceparseError } from '../text/errors.ts';
import { fetchBlob } from './fetch-blob.ts';
import { type BrowserImage, decodeInBrowser, receiveInBrowser } from './image-source.ts';

/** Options of a parser in a browser; those of `ForeignNetwork` describe the network of another program's weights. */
export interface LoadOptions extends Partial<ForeignNetwork> {
  /** The module of onnxruntime-web: `import * as ort from 'onnxruntime-web/wasm'`. */
  readonly runtime: OnnxRuntime;
  /** Device of the networks; default `wasm`. `webgpu` requires `onnxruntime-web/webgpu`. */
  readonly device?: Extract<OnnxDevice, 'wasm' | 'webgpu'>;
  /** Views of each image to average over; default: the image alone. */
  readonly averaging?: Averaging;
  /**
   * Finds the faces of photos: the URL or the bytes of `faceparse/weights/face-detector.safetensors`, which are read with the
   * first photo that needs them, or a detector of your own. Default: none, so that photos are parsed as a whole.
   */
  readonly detector?: WeightsSource | FaceFinder | false;
}

/** The URL of a weights file, or its bytes. */
export type WeightsSource = string | URL | Blob | ArrayBuffer | Uint8Array;

/**
 * Face parsing in a browser.
 *
 * @example
 * import * as ort from 'onnxruntime-web/wasm';
 * import weights from 'faceparse/weights/flagship.safetensors?url'; // Vite
 * import detector from 'faceparse/weights/face-detector.safetensors?url';
 * const parser = await FaceParser.load(weights, { runtime: ort, detector });
 * const result = await parser.parse(document.querySelector('img'));
 */
export class FaceParser extends CoreParser<BrowserImage> {
  /**
   * Loads a trained parser.
   *
   * Weights of another program (`.pth` of PyTorch, `.safetensors`) are read if the options describe their network: `model`,
   * `encoder`, `labels` and `size`. `notices` says what was read from them.
   *
   * @param weights the URL of a weights file, or its bytes
   * @throws FaceparseError if the weights cannot be fetched, are damaged or belong to another network, or no runtime is given
   */
  static async load(weights: WeightsSource, options: LoadOptions): Promise<FaceParser> {
    const { runtime, device = 'wasm', averaging, detector = false } = options ?? {};
    if (typeof runtime?.InferenceSession?.create !== 'function') {
      throw new FaceparseError(
        'FaceParser.load requires ONNX Runtime: pass { runtime: ort } with the module of onnxruntime-web',
        { exitCode: 2 },
      );
    }
    checkOptions(options, ['runtime', 'device', 'averaging', 'detector', ...foreignNetworkOptions], 'FaceParser.load');
    if (device !== 'wasm' && device !== 'webgpu') {
      throw new FaceparseError(`device is '${device}', but must be 'wasm' or 'webgpu'`, { exitCode: 2 });
    }
    const { name, bytes } = await readWeights(weights);
    const network = foreignNetworkOf(options);
    const { weights: decoded, notices } = network ? importWeights(bytes, name, network) : decodeOwnWeights(bytes, name);
    const engine = createOnnxEngine({ runtime, device });
    const parts = await prepareParser(decoded, engine, { name, ...(averaging && { averaging }) });
    return new FaceParser({ ...parts, notices, ...finderOf(detector, engine) });
  }

  protected override receive(image: BrowserImage): unknown {
    return receiveInBrowser(image);
  }

  protected override decode(image: unknown): Promise<Photo> {
    return decodeInBrowser(image as BrowserImage);
  }
}

/** The detector that the options name. What they give as weights is read with the first photo. */
function finderOf(
  detector: NonNullable<LoadOptions['detector']>,
  engine: Engine,
): Pick<ParserParts, 'detector' | 'release'> {
  if (detector === false) return {};
  if (typeof detector === 'object' && 'detect' in detector) {
    checkDetector(detector);
    return { detector };
  }
  const lazy = new LazyDetector(async () => {
    const { name, bytes } = await readWeights(detector);
    return FaceDetector.create(bytes, engine, { name });
  });
  return { detector: lazy, release: () => lazy.dispose() };
}

async function readWeights(source: unknown): Promise<{ name: string; bytes: Uint8Array }> {
  if (source instanceof Uint8Array) return { name: 'the weights', bytes: source };
  if (source instanceof ArrayBuffer) return { name: 'the weights', bytes: new Uint8Array(source) };
  if (source instanceof Blob) return { name: 'the weights', bytes: new Uint8Array(await source.arrayBuffer()) };
  if (typeof source !== 'string' && !(source instanceof URL)) {
    throw new FaceparseError(
      `cannot read weights from ${describeValue(source)}; pass the URL of a .safetensors file or its bytes`,
      { exitCode: 2 },
    );
  }
  const name = String(source);
  const blob = await fetchBlob(name);
  return { name, bytes: new Uint8Array(await blob.arrayBuffer()) };
}
