import { leftAloneNotes } from '../data/dataset/list-images.ts';
import type { MaskEvaluation } from '../evaluation/evaluate-masks.ts';
import { countOf } from '../text/counts.ts';
import { FaceparseError } from '../text/errors.ts';
import { nameSome } from '../text/name-some.ts';
import { type JsonOption, printJson, printNotice, printText, runTask } from './command.ts';
import { formatScores, formatScoresMarkdown } from './score-table.ts';

/** The options of `evaluate` that apply to ready masks. */
export interface MaskOptions extends JsonOption {
  readonly masks: string;
  readonly data?: string;
  readonly labels?: string;
  readonly markdown?: boolean;
}

/** Names listed in a message; the rest is counted. `--json` lists all. */
const listedNames = 20;

/**
 * `faceparse evaluate --masks FOLDER --data FOLDER`: scores masks that any program wrote.
 *
 * @throws FaceparseError if a mask is missing or cannot be scored; the scores of the others are printed before
 */
export async function evaluateReadyMasks(run: string | undefined, options: MaskOptions): Promise<void> {
  const { masks, data, labels = 'celebamask-19' } = options;
  if (run !== undefined) {
    throw usage(`--masks scores ready masks without a network; remove ${run}, or remove --masks to score the network`);
  }
  if (data === undefined) {
    throw usage('--masks needs the masks to compare with; pass --data FOLDER, a folder with images/ and masks/');
  }
  const [{ openDataset }, { evaluateMasks, OtherLabelSetError }, { labelSetOfOption }] = await Promise.all([
    import('../data/dataset/dataset.ts'),
    import('../evaluation/evaluate-masks.ts'),
    import('./label-set-option.ts'),
  ]);
  const set = await labelSetOfOption(labels);
  const incomplete: string[] = [];
  const dataset = await openDataset(data, { onFailure: ({ message }) => void incomplete.push(message) });
  const result = await runTask('scoring', options, ({ signal, onProgress }) =>
    evaluateMasks(masks, dataset, set, { signal, onImage: onProgress }),
  ).catch((error: unknown) => {
    if (!(error instanceof OtherLabelSetError)) throw error;
    throw usage(`${error.reason}; pass --labels ${error.labelSet}`);
  });
  const { summary, missing, extra, others } = result;
  const failures = [...incomplete, ...result.failures];
  const total = dataset.items.length;
  if (options.json) {
    // Without a scored mask there is no score, not a score of 0.
    const scores =
      summary.images > 0 ? { ...summary, confusion: [...summary.confusion] } : { images: 0, fPerImage: null };
    printJson({
      masks,
      data: dataset.folder,
      labels: set.name,
      ...scores,
      missing,
      failures,
      extra,
      others,
      leftAlone: dataset.leftAlone,
    });
  } else if (summary.images > 0) {
    // A Markdown table is published, so it contains no path of this machine.
    if (!options.markdown) printText(`${masks}: ${summary.images} of ${countOf(total, 'mask')}, ${set.name}\n`);
    printText((options.markdown ? formatScoresMarkdown : formatScores)(summary, set));
  }
  if (!options.json) for (const note of leftAloneNotes(dataset.leftAlone)) printNotice(note);
  report({ ...result, failures }, options);
  if (missing.length + failures.length > 0) {
    const reasons = `${missing.length} missing, ${failures.length} unusable; see above`;
    throw new FaceparseError(
      `${missing.length + failures.length} of ${total} masks are not in the scores (${reasons})`,
    );
  }
}

/** Names on stderr what is not part of the scores, and what makes them doubtful. */
function report({ missing, failures, extra, others, doubt }: MaskEvaluation, { masks, data }: MaskOptions): void {
  for (const failure of failures) printNotice(failure);
  if (doubt !== undefined) printNotice(`${doubt}; if so, pass their label set with --labels`);
  if (missing.length > 0) {
    printNotice(`${countOf(missing.length, 'photo')} without a mask in ${masks}: ${nameSome(missing, listedNames)}`);
  }
  if (extra.length > 0) {
    printNotice(
      `${countOf(extra.length, 'mask')} in ${masks} without a photo in ${data}, not scored: ${nameSome(extra, listedNames)}`,
    );
  }
  if (others.length > 0) {
    printNotice(
      `${countOf(others.length, 'file')} in ${masks} without the ending .png, not read: ${nameSome(others, listedNames)}`,
    );
  }
}

function usage(message: string): FaceparseError {
  return new FaceparseError(message, { exitCode: 2 });
}
