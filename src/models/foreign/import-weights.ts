import type { ByteSource } from '../../formats/byte-source.ts';
import { readStateDict, type StateDict } from '../../formats/state-dict/read-state-dict.ts';
import { getLabelSet, listLabelSets } from '../../labels/registry.ts';
import { FaceparseError } from '../../text/errors.ts';
import { quote } from '../../text/quoted-text.ts';
import { decodeWeights, type Weights } from '../weights-file.ts';
import { sortClasses } from './class-order.ts';
import { checkForeignNetwork, type ForeignNetwork } from './foreign-network.ts';
import { guessNetwork, type NetworkGuess } from './guess-network.ts';
import { describeGuess, matchWeights } from './match-weights.ts';

/** Weights of another program, and what to tell about them. */
export interface ImportedWeights {
  readonly weights: Weights;
  /** Lines for the user: what was read, and what was left out and why. */
  readonly notices: readonly string[];
}

/** Whether the file is none that faceparse wrote for itself, which have descriptions of their own. */
export function isForeign({ origin }: Pick<StateDict, 'origin'>): boolean {
  return !origin.metadata.format?.startsWith('faceparse-');
}

/**
 * Reads the weights of a network that another program trained: torchvision, timm, segmentation_models.pytorch, a BiSeNet of
 * face-parsing.PyTorch, or any other state_dict with the names and shapes of one of our networks. No pickled code is run.
 *
 * @param source a .pth or .safetensors file: its bytes, or a source that is read by position
 * @param name how messages name the file
 * @throws FaceparseError (exit code 2) if the network is not described completely, or the file does not fit it; it lists the
 * tensors that are missing, misshapen or not part of it, and the network that they fit, if any
 * @example
 * const network = { model: 'unet', encoder: 'resnet18', labels: 'celebamask-19', size: 512 };
 * const { weights, notices } = importWeights(bytes, 'unet.pth', network);
 */
export function importWeights(
  source: Uint8Array | ByteSource,
  name: string,
  network: Partial<ForeignNetwork>,
): ImportedWeights {
  const file = readStateDict(source, name);
  if (!isForeign(file)) {
    throw wrong(
      `${name} is a faceparse weights file, which describes its own network; leave out model, labels and size`,
    );
  }
  if (network.model === undefined) throw unnamedNetwork(file, name);
  const { model, labels, preprocessing } = checkForeignNetwork(network, name);
  const headAdvice = `choose a label set with as many classes, or train a new head: train.init=${name} train.initPart=body`;
  const { states, content, notices } = matchWeights(file, model, { name, headAdvice });
  if (content === 'encoder') {
    throw wrong(
      `${name} has the encoder of ${model.title}, but no decoder, so it cannot parse faces; train a network that starts from it: faceparse train model.name=${model.name} model.encoder=${model.settings.encoder} --init ${name} --data DATA`,
    );
  }
  const { classOrder } = network;
  const sorted = classOrder === undefined ? states : sortClasses(states, model, { order: classOrder, labels });
  return {
    weights: {
      model: model.name,
      ...(Object.keys(model.settings).length > 0 && { settings: model.settings }),
      labels,
      preprocessing,
      states: sorted,
    },
    notices,
  };
}

/**
 * Reads a faceparse weights file.
 *
 * @throws FaceparseError if it is damaged or another file; for weights of another program, it says what to pass
 */
export function decodeOwnWeights(bytes: Uint8Array, name: string): Weights {
  const foreign = ArrayBuffer.isView(bytes) ? foreignStateDict(bytes, name) : undefined;
  if (foreign) throw unnamedNetwork(foreign, name);
  return decodeWeights(bytes, name);
}

/** The tensors of a file of another program; undefined for a faceparse weights file and for what cannot be read. */
export function foreignStateDict(source: Uint8Array | ByteSource, name: string): StateDict | undefined {
  try {
    const found = readStateDict(source, name);
    return isForeign(found) ? found : undefined;
  } catch (error) {
    // The reader of weights files reports what is wrong.
    if (error instanceof FaceparseError) return undefined;
    throw error;
  }
}

/** The error for weights of another program without the network that they belong to; it suggests one if that is clear. */
export function unnamedNetwork({ tensors }: Pick<StateDict, 'tensors'>, name: string): FaceparseError {
  const guess = guessNetwork(tensors);
  const { model, encoder, classes } = guess ?? {};
  const clear = guess ? `; ${describeGuess(guess)}` : '';
  if (guess && model === undefined) {
    return wrong(
      `${name} has no decoder${clear}; train a network that starts from it: faceparse train model.name=unet model.encoder=${encoder} --init ${name} --data DATA`,
    );
  }
  const start = `nothing in ${name} says which network its tensors belong to`;
  if (model === undefined) {
    return wrong(
      `${start}, and none here fits all of them with default settings (\`faceparse models\` lists the networks); \`faceparse import ${name} --model NAME --encoder NAME --labels celebamask-19 --size 512\` lists what does not fit one`,
    );
  }
  const network = encoder === undefined ? '' : ` model.encoder=${encoder}`;
  const labels = labelsFor(guess);
  if (labels === undefined) {
    return wrong(
      `${start}${clear}, but no label set has ${classes} classes; train a new head: faceparse train model.name=${model}${network} --init ${name} train.initPart=body --data DATA`,
    );
  }
  const words = `--model ${model}${encoder === undefined ? '' : ` --encoder ${encoder}`} --labels ${labels} --size 512`;
  const parts = encoder === undefined ? '' : `, encoder: ${quote(encoder)}`;
  const object = `{ model: ${quote(model)}${parts}, labels: ${quote(labels)}, size: 512 }`;
  return wrong(
    `${start}${clear}; convert it with \`faceparse import ${name} ${words} --out NEW.safetensors\` (with the size of its training), or pass ${object} to FaceParser.load`,
  );
}

function labelsFor(guess: NetworkGuess | undefined): string | undefined {
  return listLabelSets().find((name) => getLabelSet(name).classes.length === guess?.classes);
}

function wrong(message: string): FaceparseError {
  return new FaceparseError(message, { exitCode: 2 });
}
