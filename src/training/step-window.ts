/** A window as a checkpoint keeps it. */
export interface WindowState {
  readonly count: number;
  /** As many of those steps as the sums have. */
  readonly read: number;
  readonly images: number;
  /** Since the last line. */
  readonly seconds: number;
  readonly sums: Readonly<Record<string, number>>;
}

/** Means of what the steps since the last line gave. */
export class StepWindow {
  private readonly sums: Map<string, number>;
  private images: number;
  private since: number;
  /** Steps since the last line. */
  count: number;
  /** As many of them as `sums` has. */
  private read: number;

  /** @param state that of a checkpoint, whose run goes on */
  constructor(
    { count, read, images, seconds, sums }: WindowState = { count: 0, read: 0, images: 0, seconds: 0, sums: {} },
  ) {
    this.count = count;
    this.read = read;
    this.images = images;
    this.sums = new Map(Object.entries(sums));
    this.since = performance.now() - seconds * 1000;
  }

  /** Mean loss of the steps that were read last; undefined before the first. */
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

  /** Adds what the steps gave that have been counted since the last call. All have to be there when a line is taken. */
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

  /** Leaves what happened until now, such as a validation, out of the speed. */
  restart(): void {
    this.since = performance.now();
  }
}
