import { open } from 'node:fs/promises';
import { recognizedBytes } from '../formats/recognize-file.ts';
import { FaceparseError } from '../text/errors.ts';

/**
 * Reads the first bytes of a file; by default enough to recognise its kind.
 *
 * @throws FaceparseError that names the file if it cannot be read
 */
export async function readHead(path: string, bytes = recognizedBytes): Promise<Uint8Array> {
  try {
    const file = await open(path);
    try {
      const { buffer, bytesRead } = await file.read(new Uint8Array(bytes), 0, bytes, 0);
      return buffer.subarray(0, bytesRead);
    } finally {
      await file.close();
    }
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException;
    const reason = code === 'EACCES' ? 'no permission' : message;
    throw new FaceparseError(`${path} cannot be read (${reason})`, { cause });
  }
}
