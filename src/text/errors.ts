/**
 * An error that a user can act on: one clear line, shown without a stack trace.
 * Exit code 1 means that the work failed, 2 that the command was used incorrectly.
 */
export class FaceparseError extends Error {
  readonly exitCode: 1 | 2;

  constructor(message: string, options: { exitCode?: 1 | 2; cause?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'FaceparseError';
    this.exitCode = options.exitCode ?? 1;
  }
}
