import { abortable } from '../../scheduling/abortable.ts';
import { FaceparseError } from '../../text/errors.ts';
import type { ParseResult } from '../result/parse-result.ts';
import { type FrameOptions, frameDefaults } from './frame-options.ts';
import { iteratorOf } from './frame-source.ts';

/** A frame whose parsing has begun. */
export interface FrameJob {
  /** Settles when the pixels of the frame are no longer needed. */
  readonly decoded: Promise<unknown>;
  readonly result: Promise<ParseResult>;
}

/** A frame, and its time in seconds. */
export interface TimedFrame<Frame> {
  readonly frame: Frame;
  readonly index: number;
  readonly time: number;
}

/**
 * Takes frames from a source and yields their results in order.
 *
 * The next frame is taken when the one before it is decoded, unless `live`. At most two are therefore in flight, and a source
 * may reuse a buffer or close a frame once the next one is asked for. If the loop is left, the source is closed after the frames
 * in flight have ended.
 */
export async function* frameLoop<Frame>(
  frames: Iterable<Frame> | AsyncIterable<Frame>,
  options: FrameOptions<Frame>,
  begin: (frame: TimedFrame<Frame>, signal: AbortSignal) => FrameJob,
): AsyncGenerator<ParseResult, void, undefined> {
  const { signal, live = frameDefaults.live } = options;
  signal?.throwIfAborted();
  const timeOf = options.timeOf ?? clockOf(options);
  const source = iteratorOf(frames);
  const stopping = new AbortController();
  let exhausted = false;
  let waiting = false;

  const pull = async (index: number): Promise<FrameJob | undefined> => {
    if (stopping.signal.aborted || exhausted) return undefined;
    let step: IteratorResult<Frame>;
    waiting = true;
    try {
      step = await source.next();
    } catch (error) {
      // A source that has thrown is closed already.
      exhausted = true;
      throw error;
    } finally {
      waiting = false;
    }
    if (step.done) exhausted = true;
    if (step.done || stopping.signal.aborted) return undefined;
    const time = timeOf(step.value, index);
    if (!Number.isFinite(time)) {
      throw new FaceparseError(`timeOf returned ${time} for frame ${index}, but must return seconds`, { exitCode: 2 });
    }
    return numbered(begin({ frame: step.value, index, time }, stopping.signal), index);
  };
  const wait = <T>(work: Promise<T>): Promise<T> => (signal ? abortable(work, signal) : work);

  let current: FrameJob | undefined;
  let next = handled(pull(0));
  try {
    for (let index = 0; ; index++) {
      current = await wait(next);
      if (!current) return;
      const { decoded, result } = current;
      if (!live) next = handled(decoded.then(() => pull(index + 1)));
      yield await wait(result);
      signal?.throwIfAborted();
      if (live) next = handled(pull(index + 1));
    }
  } finally {
    stopping.abort();
    // After an abort nothing is waited for.
    const closed = handled(close([current, next]));
    if (!signal?.aborted) await closed;
  }

  async function close([running, coming]: [FrameJob | undefined, Promise<FrameJob | undefined>]): Promise<void> {
    await running?.result.catch(() => undefined);
    if (waiting) {
      // The frame that has been asked for may never come, and an async generator answers only after it.
      handled(Promise.resolve(source.return?.()));
      return;
    }
    const last = await coming.catch(() => undefined);
    await last?.result.catch(() => undefined);
    if (!exhausted) await source.return?.();
  }
}

/** Keeps a rejection that nobody waits for from ending the process. */
function handled<T>(work: Promise<T>): Promise<T> {
  work.catch(() => undefined);
  return work;
}

/** Errors about a frame begin with its number, counted from 0. */
function numbered({ decoded, result }: FrameJob, index: number): FrameJob {
  const named = result.catch((error: unknown) => {
    if (!(error instanceof FaceparseError)) throw error;
    const { exitCode, message } = error;
    throw new FaceparseError(`frame ${index}: ${message}`, { exitCode, cause: error });
  });
  return { decoded: handled(decoded), result: handled(named) };
}

function clockOf({
  live,
  fps = frameDefaults.fps,
}: Pick<FrameOptions, 'live' | 'fps'>): (frame: unknown, index: number) => number {
  return live ? () => performance.now() / 1000 : (_, index) => index / fps;
}
