/** A window as a checkpoint keeps it. */
export interface WindowState {
  readonly count: number;
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

  /** @param state that of a checkpoint, whose run goes on */
  constructor({ count, images, seconds, sums }: WindowState = { count: 0, images: 0, seconds: 0, sums: {} }) {
    this.count = count;
    this.images = images;
    this.sums = new Map(Object.entries(sums));
    this.since = performance.now() - seconds * 1000;
  }

  /** Mean loss since the last line, 0 where there was no step. */
  get loss(): number {
    return this.count === 0 ? 0 : this.sums.get('loss')! / this.count;
  }

  get state(): WindowState {
    const { count, images } = this;
    return { count, images, seconds: (performance.now() - this.since) / 1000, sums: Object.fromEntries(this.sums) };
  }

  add(outputs: Record<string, Float32Array>, images: number): void {
    this.count++;
    this.images += images;
    for (const [name, value] of Object.entries(outputs)) this.sums.set(name, (this.sums.get(name) ?? 0) + value[0]);
  }

  take(): Record<string, number> {
    const means = Object.fromEntries([...this.sums].map(([name, sum]) => [name, sum / this.count]));
    const imagesPerSecond = (this.images * 1000) / (performance.now() - this.since);
    this.sums.clear();
    this.count = 0;
    this.images = 0;
    this.restart();
    return { ...means, imagesPerSecond };
  }

  /** Leaves what happened until now, such as a validation, out of the speed. */
  restart(): void {
    this.since = performance.now();
  }
}
