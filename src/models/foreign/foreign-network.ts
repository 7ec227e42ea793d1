import {
  checkPreprocessing,
  largestNetworkSide,
  type Preprocessing,
  resizeRuleOf,
  smallestNetworkSide,
} from '../../image/preprocessing.ts';
import type { LabelSetChoice } from '../../labels/label-table.ts';
import { parseLabelTable } from '../../labels/parse-label-table.ts';
import { getLabelSet, listLabelSets } from '../../labels/registry.ts';
import { describeValue } from '../../text/describe-value.ts';
import { FaceparseError } from '../../text/errors.ts';
import { joinWords } from '../../text/join-words.ts';
import type { Model } from '../model.ts';
import { createModel, getArchitecture, listModels } from '../registry.ts';
import { type ModelSettings, settingFaults, settingNames } from '../settings.ts';
import { type Caller, optionName, optionValue } from './caller.ts';

/**
 * The network that another program's weights belong to. Their file does not say; a `ckpt.pth` of `faceparse export` does, and
 * needs no options.
 */
export interface ForeignNetwork extends Pick<ModelSettings, 'encoder' | 'depth' | 'outputStride'> {
  /** Name of the architecture; see `listModels`. */
  readonly model: string;
  /**
   * Name of the label set, or a table of classes. Its classes must be those of the network, in the same order, except with
   * `classOrder`.
   */
  readonly labels: LabelSetChoice;
  /** Side in pixels of the square input, as in training. */
  readonly size: number;
  /**
   * How photos become square, as in training: `stretch` (default) ignores the aspect ratio, `letterbox` keeps it and pads with
   * grey.
   */
  readonly resize?: keyof typeof resizeRuleOf;
  /** Order of the network's classes, such as `face-parsing.pytorch`; they are sorted into the order of celebamask-19. */
  readonly classOrder?: string;
  /** Mean of each colour that is subtracted from pixels between 0 and 1; default: the encoder's. */
  readonly mean?: readonly [number, number, number];
  /** Standard deviation by which each colour is divided; default: the encoder's. */
  readonly std?: readonly [number, number, number];
}

const required = ['model', 'labels', 'size'] as const;

/** The options of `ForeignNetwork`. */
export const foreignNetworkOptions = [
  ...required,
  'encoder',
  'depth',
  'outputStride',
  'resize',
  'classOrder',
  'mean',
  'std',
] as const satisfies readonly (keyof ForeignNetwork)[];

/** The options of a foreign network among others; undefined if none is given. */
export function foreignNetworkOf(options: Partial<ForeignNetwork>): Partial<ForeignNetwork> | undefined {
  const given = foreignNetworkOptions.filter((key) => options[key] !== undefined);
  return given.length === 0 ? undefined : Object.fromEntries(given.map((key) => [key, options[key]]));
}

/** A foreign network whose description is complete and consistent. */
export interface CheckedNetwork {
  readonly model: Model;
  readonly labels: LabelSetChoice;
  readonly preprocessing: Preprocessing;
}

/**
 * Checks the description of a foreign network.
 *
 * @throws FaceparseError (exit code 2) that names the missing or wrong option
 */
export function checkForeignNetwork(
  given: Partial<ForeignNetwork> & ModelSettings,
  name: string,
  caller: Caller,
): CheckedNetwork {
  checkTypes({ ...given }, caller);
  const { model, labels, size, resize, mean, std } = given;
  if (model === undefined || labels === undefined || size === undefined) throw incomplete(given, name, caller);
  const { classes } = getLabelSet(labels);
  const settings = Object.fromEntries(
    settingNames.flatMap((key) => (given[key] === undefined ? [] : [[key, given[key]]])),
  );
  if (caller === 'command') checkSettings(model, settings);
  const created = createModel(model, { classes: classes.length, ...settings });
  const { multiple } = created;
  const smallest = multiple * Math.ceil(smallestNetworkSide / multiple);
  if (!Number.isInteger(size) || size < smallest || size > largestNetworkSide || size % multiple !== 0) {
    throw wrong(
      `${optionName('size', caller)} is ${size}, but ${model} takes multiples of ${multiple} from ${smallest} to ${largestNetworkSide}`,
    );
  }
  const rules = {
    ...created.trainingPreprocessing,
    ...(resize !== undefined && { resize: resizeRuleOf[resize] }),
    ...(mean && { mean }),
    ...(std && { std }),
  };
  return {
    model: created,
    labels: typeof labels === 'string' ? labels : (parseLabelTable(labels).table ?? labels),
    preprocessing: checkPreprocessing({ ...rules, size }, `the preprocessing given for ${name}`, true),
  };
}

/** Checks types for callers from JavaScript. */
function checkTypes(given: Readonly<Record<string, unknown>>, caller: Caller): void {
  const types = { model: 'string', encoder: 'string', classOrder: 'string', size: 'number', depth: 'number' };
  for (const [key, type] of Object.entries({ ...types, outputStride: 'number' })) {
    const value = given[key];
    if (value === undefined || typeof value === type) continue;
    const shown = typeof value === 'string' ? `the string ${shortly(value)}` : describeValue(value);
    throw wrong(`${optionName(key, caller)} must be a ${type}, but is ${shown}`);
  }
  const { labels, resize } = given;
  if (labels !== undefined && typeof labels !== 'string' && (typeof labels !== 'object' || labels === null)) {
    throw wrong(
      `${optionName('labels', caller)} must be the name of a label set (${listLabelSets().join(', ')}) or a table { name, classes }, but is ${describeValue(labels)}`,
    );
  }
  if (resize !== undefined && !Object.keys(resizeRuleOf).includes(String(resize))) {
    throw wrong(`${optionName('resize', caller)} is ${shortly(resize)}, but must be 'stretch' or 'letterbox'`);
  }
}

function shortly(value: unknown): string {
  return typeof value === 'string' ? `'${value.slice(0, 80)}'` : describeValue(value);
}

/** Names the options of a command in the errors about the settings of a network. */
function checkSettings(model: string, settings: ModelSettings): void {
  if (!listModels().includes(model)) return;
  const [fault] = settingFaults(model, getArchitecture(model).settings, settings);
  if (fault) throw wrong(`${optionValue(fault.setting, settings[fault.setting]!, 'command')}: ${fault.message}`);
}

const meanings: Readonly<Record<(typeof required)[number], string>> = {
  model: 'the architecture',
  labels: 'the label set of its classes',
  size: 'the side of its square input in pixels, as in training',
};

function incomplete(given: Partial<ForeignNetwork>, name: string, caller: Caller): FaceparseError {
  const missing = required.filter((key) => given[key] === undefined);
  const options = missing.map((key) => `${optionName(key, caller)} (${meanings[key]})`);
  const known = missing.includes('labels')
    ? `. The label sets are ${listLabelSets().join(' and ')}; ${caller === 'command' ? 'a configuration with a table of its own (data.labels) works too' : 'a table { name, classes } works too'}`
    : '';
  return wrong(`${name} does not describe its network completely; add ${joinWords(options, 'and')}${known}`);
}

function wrong(message: string): FaceparseError {
  return new FaceparseError(message, { exitCode: 2 });
}
