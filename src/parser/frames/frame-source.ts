import { describeValue } from '../../text/describe-value.ts';
import { FaceparseError } from '../../text/errors.ts';

/**
 * The iterator of frames. Promises in a plain iterable are awaited, as by `for await`.
 *
 * @throws FaceparseError (exit code 2) for what is not iterable, and for a single image
 */
export function iteratorOf<Frame>(frames: Iterable<Frame> | AsyncIterable<Frame>): AsyncIterator<Frame> {
  const given: unknown = frames;
  if (typeof given === 'object' && given !== null && !ArrayBuffer.isView(given)) {
    if (Symbol.asyncIterator in given) return (given as AsyncIterable<Frame>)[Symbol.asyncIterator]();
    if (Symbol.iterator in given) return awaited((given as Iterable<Frame>)[Symbol.iterator]());
  }
  throw new FaceparseError(
    `parseFrames takes an iterable or async iterable of frames, but got ${describeValue(given)}; ` +
      'use parse for a single image',
    { exitCode: 2 },
  );
}

function awaited<Frame>(iterator: Iterator<Frame>): AsyncIterator<Frame> {
  return {
    async next() {
      const { done, value } = iterator.next();
      if (done) return { done, value: undefined };
      try {
        return { done: false, value: await value };
      } catch (error) {
        // The loop takes a source that throws for closed.
        iterator.return?.();
        throw error;
      }
    },
    async return() {
      iterator.return?.();
      return { done: true, value: undefined };
    },
  };
}
