import { FaceparseError } from '../errors.ts';
import { decodeSafetensors, encodeSafetensors, type StoredTensor } from '../formats/safetensors.ts';
import { formatShape, type Graph, sizeOf } from '../graph/graph.ts';
import { listLabelSets } from '../labels/registry.ts';

/** What a weights file says of the network that it belongs to. */
export interface WeightsDescription {
  /** Name of the architecture in the registry. */
  readonly model: string;
  /** Name of the label set, which gives the classes. */
  readonly labels: string;
  /** Side of the square picture that the network was trained on and is given. */
  readonly size: number;
  /** Where the weights come from, for people: the run, its score, its data. */
  readonly notes?: Readonly<Record<string, string>>;
}

/** Weights and running statistics of a trained network, with what is needed to rebuild it. */
export interface Weights extends WeightsDescription {
  readonly states: ReadonlyMap<string, Float32Array>;
}

const format = 'faceparse-weights';
const notePrefix = 'note.';

/** The bytes of a weights file: safetensors whose metadata name the network. Shapes are those of the network's states. */
export function encodeWeights(weights: Weights, graph: Graph): Uint8Array {
  const tensors = new Map<string, StoredTensor>();
  for (const [name, data] of weights.states) {
    tensors.set(name, { dtype: 'F32', shape: [...graph.states.get(name)!.shape], data });
  }
  const notes = Object.entries(weights.notes ?? {}).map(([key, value]) => [notePrefix + key, value]);
  return encodeSafetensors(tensors, {
    format,
    version: '1',
    model: weights.model,
    labels: weights.labels,
    size: String(weights.size),
    ...Object.fromEntries(notes),
  });
}

/**
 * Reads a weights file.
 *
 * @param name what to call the file in errors
 * @throws FaceparseError where the bytes are no weights file of faceparse, or are cut short
 */
export function decodeWeights(bytes: Uint8Array, name: string): Weights {
  let decoded: ReturnType<typeof decodeSafetensors>;
  try {
    decoded = decodeSafetensors(bytes);
  } catch (error) {
    throw new FaceparseError(`${name} cannot be read as weights: ${(error as Error).message}`, { cause: error });
  }
  const { metadata, tensors } = decoded;
  if (metadata.format !== format) {
    throw new FaceparseError(
      `${name} is a safetensors file, but not one of faceparse's weights. Give a run folder or its weights/best.safetensors.`,
    );
  }
  if (metadata.version !== '1') {
    throw new FaceparseError(
      `${name} has version ${metadata.version} of the weights format; this faceparse reads version 1.`,
    );
  }
  const { model, labels } = metadata;
  const size = Number(metadata.size);
  if (!model || !labels || !Number.isInteger(size) || size < 32 || size > 4096) {
    throw new FaceparseError(`${name} does not say which network it belongs to; it may be damaged.`);
  }
  if (!listLabelSets().includes(labels)) {
    throw new FaceparseError(`${name} was made for the label set '${labels}', which this faceparse does not have.`);
  }
  const states = new Map<string, Float32Array>();
  for (const [key, tensor] of tensors) {
    if (!(tensor.data instanceof Float32Array))
      throw new FaceparseError(`${name}: the tensor '${key}' is not made of floats.`);
    states.set(key, tensor.data);
  }
  const notes = Object.fromEntries(
    Object.entries(metadata)
      .filter(([key]) => key.startsWith(notePrefix))
      .map(([key, value]) => [key.slice(notePrefix.length), value]),
  );
  return { model, labels, size, notes, states };
}

/** Checks that weights fit a network: the same names with the same sizes. @throws FaceparseError naming the first misfit */
export function checkWeightsFit(weights: Weights, graph: Graph, name: string): void {
  for (const [key, state] of graph.states) {
    const data = weights.states.get(key);
    if (!data)
      throw new FaceparseError(
        `${name} belongs to another network: ${weights.model} wants '${key}', which it does not hold.`,
      );
    if (data.length !== sizeOf(state.shape)) {
      throw new FaceparseError(
        `${name} belongs to another network: '${key}' holds ${data.length} values, but ${weights.model} wants ${formatShape(state.shape)}.`,
      );
    }
  }
  for (const key of weights.states.keys()) {
    if (!graph.states.has(key)) {
      throw new FaceparseError(
        `${name} belongs to another network: it holds '${key}', which ${weights.model} does not have.`,
      );
    }
  }
}
