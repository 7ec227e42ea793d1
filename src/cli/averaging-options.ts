import { type Command, InvalidArgumentError, Option } from 'commander';
import type { Averaging } from '../parser/averaging.ts';

/** The options of commands that can average over views. */
export interface AveragingOptions {
  readonly tta?: boolean;
  readonly scales?: readonly number[];
}

/** `0.75,1,1.25` as numbers; which of them can be averaged over is for the network to say. */
export function parseScales(text: string): number[] {
  const scales = text.split(',').map((part) => (part.trim() === '' ? Number.NaN : Number(part)));
  if (!scales.every(Number.isFinite)) throw new InvalidArgumentError('Give numbers with commas, such as 1,1.25.');
  return scales;
}

/** Adds `--tta` and `--scales`. `remark` is what `--tta` means to this command besides. */
export function addAveragingOptions(command: Command, remark = ''): Command {
  return command
    .option('--tta', `average the prediction over the photo and its mirror image, at several sizes${remark}`)
    .addOption(
      new Option('--scales <list>', 'sizes of --tta, relative to that of the training, such as 1,1.25')
        .argParser(parseScales)
        .implies({ tta: true }),
    );
}

/** What to average over, undefined where nothing is asked for. */
export async function averagingOf({ tta, scales }: AveragingOptions): Promise<Averaging | undefined> {
  if (!tta) return undefined;
  const { defaultAveraging } = await import('../parser/averaging.ts');
  return scales ? { ...defaultAveraging, scales } : defaultAveraging;
}
