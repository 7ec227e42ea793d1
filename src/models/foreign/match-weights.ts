import type { StateDict } from '../../formats/state-dict/read-state-dict.ts';
import { formatShape } from '../../graph/graph.ts';
import { countOf } from '../../text/counts.ts';
import { FaceparseError } from '../../text/errors.ts';
import { firstFaults } from '../../text/first-faults.ts';
import { joinWords } from '../../text/join-words.ts';
import { nameSome } from '../../text/name-some.ts';
import { quote } from '../../text/quoted-text.ts';
import type { Model } from '../model.ts';
import { modelTitle } from '../settings.ts';
import { type Caller, optionValue } from './caller.ts';
import { compareConventions } from './encoder-names.ts';
import { type Fit, fitTensors, type UnusedReason, type WeightsPart } from './fit.ts';
import { guessNetwork, type NetworkGuess } from './guess-network.ts';
import { headNames } from './network-names.ts';
import { describeResemblance } from './resemblance.ts';

/** The tensors of a file under the names of a network. */
export interface MatchedWeights {
  /** Whether they are of a whole network (perhaps without its head), or of its encoder. */
  readonly content: 'network' | 'encoder';
  /** The program whose names they have, if it is known. */
  readonly program: string | undefined;
  readonly states: ReadonlyMap<string, Float32Array>;
  /** Lines for the user: what the file is, and which of its tensors are not used and why. */
  readonly notices: readonly string[];
}

export interface MatchOptions {
  /** How messages name the file. */
  readonly name: string;
  /** What to take; default: everything that the file has. */
  readonly part?: WeightsPart;
  /** What to do about a head for other classes, as the end of a sentence. */
  readonly headAdvice: string;
  /** Whose options messages name. */
  readonly caller: Caller;
  /** The program that wrote the file, if the file says so; otherwise it is recognised by the names. */
  readonly program?: string;
}

/**
 * Finds the place of every tensor of a file in a network.
 *
 * @throws FaceparseError (exit code 2) that lists missing, misshapen and unexpected tensors, or says that the encoder of
 * the file computes something else than the network's
 */
export function matchWeights(
  { tensors, notices }: Pick<StateDict, 'tensors' | 'notices'>,
  model: Model,
  { name, part = 'all', headAdvice, caller, program }: MatchOptions,
): MatchedWeights {
  if (part === 'encoder' && model.settings.encoder === undefined) {
    throw wrong(
      `${model.title} has no encoder to read; leave out train.initPart=encoder, or choose a network with an encoder, such as model.name=unet`,
    );
  }
  const fit = fitTensors(tensors, model, part);
  const { missing, misshapen, unexpected } = fit;
  if (missing.length + misshapen.length + unexpected.length > 0) {
    throw misfit(fit, tensors, { model, name, headAdvice, caller });
  }
  if (part === 'body' && fit.content === 'encoder') {
    throw wrong(
      `${name} has only the encoder of ${model.title}, so train.initPart=body would leave the decoder out too; use train.initPart=encoder`,
    );
  }
  const { encoder } = model.settings;
  const conventions =
    encoder !== undefined && fit.source && program === undefined
      ? compareConventions(fit.source, encoder, { isNetwork: fit.isAtEncoder, caller })
      : undefined;
  if (conventions?.fault) throw wrong(`${name}: ${conventions.text}`);
  const content = fit.content === 'encoder' || part === 'encoder' ? 'encoder' : 'network';
  const writer = program ?? programOf(fit, model);
  return {
    content,
    program: writer,
    states: new Map([...fit.assigned].map(([key, tensor]) => [key, tensor.read()])),
    notices: [
      ...notices,
      `${name}: ${describeContent(fit, model, { content, program: writer })}`,
      ...unusedNotices(fit).map((line) => `${name}: ${line}`),
      ...(conventions ? [`${name}: ${conventions.text}`] : []),
    ],
  };
}

function describeContent(
  { assigned }: Fit,
  model: Model,
  { content, program }: { content: 'network' | 'encoder'; program: string | undefined },
): string {
  const names = program === undefined ? '' : `, with the names of ${program}`;
  const what = content === 'encoder' ? `the encoder of ${model.title}` : model.title;
  return `reads ${countOf(assigned.size, 'tensor')} for ${what}${names}`;
}

/** Architectures whose names are those of segmentation_models.pytorch. */
const smpArchitectures: readonly string[] = ['unet', 'linknet', 'pspnet', 'deeplabv3plus'];

/** The program that wrote a file, by its names. */
function programOf({ content, source, prefix }: Fit, model: Model): string | undefined {
  if (content === 'encoder') return source?.program;
  if (prefix.endsWith('cp.resnet.')) return 'face-parsing.PyTorch';
  return smpArchitectures.includes(model.name) ? 'segmentation_models.pytorch' : undefined;
}

const reasons: Readonly<Record<UnusedReason, string>> = {
  classifier: 'the classifier after the encoder',
  deeper: 'levels of the encoder that the network does not use',
  auxiliary: 'auxiliary heads, which are used in training only',
  head: 'the head, as requested',
  rest: 'what is not the encoder, as requested',
  outside: 'not part of the network',
};

function unusedNotices({ unused }: Fit): string[] {
  return Object.entries(unused).flatMap(([reason, names]) =>
    names.length === 0
      ? []
      : [
          `leaves out ${countOf(names.length, 'tensor')} (${nameSome(names.map(quote))}): ${reasons[reason as UnusedReason]}`,
        ],
  );
}

function misfit(
  fit: Fit,
  tensors: StateDict['tensors'],
  { model, name, headAdvice, caller }: { model: Model; name: string; headAdvice: string; caller: Caller },
): FaceparseError {
  const { missing, misshapen, unexpected } = fit;
  const head = headNames(model);
  const isHeadOnly =
    missing.length + unexpected.length === 0 && misshapen.every((one) => head.has(one.name)) && misshapen.length > 0;
  if (isHeadOnly) {
    const [{ tensor, wanted }] = misshapen;
    const lines = misshapen.map((one) => describeMisshapen(one));
    throw wrong(
      `${name}: the head has ${countOf(tensor.shape[0] ?? 0, 'class', 'classes')}, but ${wanted[0]} are needed; ${headAdvice}`,
      firstFaults(lines),
    );
  }
  const what = fit.content === 'encoder' ? `the encoder of ${model.title}` : model.title;
  const guess = guessNetwork(tensors);
  if (guess && differs(guess, model)) {
    return wrong(`${name} does not fit ${what}; ${describeGuess(guess)}: ${advice(guess, model, caller)}`);
  }
  const resemblance = guess === undefined ? describeResemblance(tensors, name) : undefined;
  if (resemblance !== undefined) return wrong(`${name} does not fit ${what}: ${resemblance}`);
  const counts = [
    ...(misshapen.length > 0 ? [`${countOf(misshapen.length, 'tensor has', 'tensors have')} another shape`] : []),
    ...(missing.length > 0 ? [`${countOf(missing.length, 'tensor is', 'tensors are')} missing`] : []),
    ...(unexpected.length > 0 ? [`${countOf(unexpected.length, 'tensor is', 'tensors are')} not part of it`] : []),
  ];
  return wrong(`${name} does not fit ${what}: ${joinWords(counts, 'and')}`, [
    ...firstFaults(misshapen.map((one) => describeMisshapen(one))),
    ...firstFaults(missing.map(([key, shape]) => `missing: ${key} (${formatShape(shape)})`)),
    ...firstFaults(unexpected.map((tensor) => `not part of it: ${quote(tensor.name)} (${formatShape(tensor.shape)})`)),
  ]);
}

function describeMisshapen({ name, tensor, wanted }: Fit['misshapen'][number]): string {
  const target = tensor.name.endsWith(name) ? '' : ` for ${name}`;
  return `another shape: ${quote(tensor.name)} is ${formatShape(tensor.shape)}, but must be ${formatShape(wanted)}${target}`;
}

function differs({ model, encoder }: NetworkGuess, wanted: Model): boolean {
  const isOther = encoder !== undefined && encoder !== wanted.settings.encoder;
  return (model !== undefined && model !== wanted.name) || isOther;
}

/** The options that name the network of a guess: `use --encoder mobilenet_v2`. */
function advice({ model, encoder }: NetworkGuess, wanted: Model, caller: Caller): string {
  const options = [
    ...(model !== undefined && model !== wanted.name ? [optionValue('model', model, caller)] : []),
    ...(encoder !== undefined && encoder !== wanted.settings.encoder ? [optionValue('encoder', encoder, caller)] : []),
  ];
  const verb = { command: 'use', library: 'pass', configuration: 'set' }[caller];
  return `${verb} ${joinWords(options, 'and')}`;
}

/** `the tensors are those of unet (resnet18) with 19 classes` */
export function describeGuess({ model, encoder, classes }: NetworkGuess): string {
  if (model === undefined) return `the tensors are those of the encoder ${encoder}`;
  const title = modelTitle(model, encoder === undefined ? {} : { encoder });
  return `the tensors are those of ${title}${classes === undefined ? '' : ` with ${countOf(classes, 'class', 'classes')}`}`;
}

function wrong(message: string, faults: readonly string[] = []): FaceparseError {
  return new FaceparseError(message, { exitCode: 2, faults });
}
