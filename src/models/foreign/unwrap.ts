import { stripWrapperPrefix, wrapperPrefixes } from '../../formats/state-dict/wrapper-prefix.ts';
import { encoderPrefix } from '../encoders/encoder-features.ts';

/** Prefixes of an encoder inside of a network: ours and smp's, face-parsing.PyTorch's, and a common one. */
const encoderPrefixes = [encoderPrefix, 'cp.resnet.', 'backbone.'];

/** The tensors of a file without wrappers and counters. */
export interface Unwrapped<T> {
  /** Whole networks have tensors in both parts, encoders alone in the first, networks without an encoder in the second. */
  readonly encoder: ReadonlyMap<string, T>;
  readonly rest: ReadonlyMap<string, T>;
  /** Tensors beside the wrapped network, as training classes have them. */
  readonly outside: readonly string[];
  /** The prefix of the encoder's names in the file, with those of wrappers; empty if it is alone. */
  readonly prefix: string;
}

/**
 * Removes the wrappers around a network and the counters of batch normalisation, and separates the encoder.
 *
 * @param isStem whether a name without prefixes is the first tensor of an encoder alone; undefined for a network that has no
 * encoder to separate
 */
export function unwrap<T>(given: ReadonlyMap<string, T>, isStem?: (name: string) => boolean): Unwrapped<T> {
  const stripped = stripWrapperPrefix(new Map([...given].filter(([name]) => !name.endsWith('num_batches_tracked'))));
  if (!isStem) return { encoder: new Map(), rest: stripped.tensors, outside: [], prefix: stripped.prefix };
  const { wrapper, inside, outside } = partInside(stripped.tensors, isStem);
  const prefix = stripped.prefix + wrapper;
  if ([...inside.keys()].some(isStem)) return { encoder: inside, rest: new Map(), outside, prefix };
  const found = encoderPrefixes.find((one) => [...inside.keys()].some((name) => name.startsWith(one)));
  if (found === undefined) return { encoder: new Map(), rest: inside, outside, prefix };
  const isEncoder = ([name]: readonly [string, T]) => name.startsWith(found);
  const own = new Map([...inside].filter(isEncoder).map(([name, tensor]) => [name.slice(found.length), tensor]));
  // An encoder of timm in segmentation_models.pytorch (`tu-…`) is wrapped once more.
  const encoder = stripWrapperPrefix(own, ['model.']);
  const rest = new Map([...inside].filter((entry) => !isEncoder(entry)));
  return { encoder: encoder.tensors, rest, outside, prefix: `${prefix}${found}${encoder.prefix}` };
}

/** A training class may have tensors of its own beside the network, such as `mean` and `std`. */
function partInside<T>(tensors: ReadonlyMap<string, T>, isStem: (name: string) => boolean) {
  const isKnown = (name: string) => isStem(name) || encoderPrefixes.some((prefix) => name.startsWith(prefix));
  const names = [...tensors.keys()];
  const wrapper = names.some(isKnown)
    ? undefined
    : wrapperPrefixes.find((prefix) =>
        names.some((name) => name.startsWith(prefix) && isKnown(name.slice(prefix.length))),
      );
  if (wrapper === undefined) return { wrapper: '', inside: tensors, outside: [] };
  const inside = new Map<string, T>();
  const outside: string[] = [];
  for (const [name, tensor] of tensors) {
    if (name.startsWith(wrapper)) inside.set(name.slice(wrapper.length), tensor);
    else outside.push(name);
  }
  return { wrapper, inside, outside };
}
