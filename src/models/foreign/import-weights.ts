import type { ByteSource } from '../../formats/byte-source.ts';
import { readStateDict, type StateDict } from '../../formats/state-dict/read-state-dict.ts';
import { type Preprocessing, resizeRuleOf } from '../../image/preprocessing.ts';
import { getLabelSet, listLabelSets } from '../../labels/registry.ts';
import { checkOptions } from '../../text/check-options.ts';
import { describeValue } from '../../text/describe-value.ts';
import { FaceparseError } from '../../text/errors.ts';
import { joinWords } from '../../text/join-words.ts';
import { quote } from '../../text/quoted-text.ts';
import type { Model } from '../model.ts';
import { registrationHint } from '../registry.ts';
import { decodeWeights, type Weights } from '../weights-file.ts';
import { type Caller, optionName, optionValue } from './caller.ts';
import { sortClasses } from './class-order.ts';
import {
  type CheckedNetwork,
  checkForeignNetwork,
  type ForeignNetwork,
  foreignNetworkOptions,
} from './foreign-network.ts';
import { guessNetwork, type NetworkGuess } from './guess-network.ts';
import { describeGuess, matchWeights } from './match-weights.ts';
import { type ExportedNetwork, exportedNetwork } from './own-export.ts';
import { describeResemblance } from './resemblance.ts';

/** Weights of another program, and what to tell about them. */
export interface ImportedWeights {
  readonly weights: Weights;
  /** Lines for the user: what was read, and what was left out and why. */
  readonly notices: readonly string[];
}

/** Whether the file is none that faceparse wrote for itself, which have descriptions of their own. */
export function isForeign({ origin }: Pick<StateDict, 'origin'>): boolean {
  return origin.format !== 'safetensors' || !origin.metadata.format?.startsWith('faceparse-');
}

/**
 * Reads the weights of a network that another program trained: torchvision, timm, segmentation_models.pytorch, a BiSeNet of
 * face-parsing.PyTorch, or any other state_dict with the names and shapes of one of our networks. No pickled code is run.
 * A `ckpt.pth` of `faceparse export` describes its network; options replace what it says.
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
  network: Partial<ForeignNetwork> = {},
): ImportedWeights {
  requireArguments(source, name);
  checkOptions(network, foreignNetworkOptions, 'importWeights');
  return importStateDict(readStateDict(source, name), { name, network, caller: 'library' });
}

/** Checks arguments at run time for callers from JavaScript. */
function requireArguments(source: unknown, name: unknown): void {
  const isSource = typeof (source as ByteSource | undefined)?.read === 'function';
  if (!(source instanceof Uint8Array) && !isSource) {
    const hint = source instanceof ArrayBuffer ? '; pass new Uint8Array(buffer)' : '';
    throw wrong(
      `importWeights takes the bytes of a .pth or .safetensors file as a Uint8Array, but got ${describeValue(source)}${hint}`,
    );
  }
  if (typeof name !== 'string') {
    throw wrong(
      `importWeights takes the name of the file as its second argument, a string for messages, but got ${describeValue(name)}`,
    );
  }
}

/** How a file is imported. */
export interface ImportRequest {
  /** How messages name the file. */
  readonly name: string;
  readonly network: Partial<ForeignNetwork>;
  readonly caller: Caller;
}

/** `importWeights` of a file whose tensors are known. */
export function importStateDict(file: StateDict, { name, network, caller }: ImportRequest): ImportedWeights {
  if (!isForeign(file)) throw describedTwice(name, network, caller);
  const exported = exportedNetwork(file, name);
  // The settings belong to the architecture: nothing of the description holds for another one.
  const isSame = network.model === undefined || network.model === exported?.network.model;
  const described = isSame ? exported : undefined;
  const given = { ...described?.network, ...network };
  if (given.model === undefined) throw unnamedNetwork(file, name, caller, network);
  const isDescribed = described !== undefined && Object.values(network).every((value) => value === undefined);
  const { model, labels, preprocessing } = isDescribed
    ? checkDescription(described.network, name)
    : checkForeignNetwork(given, name, caller);
  const headAdvice = `choose a label set with as many classes (${optionName('labels', caller)}), or train a new head: faceparse train ${trainingWords(model)} --init ${name} train.initPart=body --data DATA`;
  const matched = matchWeights(file, model, {
    name,
    headAdvice,
    caller,
    ...(exported && { program: 'faceparse' }),
  });
  const { states, notices } = matched;
  if (matched.content === 'encoder') {
    throw wrong(
      `${name} has the encoder of ${model.title}, but no decoder, so it cannot parse faces; train a network that starts from it: faceparse train ${trainingWords(model)} --init ${name} --data DATA`,
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
    notices: [
      ...notices,
      ...(described?.notice === undefined ? [] : [`${name}: ${described.notice}`]),
      ...(matched.program === faceParsing && classOrder === undefined ? [orderNotice(name, caller)] : []),
      ...(described ? [] : [preprocessingNotice(name, given, preprocessing, caller)]),
    ],
  };
}

/** Whose published weights have classes in another order than celebamask-19. */
const faceParsing = 'face-parsing.PyTorch';

function orderNotice(name: string, caller: Caller): string {
  const option = optionValue('classOrder', faceParsing.toLowerCase(), caller);
  return `${name}: the classes are read in the order of the label set; if they are in that of ${faceParsing}, as in its published weights, add ${option}`;
}

/** What is assumed about the input, because the file does not say. */
function preprocessingNotice(
  name: string,
  { mean, resize }: Partial<ForeignNetwork>,
  preprocessing: Preprocessing,
  caller: Caller,
): string {
  const isLetterbox = preprocessing.resize === resizeRuleOf.letterbox;
  const { size } = preprocessing;
  const shape = `photos are ${isLetterbox ? 'letterboxed' : 'stretched'} to ${size}×${size} pixels`;
  const numbers = preprocessing.mean.join(', ');
  const assumed = [
    ...(resize === undefined ? [optionName('resize', caller)] : []),
    ...(mean === undefined ? [optionName('mean', caller), optionName('std', caller)] : []),
  ];
  const change = assumed.length === 0 ? '' : `; change it with ${joinWords(assumed, 'and')}`;
  return `${name}: ${shape} and normalized with mean ${numbers} and std ${preprocessing.std.join(', ')}${change}`;
}

/** Checks what a file says of its network, if no option replaces a part of it. @throws FaceparseError that blames the file */
function checkDescription(network: ExportedNetwork['network'], name: string): CheckedNetwork {
  try {
    return checkForeignNetwork(network, name, 'library');
  } catch (error) {
    if (!(error instanceof FaceparseError)) throw error;
    const advice = registrationHint(network.model) ?? 'export the run again, or give the right options';
    throw new FaceparseError(`the description of the network in ${name} cannot be used: ${error.message}; ${advice}`, {
      cause: error,
    });
  }
}

function describedTwice(name: string, network: Partial<ForeignNetwork>, caller: Caller): FaceparseError {
  const given = Object.entries(network).flatMap(([key, value]) =>
    value === undefined ? [] : [optionName(key, caller)],
  );
  const advice =
    caller === 'command'
      ? 'it needs no import'
      : `leave out ${given.length === 0 ? 'the description' : joinWords(given, 'and')}`;
  return wrong(`${name} is a faceparse weights file, which describes its own network; ${advice}`);
}

/** The keys of a configuration that name a network. */
function trainingWords({ name, settings: { encoder } }: Pick<Model, 'name' | 'settings'>): string {
  return [`model.name=${name}`, ...(encoder === undefined ? [] : [`model.encoder=${encoder}`])].join(' ');
}

/**
 * Reads weights without options: a faceparse weights file, or a `ckpt.pth` of `faceparse export`.
 *
 * @throws FaceparseError if it is damaged or another file; for weights of another program, it says what to pass
 */
export function decodeOwnWeights(bytes: Uint8Array, name: string): ImportedWeights {
  const foreign = ArrayBuffer.isView(bytes) ? foreignStateDict(bytes, name) : undefined;
  if (foreign) return importStateDict(foreign, { name, network: {}, caller: 'library' });
  return { weights: decodeWeights(bytes, name), notices: [] };
}

/** Refuses weights of another program that do not describe their network, where no options can. @throws FaceparseError (exit code 2) */
export function requireDescription(file: StateDict, name: string, caller: Caller): void {
  if (exportedNetwork(file, name) === undefined) throw unnamedNetwork(file, name, caller);
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
function unnamedNetwork(
  { tensors }: Pick<StateDict, 'tensors'>,
  name: string,
  caller: Caller,
  given: Partial<ForeignNetwork> = {},
): FaceparseError {
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
    const other = describeResemblance(tensors, name);
    if (other) return wrong(`${name} cannot be imported: ${other}`);
    const words = `faceparse import ${name} --model NAME --encoder NAME --labels celebamask-19 --size 512`;
    return wrong(
      `${start}, and none here fits all of them with default settings (\`faceparse models\` lists the networks); \`${words}\` lists what does not fit one`,
    );
  }
  const network = [
    optionValue('model', model, caller),
    ...(encoder === undefined ? [] : [optionValue('encoder', encoder, caller)]),
  ];
  if (given.labels !== undefined && getLabelSet(given.labels).classes.length === classes) {
    const missing = [
      ...network,
      ...(given.size === undefined ? [`${optionName('size', caller)} (the side of its input in training)`] : []),
    ];
    return wrong(`${start}${clear}; add ${joinWords(missing, 'and')}`);
  }
  const labels = labelsFor(guess);
  const training = trainingWords({ name: model, settings: encoder === undefined ? {} : { encoder } });
  if (labels === undefined) {
    const own =
      caller === 'command'
        ? 'pass a configuration that defines them in data.labels as --labels'
        : 'pass a table of them as labels';
    const head = `train a new head: faceparse train ${training} --init ${name} train.initPart=body --data DATA`;
    if (classes === 1) return wrong(`${start}${clear}, but faceparse needs at least two; ${head}`);
    return wrong(
      `${start}${clear}, but no built-in label set has ${classes} classes; ${own}, with ${joinWords(network, 'and')}, or ${head}`,
    );
  }
  const words = `--model ${model}${encoder === undefined ? '' : ` --encoder ${encoder}`} --labels ${labels} --size 512`;
  const conversion = `convert it with \`faceparse import ${name} ${words} --out NEW.safetensors\` (with the size of its training)`;
  if (caller === 'command') return wrong(`${start}${clear}; ${conversion}`);
  const parts = encoder === undefined ? '' : `, encoder: ${quote(encoder)}`;
  const object = `{ model: ${quote(model)}${parts}, labels: ${quote(labels)}, size: 512 }`;
  return wrong(
    `${start}${clear}; pass ${object} as options (with the size of its training), or ${conversion.replace(/ \(.*/, '')}`,
  );
}

function labelsFor(guess: NetworkGuess | undefined): string | undefined {
  return listLabelSets().find((name) => getLabelSet(name).classes.length === guess?.classes);
}

function wrong(message: string): FaceparseError {
  return new FaceparseError(message, { exitCode: 2 });
}
