import { type Config, imagesPerStep } from '../../config/schema.ts';

/** Progress of a run in steps, in seconds and as a fraction of its length. */
export class RunProgress {
  /** Completed steps. */
  step = 0;
  /** Seconds of training and validation at the last reading of the clock. */
  seconds = 0;
  readonly stepsPerEpoch: number;
  readonly stepsPerValidation: number;
  /**
   * Added to the steps to get the position in the data. It is 0 unless the length of an epoch in steps was changed by a
   * resume, which keeps the epoch rather than the step.
   */
  offset = 0;
  private clockStart = 0;
  private readonly config: Config['train'];

  /** @param pairs number of training pairs */
  constructor({ train, validation }: Pick<Config, 'train' | 'validation'>, pairs: number) {
    this.config = train;
    this.stepsPerEpoch = Math.floor(pairs / imagesPerStep(train));
    this.stepsPerValidation = Math.max(1, Math.round(validation.every * this.stepsPerEpoch));
  }

  /** Number of validations in a run of some steps, the one at its end included. */
  validationsIn(steps: number): number {
    return Math.ceil(steps / this.stepsPerValidation);
  }

  /** Number of validations of the whole run; undefined if it depends on the speed of the machine. */
  get validations(): number | undefined {
    const { minutes, epochs } = this.config;
    return minutes ? undefined : this.validationsIn(stepsInEpochs(epochs, this.stepsPerEpoch));
  }

  /** Position in the data: the number of steps of the current batch size that make up the epochs so far. */
  get place(): number {
    return this.step + this.offset;
  }

  get epoch(): number {
    return this.place / this.stepsPerEpoch;
  }

  /**
   * Continues after `step` steps of an earlier part of the run. If an epoch had another number of steps there, the run goes
   * on at the same fraction of the epoch, at the next whole batch: no image is used twice in the epoch.
   */
  continueFrom(earlier: { step: number; seconds: number; offset: number; stepsPerEpoch: number }): void {
    const { step, seconds, offset, stepsPerEpoch } = earlier;
    this.step = step;
    this.seconds = seconds;
    const isSame = stepsPerEpoch === this.stepsPerEpoch;
    this.offset = isSame ? offset : Math.ceil(((step + offset) * this.stepsPerEpoch) / stepsPerEpoch) - step;
  }

  /** Progress from 0 to 1: by time if the run's length is in minutes, else by steps. */
  get share(): number {
    const { minutes, epochs } = this.config;
    if (minutes) return this.seconds / (minutes * 60);
    return this.place / stepsInEpochs(epochs, this.stepsPerEpoch);
  }

  get isOver(): boolean {
    return this.share >= 1;
  }

  /** From now on `readClock` adds the time that passes to the seconds of the run. */
  startClock(): void {
    this.clockStart = performance.now() - this.seconds * 1000;
  }

  readClock(): void {
    this.seconds = (performance.now() - this.clockStart) / 1000;
  }
}

/** The number of steps in a number of epochs, which may be a fraction; at least 1. */
export function stepsInEpochs(epochs: number, stepsPerEpoch: number): number {
  return Math.max(1, Math.round(epochs * stepsPerEpoch));
}
