import type { StateTensor } from '../../formats/state-dict/state-tensor.ts';
import type { Shape } from '../../graph/graph.ts';
import { encoderPrefix } from '../encoders/encoder-features.ts';
import type { Model } from '../model.ts';
import { encoderSources, ownNames } from './encoder-names.ts';
import type { NameSource } from './name-source.ts';
import { auxiliaryNames, encoderShapes, headNames, networkShapes } from './network-names.ts';
import { unwrap } from './unwrap.ts';

/** What is taken from a file: everything, everything but the head, which depends on the classes, or the encoder alone. */
export type WeightsPart = 'all' | 'body' | 'encoder';

/** A tensor whose shape is not the network's. */
export interface Misshapen {
  /** Name in the network. */
  readonly name: string;
  readonly tensor: StateTensor;
  readonly wanted: Shape;
}

/** How the tensors of a file fit a network. */
export interface Fit {
  /** Whether the file has a whole network, or only an encoder. */
  readonly content: 'network' | 'encoder';
  /** Whose names the encoder has; undefined if they are unknown, or the network has no encoder. */
  readonly source: NameSource | undefined;
  /** Whether the encoder is that of a network of segmentation_models.pytorch, not wrapped in a `model` of timm. */
  readonly isAtEncoder: boolean;
  /** The prefix of the encoder's names in the file; empty if it is alone or there is none. */
  readonly prefix: string;
  /** Tensors of the right shape, by names of the network. */
  readonly assigned: ReadonlyMap<string, StateTensor>;
  /** Names and shapes in the network that the file lacks. */
  readonly missing: readonly (readonly [string, Shape])[];
  readonly misshapen: readonly Misshapen[];
  /** Tensors that have no place in the network. */
  readonly unexpected: readonly StateTensor[];
  /** Names of tensors that are rightly not used, by the reason. */
  readonly unused: Readonly<Record<UnusedReason, readonly string[]>>;
}

/** Why a tensor is not used. */
export type UnusedReason = 'classifier' | 'deeper' | 'auxiliary' | 'head' | 'rest' | 'outside';

/** Compares the tensors of a file with a network, by names and shapes. */
export function fitTensors(tensors: ReadonlyMap<string, StateTensor>, model: Model, part: WeightsPart = 'all'): Fit {
  const { encoder } = model.settings;
  const sources = encoder === undefined ? [] : sourcesOf(encoder);
  const stems = new Set(sources.map(({ stem }) => stem));
  const given = unwrap(tensors, encoder === undefined ? undefined : (name) => stems.has(name));
  const source = sources.find(({ stem }) => given.encoder.has(stem));
  const content = encoder !== undefined && given.encoder.size > 0 && given.rest.size === 0 ? 'encoder' : 'network';
  const wanted = networkShapes(model);
  const assigned = new Map<string, StateTensor>();
  const misshapen: Misshapen[] = [];
  const unexpected: StateTensor[] = [];
  const unused: Record<UnusedReason, string[]> = {
    classifier: [],
    deeper: [],
    auxiliary: [],
    head: [],
    rest: [],
    outside: [...given.outside],
  };
  const place = (name: string, tensor: StateTensor) => {
    const shape = wanted.get(name);
    if (shape === undefined) return false;
    if (String(shape) === String(tensor.shape)) assigned.set(name, tensor);
    else misshapen.push({ name, tensor, wanted: shape });
    return true;
  };

  const whole = encoder === undefined ? new Map<string, Shape>() : encoderShapes(encoder);
  for (const [name, tensor] of given.encoder) {
    const own = source?.translate(name);
    if (own !== undefined && place(encoderPrefix + own, tensor)) continue;
    if (own !== undefined && whole.has(own)) unused.deeper.push(tensor.name);
    else if (source?.classifier.test(name)) unused.classifier.push(tensor.name);
    else unexpected.push(tensor);
  }
  const head = part === 'body' ? headNames(model) : new Set<string>();
  let auxiliary: ReadonlySet<string> | undefined;
  for (const [name, tensor] of given.rest) {
    if (part === 'encoder') unused.rest.push(tensor.name);
    else if (head.has(name)) unused.head.push(tensor.name);
    else if (!place(name, tensor)) {
      auxiliary ??= auxiliaryNames(model);
      if (auxiliary.has(name)) unused.auxiliary.push(tensor.name);
      else unexpected.push(tensor);
    }
  }
  const isWanted = (name: string) =>
    content === 'encoder' || part === 'encoder' ? name.startsWith(encoderPrefix) : !head.has(name);
  const found = new Set([...assigned.keys(), ...misshapen.map(({ name }) => name)]);
  const missing = [...wanted].filter(([name]) => isWanted(name) && !found.has(name));
  const isAtEncoder = content === 'network' && given.prefix.endsWith(encoderPrefix);
  return { content, source, isAtEncoder, prefix: given.prefix, assigned, missing, misshapen, unexpected, unused };
}

/** Whether all tensors fit, besides those of a head for other classes. */
export function isComplete({ assigned, missing, misshapen, unexpected }: Fit, head: ReadonlySet<string>): boolean {
  const isOther = misshapen.every(({ name }) => head.has(name));
  return assigned.size > 0 && missing.length === 0 && unexpected.length === 0 && isOther;
}

function sourcesOf(encoder: string): readonly NameSource[] {
  const known = encoderSources(encoder);
  if (known.length > 0) return known;
  const [first] = encoderShapes(encoder).keys();
  return first === undefined ? [] : [ownNames(encoder, first)];
}
