/**
 * An error that a user can act on: one clear line, shown without a stack trace.
 * Exit code 1 means that the work failed, 2 that the command was used incorrectly.
 */
export class FaceparseError extends Error {
  readonly exitCode: 1 | 2;
  /** Several faults found at once, each a line that the message ends with. */
  readonly faults: readonly string[];

  constructor(message: string, options: { exitCode?: 1 | 2; cause?: unknown; faults?: readonly string[] } = {}) {
    const { faults = [] } = options;
    super([message, ...faults].join('\n  '), options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'FaceparseError';
    this.faults = faults;
    this.exitCode = options.exitCode ?? 1;
  }
}
