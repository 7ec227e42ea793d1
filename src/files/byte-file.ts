import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import type { ByteSource } from '../formats/byte-source.ts';
import { FaceparseError } from '../text/errors.ts';

/** A single call of `readSync` reads at most 2 GiB. */
const maxReadBytes = 2 ** 30;

/** An open file that is read by position. */
export interface ByteFile extends ByteSource {
  /** Closes the file. Later reads fail. */
  close(): void;
}

/**
 * Opens a file for reading by position, so that a large file need not be in memory at once.
 *
 * @throws FaceparseError that names the file if it cannot be opened or is not a file
 * @example
 * const file = openByteFile('resnet50.pth');
 * const head = file.read(0, 16);
 * file.close();
 */
export function openByteFile(path: string): ByteFile {
  let descriptor: number;
  try {
    descriptor = openSync(path, 'r');
  } catch (cause) {
    throw unreadable(path, cause);
  }
  const stat = fstatSync(descriptor);
  if (!stat.isFile()) {
    closeSync(descriptor);
    throw new FaceparseError(`${path} is not a file; pass the path of a file`);
  }
  return {
    size: stat.size,
    read(start, end) {
      const bytes = new Uint8Array(end - start);
      for (let filled = 0; filled < bytes.length; ) {
        const count = readPart(descriptor, bytes, filled, start + filled);
        if (count === 0) {
          throw new FaceparseError('the file became shorter while it was read; read it again when it is complete');
        }
        filled += count;
      }
      return bytes;
    },
    close: () => closeSync(descriptor),
  };
}

function readPart(descriptor: number, target: Uint8Array, offset: number, position: number): number {
  try {
    return readSync(descriptor, target, offset, Math.min(target.length - offset, maxReadBytes), position);
  } catch (cause) {
    throw unreadable('the file', cause);
  }
}

function unreadable(path: string, cause: unknown): FaceparseError {
  const { code, message } = cause as NodeJS.ErrnoException;
  const reason = code === 'ENOENT' ? 'it does not exist' : code === 'EACCES' ? 'no permission' : message;
  return new FaceparseError(`${path} cannot be read (${reason})`, { cause });
}
