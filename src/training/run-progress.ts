import { type Config, imagesPerStep } from '../config/schema.ts';

/** Progress of a run in steps, in seconds and as a fraction of its length. */
export class RunProgress {
  /** Completed steps. */
  step = 0;
  /** Seconds of training and validation at the last reading of the clock. */
  seconds = 0;
  readonly stepsPerEpoch: number;
  private clockStart = 0;

  /** @param pairs number of training pairs */
  constructor(
    private readonly config: Config['train'],
    pairs: number,
  ) {
    this.stepsPerEpoch = Math.floor(pairs / imagesPerStep(config));
  }

  get epoch(): number {
    return this.step / this.stepsPerEpoch;
  }

  /** Progress from 0 to 1: by time if the run's length is in minutes, else by steps. */
  get share(): number {
    const { minutes, epochs } = this.config;
    if (minutes) return this.seconds / (minutes * 60);
    return this.step / Math.max(1, Math.round(epochs * this.stepsPerEpoch));
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
