import { countOf } from '../text/counts.ts';
import type { TrainingProgress } from '../training/train-options.ts';
import { printNotice } from './command.ts';
import { formatDuration } from './format.ts';
import { Progress } from './progress.ts';
import { formatScore } from './score-table.ts';

const thousand = 1000;

/** Whether the validation is the best so far. One that only equals the best does not replace its weights. */
function describeBest({ step, valF, bestF, bestStep }: TrainingProgress): string[] {
  if (bestStep === step) return ['best so far'];
  return valF === bestF ? [`same as the best, step ${bestStep}`] : [];
}

/** Shows a training run on stderr: a bar per phase, and a permanent line per validation. */
export class TrainingDisplay {
  private progress: Progress | undefined;
  private phase = '';

  constructor(private readonly plain: boolean) {}

  update(state: TrainingProgress): void {
    if (state.valF !== undefined) {
      const { valF, valLoss, trainF, staleValidations: stale = 0 } = state;
      const parts = [
        `epoch ${state.epoch.toFixed(1)}`,
        `step ${state.step}`,
        `F (per image) ${formatScore(valF)}`,
        ...(trainF === undefined ? [] : [`training F ${formatScore(trainF)}`]),
        ...(valLoss === undefined ? [] : [`validation loss ${valLoss.toFixed(3)}`]),
        ...describeBest(state),
        ...(stale > 0 ? [`${countOf(stale, 'validation')} without improvement`] : []),
      ];
      this.bar('train').log(parts.join('  '));
      return;
    }
    const bar = this.bar(state.phase);
    if (state.phase !== 'train') {
      bar.update(Math.round(state.progress * 100), 100);
      return;
    }
    const left = state.secondsLeft !== undefined ? `${formatDuration(state.secondsLeft)} left  ` : '';
    const loss = state.loss === undefined ? '' : `loss ${state.loss.toFixed(3)}  `;
    const note = `${left}epoch ${state.epoch.toFixed(1)}  ${loss}lr ${state.learningRate!.toExponential(1)}`;
    bar.update(Math.round(state.progress * thousand), thousand, note);
  }

  /** Prints a line that stays. */
  notice(line: string): void {
    this.finish();
    this.progress = undefined;
    printNotice(line);
  }

  private bar(phase: string): Progress {
    if (this.progress === undefined || phase !== this.phase) {
      this.progress?.finish();
      const labels: Record<string, string> = { load: 'reading images', train: 'training', validate: 'validating' };
      this.progress = new Progress(labels[phase] ?? phase, { plain: this.plain, share: true });
      this.phase = phase;
    }
    return this.progress;
  }

  finish(): void {
    this.progress?.finish();
  }
}
