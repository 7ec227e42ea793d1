import { type Config, imagesPerStep } from '../config/schema.ts';

/** How far a run has come, in steps, in seconds, and as a share of its length. */
export class RunProgress {
  /** Steps that are done. */
  step = 0;
  /** Of training and validation, as far as the clock was read. */
  seconds = 0;
  readonly stepsPerEpoch: number;
  private clockStart = 0;

  /** @param pairs of training */
  constructor(
    private readonly config: Config['train'],
    pairs: number,
  ) {
    this.stepsPerEpoch = Math.floor(pairs / imagesPerStep(config));
  }

  get epoch(): number {
    return this.step / this.stepsPerEpoch;
  }

  /** How much of the run is done, from 0 to 1: by the clock where it has minutes, else by steps. */
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
