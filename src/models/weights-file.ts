import { fromHalf, toHalf } from '../formats/float16.ts';
import { recognizedBytes } from '../formats/recognize-file.ts';
import { decodeSafetensors, encodeSafetensors, type StoredTensor } from '../formats/safetensors.ts';
import { formatShape, type Graph, type StateOwner, sizeOf } from '../graph/graph.ts';
import { checkPreprocessing, defaultPreprocessing, type Preprocessing } from '../image/preprocessing.ts';
import { type LabelSetChoice, type LabelTable, labelSetName } from '../labels/label-table.ts';
import { parseLabelTable, sentence } from '../labels/parse-label-table.ts';
import { listLabelSets } from '../labels/registry.ts';
import { describeValue } from '../text/describe-value.ts';
import { FaceparseError } from '../text/errors.ts';
import { joinWords } from '../text/join-words.ts';
import { notWeightsError } from './foreign-weights.ts';
import { type ModelSettings, settingNames } from './settings.ts';
import { checkOrigin, type WeightsOrigin } from './weights-origin.ts';

/** The description of the network in a weights file. */
export interface WeightsDescription {
  /** Name of the architecture in the registry. */
  readonly model: string;
  /** Settings of the architecture, such as its encoder; absent if it has none. */
  readonly settings?: ModelSettings;
  /** The label set, which defines the classes: a name, or a table that merges classes of celebamask-19. */
  readonly labels: LabelSetChoice;
  /** How a photo becomes the network's input, and the input size. */
  readonly preprocessing: Preprocessing;
  /** Origin of the weights before training; absent in files of version 1. */
  readonly origin?: WeightsOrigin;
  /** Notes for people: the run, its score, its data. */
  readonly notes?: Readonly<Record<string, string>>;
}

/** Weights and running statistics of a trained network, with the description needed to rebuild it. */
export interface Weights extends WeightsDescription {
  readonly states: ReadonlyMap<string, Float32Array>;
}

/** Value of the key `format` in every description. */
export const descriptionFormat = 'faceparse-weights';
/**
 * Version 1 stores only the size; version 2 the whole preprocessing and the origin; version 3 also the settings of the
 * network and a label table.
 * Files are written in the oldest version that can hold them.
 */
const versions = ['1', '2', '3'];
/** Networks that had another name in files before version 3. */
export const formerNames: ReadonlyMap<string, string> = new Map([['unet', 'mobile-unet']]);
/** Longer label tables are not parsed. */
const longestTable = 2 ** 16;
const notePrefix = 'note.';

/** How weights are stored. */
export interface WeightsEncoding {
  /**
   * Whether to round kernels to half precision, which halves the file. Vectors (biases, normalisation) stay float32: they
   * are about a hundredth of the bytes, but each value affects a whole channel.
   */
  readonly half?: boolean;
}

/**
 * Encodes a weights file: safetensors whose metadata describe the network and its preprocessing. Shapes come
 * from the network's states.
 *
 * @throws FaceparseError if a value is too large for half precision, or the description could not be read back
 * @example await writeFile('small.safetensors', encodeWeights(weights, graph, { half: true }));
 */
export function encodeWeights(
  weights: Weights,
  network: StateOwner,
  { half = false }: WeightsEncoding = {},
): Uint8Array {
  const whole = new Map<string, StoredTensor>();
  const halved = new Map<string, StoredTensor>();
  for (const [name, data] of weights.states) {
    const shape = [...network.states.get(name)!.shape];
    if (half && shape.length > 1) halved.set(name, { dtype: 'F16', shape, data: requireHalves(name, data) });
    else whole.set(name, { dtype: 'F32', shape, data });
  }
  // float32 first: readers that map the file need each tensor aligned to its element size.
  const tensors = new Map([...whole, ...halved]);
  return encodeSafetensors(tensors, encodeDescription(weights));
}

function requireHalves(name: string, data: Float32Array): Float32Array {
  const tooLarge = data.find((value) => !Number.isFinite(fromHalf(toHalf(value))));
  if (tooLarge !== undefined) {
    throw new FaceparseError(
      `the weights cannot be stored in half precision: '${name}' contains ${tooLarge}, beyond the limit of ±65504; store them in single precision`,
    );
  }
  return data;
}

/**
 * Reads a weights file; half-precision values (F16) are returned as float32.
 *
 * @param name what to call the file in errors
 * @throws FaceparseError if the bytes are not a faceparse weights file, or are truncated
 */
export function decodeWeights(bytes: Uint8Array, name = 'the weights'): Weights {
  if (!ArrayBuffer.isView(bytes)) {
    const hint = Object.prototype.toString.call(bytes).endsWith('ArrayBuffer]') ? '; pass new Uint8Array(buffer)' : '';
    throw new FaceparseError(`${name} must be a Uint8Array, not ${describeValue(bytes)}${hint}`, { exitCode: 2 });
  }
  let decoded: ReturnType<typeof decodeSafetensors>;
  try {
    decoded = decodeSafetensors(bytes);
  } catch (error) {
    const foreign = notWeightsError(bytes.subarray(0, recognizedBytes), name);
    if (foreign) throw foreign;
    throw new FaceparseError(`${name} cannot be read as weights: ${(error as Error).message}`, { cause: error });
  }
  const { metadata, tensors } = decoded;
  const description = decodeDescription(metadata, name);
  const states = new Map<string, Float32Array>();
  for (const [key, tensor] of tensors) {
    if (!(tensor.data instanceof Float32Array))
      throw new FaceparseError(`${name}: the tensor '${key}' is not floating-point.`);
    if (!tensor.data.every(Number.isFinite)) {
      throw new FaceparseError(
        `${name}: the tensor '${key}' contains infinite values or NaN; the file is damaged or the training diverged.`,
      );
    }
    states.set(key, tensor.data);
  }
  return { ...description, states };
}

/** The description of weights as texts by key, as in the metadata of a weights file. @throws FaceparseError if it could not be read back */
export function encodeDescription({
  model,
  settings = {},
  labels,
  preprocessing,
  origin,
  notes = {},
}: WeightsDescription): Record<string, string> {
  const what = 'the description of the weights';
  const { size, resize, mean, std } = checkPreprocessing(preprocessing, what);
  const hasSettings = Object.keys(settings).length > 0;
  return {
    format: descriptionFormat,
    version: hasSettings || typeof labels === 'object' ? '3' : '2',
    model,
    ...(hasSettings && { settings: JSON.stringify(settings) }),
    labels: labelSetName(labels),
    ...(typeof labels === 'object' && { labelSet: JSON.stringify(requireTable(labels, what)) }),
    size: String(size),
    resize,
    mean: JSON.stringify(mean),
    std: JSON.stringify(std),
    ...(origin && { origin: JSON.stringify(checkOrigin(origin, what)) }),
    ...Object.fromEntries(Object.entries(notes).map(([key, value]) => [notePrefix + key, value])),
  };
}

/**
 * Reads a description that `encodeDescription` wrote. Only this depends on the version.
 *
 * @param name what to call the file in errors
 * @throws FaceparseError if there is no valid description
 */
export function decodeDescription(metadata: Readonly<Record<string, string>>, name: string): WeightsDescription {
  const { version, resize, origin } = metadata;
  if (metadata.format !== descriptionFormat) {
    throw new FaceparseError(
      `${name} is a safetensors file but not a faceparse weights file. Use a run folder or its weights/best.safetensors.`,
    );
  }
  if (!versions.includes(version)) {
    throw new FaceparseError(
      `${name} uses version ${version} of the weights format; this version of faceparse reads versions ${joinWords(versions, 'and')}.`,
    );
  }
  const model = version === '3' ? metadata.model : (formerNames.get(metadata.model) ?? metadata.model);
  if (!model || !metadata.labels) {
    throw new FaceparseError(`${name} does not say which network it belongs to; it may be damaged.`);
  }
  const labels = readLabels(metadata, name);
  const size = parse(metadata.size);
  const notes = Object.fromEntries(
    Object.entries(metadata)
      .filter(([key]) => key.startsWith(notePrefix))
      .map(([key, value]) => [key.slice(notePrefix.length), value]),
  );
  if (version === '1') {
    return { model, labels, preprocessing: checkPreprocessing({ ...defaultPreprocessing, size }, name), notes };
  }
  const stored = { size, resize, mean: parse(metadata.mean), std: parse(metadata.std) };
  return {
    model,
    ...(metadata.settings !== undefined && { settings: checkSettings(parse(metadata.settings), name) }),
    labels,
    preprocessing: checkPreprocessing(stored, name),
    ...(origin !== undefined && { origin: checkOrigin(parse(origin), name) }),
    notes,
  };
}

/** The label set: a built-in one by its name, or the table that the file contains. */
function readLabels({ version, labels, labelSet }: Readonly<Record<string, string>>, name: string): LabelSetChoice {
  if (labelSet === undefined || version === '1' || version === '2') {
    if (listLabelSets().includes(labels)) return labels;
    throw new FaceparseError(`${name} uses the label set '${labels}', which this version of faceparse does not have.`);
  }
  if (labelSet.length > longestTable) {
    throw new FaceparseError(`${name} has a label set of ${labelSet.length} characters; it may be damaged.`);
  }
  const table = requireTable(parse(labelSet), name);
  if (table.name === labels) return table;
  throw new FaceparseError(`${name} names its label set '${labels}' and '${table.name}'; it may be damaged.`);
}

function requireTable(value: unknown, what: string): LabelTable {
  if (typeof value !== 'object' || value === null) {
    throw new FaceparseError(
      `the label set of ${what} is ${JSON.stringify(value)?.slice(0, 80)}, but must be a table with a name and classes; the file may be damaged.`,
    );
  }
  const { table, faults } = parseLabelTable(value);
  if (table) return table;
  const [first] = faults;
  throw new FaceparseError(`${what} has a wrong label set: ${sentence(first)}.`);
}

/** Checks the form of settings read from a file; the architecture checks their values. */
function checkSettings(candidate: unknown, name: string): ModelSettings {
  const isTable = typeof candidate === 'object' && candidate !== null && !Array.isArray(candidate);
  const entries = isTable ? Object.entries(candidate) : undefined;
  const isValid = entries?.every(
    ([key, value]) =>
      (settingNames as readonly string[]).includes(key) && ['string', 'number'].includes(typeof value as string),
  );
  if (!entries || !isValid) {
    throw new FaceparseError(
      `${name} has settings of the network in an unknown form; the file may be damaged or written by a newer version of faceparse.`,
    );
  }
  return Object.fromEntries(entries);
}

/** Parses a metadata value as JSON. Invalid JSON is returned as text, and the caller's check refuses it. */
function parse(text: string | undefined): unknown {
  if (text === undefined) return undefined;
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

/** Checks that weights match a network: the same names with the same sizes. @throws FaceparseError that names the first mismatch */
export function checkWeightsFit(weights: Weights, graph: Graph, name: string): void {
  for (const [key, state] of graph.states) {
    const data = weights.states.get(key);
    if (!data)
      throw new FaceparseError(
        `${name} belongs to another network: ${weights.model} requires '${key}', which the file lacks.`,
      );
    if (data.length !== sizeOf(state.shape)) {
      throw new FaceparseError(
        `${name} belongs to another network: '${key}' has ${data.length} values, but ${weights.model} expects ${formatShape(state.shape)}.`,
      );
    }
  }
  for (const key of weights.states.keys()) {
    if (!graph.states.has(key)) {
      throw new FaceparseError(
        `${name} belongs to another network: it contains '${key}', which ${weights.model} does not have.`,
      );
    }
  }
}
