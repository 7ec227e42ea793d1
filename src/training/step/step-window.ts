/** A window as stored in a checkpoint. */
export interface WindowState {
  readonly count: number;
  /** The number of these steps included in the sums. */
  readonly read: number;
  readonly images: number;
  /** Seconds since the last line. */
  readonly seconds: number;
  readonly sums: Readonly<Record<string, number>>;
}

/** Means over the steps since the last line. */
export class StepWindow {
  private readonly sums: Map<string, number>;
  private images: number;
  private since: number;
  /** Steps since the last line. */
  count: number;
  /** The number of steps included in `sums`. */
  private read: number;

  /** @param state the window of a checkpoint, for a resumed run */
  constructor(
    { count, read, images, seconds, sums }: WindowState = { count: 0, read: 0, images: 0, seconds: 0, sums: {} },
  ) {
    this.count = count;
    this.read = read;
    this.images = images;
    this.sums = new Map(Object.entries(sums));
    this.since = performance.now() - seconds * 1000;
  }

  /** Mean loss of the steps read last; undefined before the first reading. */
  loss: number | undefined;

  get state(): WindowState {
    const { count, read, images } = this;
    return {
      count,
      read,
      images,
      seconds: (performance.now() - this.since) / 1000,
      sums: Object.fromEntries(this.sums),
    };
  }

  /** Counts a step. */
  add(images: number): void {
    this.count++;
    this.images += images;
  }

  /** Adds the sums of the steps counted since the last call. Call it before taking a line. */
  addSums(sums: ReadonlyMap<string, number>): void {
    if (this.count > this.read) this.loss = sums.get('loss')! / (this.count - this.read);
    this.read = this.count;
    for (const [name, sum] of sums) this.sums.set(name, (this.sums.get(name) ?? 0) + sum);
  }

  take(): Record<string, number> {
    const means = Object.fromEntries([...this.sums].map(([name, sum]) => [name, sum / this.count]));
    const imagesPerSecond = (this.images * 1000) / (performance.now() - this.since);
    this.sums.clear();
    this.count = 0;
    this.read = 0;
    this.images = 0;
    this.restart();
    return { ...means, imagesPerSecond };
  }

  /** Excludes the time until now, such as a validation, from the speed. */
  restart(): void {
    this.since = performance.now();
  }
}
