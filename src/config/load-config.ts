import { open } from 'node:fs/promises';
import { FaceparseError } from '../text/errors.ts';
import { type Notify, parseConfig } from './parse-config.ts';
import type { Config } from './schema.ts';

const mostBytes = 2 ** 20;

const reasons: Record<string, string> = {
  ENOENT: 'no such file',
  EISDIR: 'it is a folder; pass the YAML file in it',
  EACCES: 'permission denied',
};

/** Reads in pieces instead of trusting the reported file size: pipes and devices have none. */
async function readBounded(path: string): Promise<Uint8Array> {
  const file = await open(path, 'r');
  try {
    const buffer = Buffer.alloc(mostBytes + 1);
    let filled = 0;
    while (filled < buffer.length) {
      const { bytesRead } = await file.read(buffer, filled, buffer.length - filled);
      if (bytesRead === 0) return buffer.subarray(0, filled);
      filled += bytesRead;
    }
  } finally {
    await file.close();
  }
  throw new FaceparseError(`the config ${path} is larger than 1 MiB; a config is a short YAML file`, { exitCode: 2 });
}

/** The text of a YAML file of at most 1 MiB. @throws FaceparseError (exit code 2) with the reason if it cannot be read */
export async function readConfigText(path: string): Promise<string> {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(await readBounded(path));
  } catch (error) {
    if (error instanceof FaceparseError) throw error;
    const { code = '', message } = error as NodeJS.ErrnoException;
    const reason = code === 'ERR_ENCODING_INVALID_ENCODED_DATA' ? 'it is not UTF-8 text' : (reasons[code] ?? message);
    throw new FaceparseError(`cannot read the config ${path}: ${reason}`, { exitCode: 2, cause: error });
  }
}

/**
 * Loads a YAML file (at most 1 MiB; without one, the defaults) and applies overrides such as `train.lr=3e-4`.
 *
 * @throws FaceparseError (exit code 2) of one line; see `parseConfig`
 *
 * @example const config = await loadConfig({ file: 'configs/demo.yaml', overrides: ['train.epochs=2'] });
 */
export async function loadConfig(
  options: { file?: string; overrides?: readonly string[]; notify?: Notify } = {},
): Promise<Config> {
  const { file, overrides, notify } = options;
  return parseConfig(file === undefined ? '' : await readConfigText(file), file ?? '', overrides, notify);
}
