import { FaceparseError } from '../text/errors.ts';
import { faultOf } from '../text/fault-of.ts';
import { joinWords } from '../text/join-words.ts';
import { largestDepth } from './encoders/encoder.ts';
import { getEncoder } from './encoders/registry.ts';

/** Settings of a network besides its architecture and its classes. */
export interface ModelSettings {
  /** Name of the encoder; see `listEncoders`. */
  readonly encoder?: string;
  /** Number of strides of the encoder that the network uses, each half the resolution of the one before. */
  readonly depth?: number;
  /** Stride of the deepest features. At most 2^depth; below it, the encoder replaces its last strides by dilation. */
  readonly outputStride?: number;
  /** Dropout rate of the decoder. */
  readonly dropout?: number;
  /** Stochastic depth: rate at which the last residual branch of the encoder is dropped; it rises linearly from 0. */
  readonly stochasticDepth?: number;
}

/** The name of a setting. */
export type SettingName = keyof ModelSettings;

/** The settings that an architecture has, each with its default and, if few values are possible, the values. */
export interface SettingRules {
  /** With an encoder, an architecture also has `stochasticDepth`; its default is the encoder's. */
  readonly encoder?: { readonly default: string };
  readonly depth?: { readonly default: number; readonly choices: readonly number[] };
  readonly outputStride?: { readonly default: number; readonly choices: readonly number[] };
  readonly dropout?: { readonly default: number };
}

/** All settings, in the order of configurations and descriptions. */
export const settingNames: readonly SettingName[] = ['encoder', 'depth', 'outputStride', 'dropout', 'stochasticDepth'];

/** The values that `dropout` and `stochasticDepth` accept, in words. */
export const rateWanted = 'a number from 0 to below 1';

/** A setting that a network does not have, or with a value that it does not accept. */
export interface SettingFault {
  readonly setting: SettingName;
  readonly message: string;
}

/**
 * Lists what is wrong with the settings given for an architecture.
 *
 * @param name name of the architecture, for messages
 */
export function settingFaults(name: string, rules: SettingRules = {}, given: ModelSettings = {}): SettingFault[] {
  const own = settingNames.filter((setting) => hasSetting(rules, setting));
  return settingNames.flatMap((setting) => {
    const value = given[setting];
    if (value === undefined) return [];
    const fault = own.includes(setting)
      ? (valueFault(rules, setting, value) ?? depthFault(rules, setting, given))
      : missingSetting(name, own, setting);
    return fault === undefined ? [] : [{ setting, message: fault }];
  });
}

/**
 * The settings of an architecture with all defaults filled in.
 *
 * @param name name of the architecture, for errors
 * @throws FaceparseError (exit code 2) that names the first setting that is unknown or has a wrong value
 */
export function completeSettings(name: string, rules: SettingRules = {}, given: ModelSettings = {}): ModelSettings {
  const [fault] = settingFaults(name, rules, given);
  if (fault) throw new FaceparseError(fault.message, { exitCode: 2 });
  const { encoder, depth, outputStride, dropout } = rules;
  const chosen = encoder && getEncoder(given.encoder ?? encoder.default);
  return {
    ...(chosen && { encoder: chosen.name }),
    ...(depth && { depth: given.depth ?? depth.default }),
    ...(outputStride && { outputStride: given.outputStride ?? Math.min(outputStride.default, strideOf(rules, given)) }),
    ...(dropout && { dropout: given.dropout ?? dropout.default }),
    ...(chosen && { stochasticDepth: given.stochasticDepth ?? chosen.stochasticDepth }),
  };
}

/** A network's name for people: `unet (resnet18)`, or `compact`. */
export function modelTitle(name: string, { encoder }: ModelSettings = {}): string {
  return encoder === undefined ? name : `${name} (${encoder})`;
}

function hasSetting(rules: SettingRules, setting: SettingName): boolean {
  return setting === 'stochasticDepth' ? rules.encoder !== undefined : rules[setting] !== undefined;
}

function missingSetting(name: string, own: readonly SettingName[], setting: SettingName): string {
  if (setting === 'encoder') return `${name} takes no encoder; choose a network that takes one, such as unet`;
  return `${name} has no setting ${setting}; ${own.length === 0 ? 'it has none' : `its settings are ${joinWords(own, 'and')}`}`;
}

function valueFault(rules: SettingRules, setting: SettingName, value: unknown): string | undefined {
  if (setting === 'encoder') return faultOf(() => getEncoder(String(value)));
  if (setting === 'depth' || setting === 'outputStride') {
    const { choices } = rules[setting]!;
    if (choices.includes(value as number)) return undefined;
    return `${setting} is ${String(value)}, but must be ${joinWords(choices.map(String), 'or')}`;
  }
  if (typeof value === 'number' && value >= 0 && value < 1) return undefined;
  return `${setting} is ${String(value)}, but must be ${rateWanted}`;
}

/** The stride of the deepest features without dilation. */
function strideOf({ depth }: SettingRules, given: ModelSettings): number {
  return 2 ** (given.depth ?? depth?.default ?? largestDepth);
}

function depthFault(rules: SettingRules, setting: SettingName, given: ModelSettings): string | undefined {
  const { depth, outputStride = 0 } = given;
  const stride = strideOf(rules, given);
  if (setting !== 'outputStride' || outputStride <= stride) return undefined;
  const is = depth === undefined ? 'depth, by default,' : 'depth';
  return `outputStride is ${outputStride}, but ${is} is ${depth ?? rules.depth?.default}, whose deepest features have stride ${stride}; give a larger depth`;
}
