import { type Command, InvalidArgumentError, Option } from 'commander';
import type { Averaging } from '../parser/grid/averaging.ts';

/** Options of commands that support test-time averaging. */
export interface AveragingOptions {
  readonly tta?: boolean;
  readonly scales?: readonly number[];
}

/** Parses `0.75,1,1.25` into numbers; the network checks their range. */
export function parseScales(text: string): number[] {
  const scales = text.split(',').map((part) => (part.trim() === '' ? Number.NaN : Number(part)));
  if (!scales.every(Number.isFinite))
    throw new InvalidArgumentError('It must be a comma-separated list of numbers, such as 1,1.25.');
  return scales;
}

/** Adds `--tta` and `--scales`. `remark` is appended to the help of `--tta`. */
export function addAveragingOptions(command: Command, remark = ''): Command {
  return command
    .option('--tta', `test-time augmentation: average over the photo and its mirror image at several sizes${remark}`)
    .addOption(
      new Option(
        '--scales <list>',
        'sizes of --tta relative to the training size, such as 1,1.25 (default: 5/6, 1 and 7/6)',
      )
        .argParser(parseScales)
        .implies({ tta: true }),
    );
}

/** The views to average over, or undefined if averaging is off. */
export async function averagingOf({ tta, scales }: AveragingOptions): Promise<Averaging | undefined> {
  if (!tta) return undefined;
  const { defaultAveraging } = await import('../parser/grid/averaging.ts');
  return scales ? { ...defaultAveraging, scales } : defaultAveraging;
}
