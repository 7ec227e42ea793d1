/** Means of what the steps since the last line gave. */
export class StepWindow {
  /** Mean loss since the last line. */
  loss = 0;
  /** Steps since the last line. */
  count = 0;
  private images = 0;
  private since = performance.now();
  private readonly sums = new Map<string, number>();

  add(outputs: Record<string, Float32Array>, images: number): void {
    this.count++;
    this.images += images;
    for (const [name, value] of Object.entries(outputs)) this.sums.set(name, (this.sums.get(name) ?? 0) + value[0]);
    this.loss = this.sums.get('loss')! / this.count;
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
