import type { Command } from 'commander';
import { exists } from '../../files/path-kind.ts';
import { findClasses } from '../../labels/find-class.ts';
import type { LabelSet } from '../../labels/label-set.ts';
import { getLabelSet, listLabelSets } from '../../labels/registry.ts';
import type { PredictionOutputs, ProbabilityFormat } from '../../node/save-prediction.ts';
import { FaceparseError } from '../../text/errors.ts';
import { joinWords } from '../../text/join-words.ts';
import { suggestName } from '../../text/similar-names.ts';
import { isRun } from './arguments.ts';

/** The options of `addOutputOptions`, as commander parses them. */
export interface OutputOptions {
  readonly overlay?: boolean;
  readonly probabilities?: string | true;
  readonly only?: string;
  readonly soft?: boolean;
  readonly cutout?: string | true;
  readonly crop?: boolean;
}

/** The outputs that were asked for; classes are names or ids that are not checked yet. */
export interface RequestedOutputs {
  readonly overlay?: boolean;
  readonly probabilities?: ProbabilityFormat;
  readonly only?: readonly (string | number)[];
  readonly soft?: boolean;
  readonly cutout?: readonly (string | number)[] | true;
  readonly crop?: boolean;
}

const formats: readonly ProbabilityFormat[] = ['npy', 'png'];

/** Adds the options for outputs besides the mask. */
export function addOutputOptions(command: Command): Command {
  return command
    .option('--overlay', 'also write the photo overlaid with the class colours, to overlay/')
    .option(
      '--probabilities [format]',
      'also write the probabilities of all classes, to probabilities/: npy (one float16 array, classes×height×width) or png (a 16-bit image per class) (default format: npy)',
    )
    .option(
      '--only <classes>',
      'also write a black-and-white mask of these classes, such as hair,hat, to only/',
      joinRepeated,
    )
    .option('--soft', 'write probabilities from 0 to 255 in the mask of --only')
    .option(
      '--cutout [classes]',
      'also write the photo with everything else transparent, to cutout/ (default classes: all but the background)',
      joinRepeated,
    )
    .option(
      '--crop',
      'also write each face by itself, upright and square, with its mask, to crop/images/ and crop/masks/, like a dataset',
    );
}

/** Joins the classes of a repeated option: `--only hair --only hat` is `--only hair,hat`. */
function joinRepeated(classes: string, before?: string | true): string {
  return typeof before === 'string' ? `${before},${classes}` : classes;
}

/**
 * Reads the options. An optional value takes the word that follows it, which may be the run or a photo; such words are
 * returned among the others.
 *
 * @throws FaceparseError (exit code 2) for a wrong format or combination
 */
export async function requestedOutputs(
  options: OutputOptions,
  words: readonly string[],
): Promise<{ outputs: RequestedOutputs; words: string[] }> {
  const { overlay, soft, only, crop } = options;
  let { probabilities, cutout } = options;
  const all = [...words];
  const giveBack = async (word: string) => ((await isRun(word)) ? all.unshift(word) : all.push(word));
  if (soft && only === undefined) {
    throw usage('--soft applies only to --only; add --only CLASSES, or remove it');
  }
  if (typeof probabilities === 'string' && !isFormat(probabilities)) {
    if (!(await isPath(probabilities))) {
      const hint = suggestName(probabilities, formats, `it takes ${joinWords(formats, 'or')}`);
      throw usage(`--probabilities has no format '${probabilities}'; ${hint}`);
    }
    await giveBack(probabilities);
    probabilities = true;
  }
  if (typeof cutout === 'string' && !isClassList(cutout) && (await isPath(cutout))) {
    await giveBack(cutout);
    cutout = true;
  }
  if (only !== undefined && !isClassList(only) && (await exists(only))) {
    throw usage(`--only takes classes, such as hair,hat, but ${only} is a file or folder`);
  }
  for (const [option, classes] of Object.entries({ only, cutout })) {
    if (typeof classes === 'string' && /,\s*$/.test(classes)) {
      throw usage(`--${option} '${classes}' ends with a comma; write the classes without spaces, such as hair,hat`);
    }
  }
  return {
    words: all,
    outputs: {
      ...(overlay && { overlay }),
      ...(probabilities !== undefined && { probabilities: probabilities === true ? 'npy' : probabilities }),
      ...(only !== undefined && { only: parseClasses(only) }),
      ...(soft && { soft }),
      ...(cutout !== undefined && { cutout: cutout === true ? true : parseClasses(cutout) }),
      ...(crop && { crop }),
    },
  };
}

/**
 * The outputs with the ids of their classes.
 *
 * @throws FaceparseError (exit code 2) for a class that the label set does not have
 */
export function resolveOutputs({ only, cutout, ...others }: RequestedOutputs, set: LabelSet): PredictionOutputs {
  const foreground = set.classes.map(({ id }) => id).filter((id) => id !== 0);
  return {
    ...others,
    ...(only && { only: idsOf('--only', only, set) }),
    ...(cutout && { cutout: cutout === true ? foreground : idsOf('--cutout', cutout, set) }),
  };
}

function idsOf(option: string, classes: readonly (string | number)[], set: LabelSet): number[] {
  try {
    return findClasses(set, classes);
  } catch (error) {
    if (!(error instanceof FaceparseError)) throw error;
    throw new FaceparseError(`${option}: ${error.message}`, { exitCode: error.exitCode, cause: error });
  }
}

function isFormat(word: string): word is ProbabilityFormat {
  return (formats as readonly string[]).includes(word);
}

/** Names and ids of classes, separated by commas. */
function parseClasses(text: string): (string | number)[] {
  const parts = text.split(',').map((part) => part.trim());
  return parts.filter((part) => part !== '').map((part) => (/^\d+$/.test(part) ? Number(part) : part));
}

/** Whether all parts of a word are classes of some label set, or ids. */
function isClassList(word: string): boolean {
  const names = new Set(listLabelSets().flatMap((name) => getLabelSet(name).classes.map((entry) => entry.name)));
  return word !== '' && parseClasses(word).every((part) => typeof part === 'number' || names.has(part));
}

/** Whether a word is the path of a file or folder, or looks like one. */
async function isPath(word: string): Promise<boolean> {
  return /[./\\]/.test(word) || (await exists(word));
}

function usage(message: string): FaceparseError {
  return new FaceparseError(message, { exitCode: 2 });
}
