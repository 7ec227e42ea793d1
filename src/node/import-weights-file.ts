import { basename } from 'node:path';
import { type ByteFile, openByteFile } from '../files/byte-file.ts';
import { hashFile } from '../files/hash-file.ts';
import { isFile } from '../files/path-kind.ts';
import { readStateDict, type StateDict } from '../formats/state-dict/read-state-dict.ts';
import type { Caller } from '../models/foreign/caller.ts';
import type { ForeignNetwork } from '../models/foreign/foreign-network.ts';
import {
  foreignStateDict,
  type ImportedWeights,
  importStateDict,
  requireDescription,
} from '../models/foreign/import-weights.ts';

/**
 * Reads a weights file of another program, and records it as the origin of the weights.
 *
 * @throws FaceparseError (exit code 2) if the network is not described completely, or the file does not fit it
 */
export function importWeightsFile(
  file: string,
  network: Partial<ForeignNetwork>,
  caller: Caller,
): Promise<ImportedWeights> {
  return withFile(file, async (source) => imported(readStateDict(source, file), { file, network, caller }));
}

/**
 * Reads a `ckpt.pth` of `faceparse export`, which describes its network; undefined for a file that is not of PyTorch.
 *
 * @throws FaceparseError (exit code 2) for weights of another program; it says what to pass
 */
export function importExportedFile(file: string, caller: Caller): Promise<ImportedWeights | undefined> {
  return withFile(file, async (source) => {
    const foreign = foreignStateDict(source, file);
    return foreign && imported(foreign, { file, network: {}, caller });
  });
}

/**
 * Refuses weights of another program where a command takes a run or a weights file; runs, weights of faceparse and other files
 * are accepted.
 *
 * @throws FaceparseError (exit code 2) that says which command converts the file
 */
export async function refuseForeignWeights(path: string | undefined): Promise<void> {
  if (path === undefined || !(await isFile(path))) return;
  await withFile(path, async (source) => {
    const foreign = foreignStateDict(source, path);
    if (foreign) requireDescription(foreign, path, 'command');
  });
}

async function imported(
  found: StateDict,
  { file, network, caller }: { file: string; network: Partial<ForeignNetwork>; caller: Caller },
): Promise<ImportedWeights> {
  const { weights, notices } = importStateDict(found, { name: file, network, caller });
  const origin = { kind: 'file', file: basename(file), sha256: await hashFile(file), elsewhere: true } as const;
  return { weights: { ...weights, origin }, notices };
}

async function withFile<T>(file: string, work: (source: ByteFile) => Promise<T>): Promise<T> {
  const source = openByteFile(file);
  try {
    return await work(source);
  } finally {
    source.close();
  }
}
