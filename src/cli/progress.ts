import { formatDuration } from './format.ts';

/** The parts of an output stream that are used; `process.stderr` has them. */
export interface Terminal {
  readonly isTTY?: boolean;
  readonly columns?: number;
  write(text: string): unknown;
}

export interface ProgressOptions {
  /** Print lines instead of a bar, even on a terminal. */
  readonly plain?: boolean;
  /** Show only the percentage, not the units; the note contains the time left. */
  readonly share?: boolean;
  readonly terminal?: Terminal;
  /** A clock in milliseconds, for tests. */
  readonly now?: () => number;
}

const redrawMs = 100;
const lineMs = 10_000;
/** The rate is measured over the last 15 seconds: it follows changes, but not single steps. */
const windowMs = 15_000;
const sampleMs = 250;
const barWidth = 24;

/**
 * Progress of long work on stderr: on a terminal, a bar with the time left; elsewhere, a line every ten seconds.
 *
 * @example
 * const progress = new Progress('checking');
 * for (let i = 1; i <= 100; i++) progress.update(i, 100);
 * progress.finish();
 */
export class Progress {
  private readonly terminal: Terminal;
  private readonly bar: boolean;
  private readonly share: boolean;
  private readonly now: () => number;
  private readonly samples: { time: number; done: number }[] = [];
  private shownAt: number;
  private drawn = '';

  constructor(
    private readonly label: string,
    options: ProgressOptions = {},
  ) {
    this.terminal = options.terminal ?? process.stderr;
    this.bar = this.terminal.isTTY === true && !options.plain && process.env.TERM !== 'dumb';
    this.share = options.share === true;
    this.now = options.now ?? (() => performance.now());
    this.samples.push({ time: this.now(), done: 0 });
    // A bar appears at once, a line only if the work takes long.
    this.shownAt = this.bar ? Number.NEGATIVE_INFINITY : this.now();
  }

  /** Reports `done` of `total` units; `note` is a short remark, such as the loss. */
  update(done: number, total: number, note = ''): void {
    const time = this.now();
    this.takeSample(time, done);
    if (time - this.shownAt < (this.bar ? redrawMs : lineMs)) return;
    this.shownAt = time;
    const left = this.secondsLeft(time, done, total);
    const share = total > 0 ? Math.min(1, done / total) : 0;
    const percent = `${Math.floor(share * 100)} %`;
    const remaining = left === undefined || (this.share && note !== '') ? '' : `${formatDuration(left)} left`;
    if (!this.bar) {
      const amount = this.share ? percent : `${done} of ${total} (${percent})`;
      const parts = [`${this.label}: ${amount}`, remaining, note];
      this.terminal.write(`${parts.filter(Boolean).join(', ')}\n`);
      return;
    }
    const filled = Math.round(share * barWidth);
    const blocks = '█'.repeat(filled) + '░'.repeat(barWidth - filled);
    const counts = this.share ? '' : `${String(done).padStart(String(total).length)}/${total}`;
    const text = [this.label, blocks, counts, percent.padStart(5), remaining, note].filter(Boolean).join('  ');
    this.draw(text.slice(0, Math.max(10, (this.terminal.columns || 80) - 1)));
  }

  /** Prints a permanent line above the bar. */
  log(line: string): void {
    const { drawn } = this;
    this.draw('');
    this.terminal.write(`${line}\n`);
    if (drawn !== '') this.draw(drawn);
  }

  /** Removes the bar. Call it also if the work failed. */
  finish(): void {
    this.draw('');
  }

  private draw(text: string): void {
    if (text === this.drawn) return;
    this.terminal.write(`\r\x1b[2K${text}`);
    this.drawn = text;
  }

  private takeSample(time: number, done: number): void {
    const last = this.samples.at(-1)!;
    // The count restarts, as in the next epoch.
    if (done < last.done) this.samples.length = 0;
    if (this.samples.length === 0 || time - last.time >= sampleMs) this.samples.push({ time, done });
    // One sample before the window is kept, for steps longer than the window.
    while (this.samples.length > 2 && this.samples[1].time < time - windowMs) this.samples.shift();
  }

  private secondsLeft(time: number, done: number, total: number): number | undefined {
    const first = this.samples[0];
    const elapsed = (time - first.time) / 1000;
    // Before that, the rate is a guess.
    if (elapsed < 1 || done <= first.done || done >= total) return undefined;
    return ((total - done) * elapsed) / (done - first.done);
  }
}
