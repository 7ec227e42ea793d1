import { createOnnxEngine, type OnnxDevice, type OnnxRuntime } from '../engine/onnx/onnx-engine.ts';
import type { Photo } from '../image/image.ts';
import { type ForeignNetwork, foreignNetworkOf, foreignNetworkOptions } from '../models/foreign/foreign-network.ts';
import { decodeOwnWeights, importWeights } from '../models/foreign/import-weights.ts';
import type { Averaging } from '../parser/averaging.ts';
import { FaceParser as CoreParser, prepareParser } from '../parser/face-parser.ts';
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
}

/**
 * Face parsing in a browser.
 *
 * @example
 * import * as ort from 'onnxruntime-web/wasm';
 * import weights from 'faceparse/weights/flagship.safetensors?url'; // Vite
 * const parser = await FaceParser.load(weights, { runtime: ort });
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
  static async load(
    weights: string | URL | Blob | ArrayBuffer | Uint8Array,
    options: LoadOptions,
  ): Promise<FaceParser> {
    const { runtime, device = 'wasm', averaging } = options ?? {};
    if (typeof runtime?.InferenceSession?.create !== 'function') {
      throw new FaceparseError(
        'FaceParser.load requires ONNX Runtime: pass { runtime: ort } with the module of onnxruntime-web',
        { exitCode: 2 },
      );
    }
    checkOptions(options, ['runtime', 'device', 'averaging', ...foreignNetworkOptions], 'FaceParser.load');
    if (device !== 'wasm' && device !== 'webgpu') {
      throw new FaceparseError(`device is '${device}', but must be 'wasm' or 'webgpu'`, { exitCode: 2 });
    }
    const { name, bytes } = await readWeights(weights);
    const network = foreignNetworkOf(options);
    const { weights: decoded, notices } = network ? importWeights(bytes, name, network) : decodeOwnWeights(bytes, name);
    const parts = await prepareParser(decoded, createOnnxEngine({ runtime, device }), {
      name,
      ...(averaging && { averaging }),
    });
    return new FaceParser({ ...parts, notices });
  }

  protected override receive(image: BrowserImage): unknown {
    return receiveInBrowser(image);
  }

  protected override decode(image: unknown): Promise<Photo> {
    return decodeInBrowser(image as BrowserImage);
  }
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
