import { basename } from 'node:path';
import { openByteFile } from '../files/byte-file.ts';
import { hashFile } from '../files/hash-file.ts';
import type { ForeignNetwork } from '../models/foreign/foreign-network.ts';
import {
  foreignStateDict,
  type ImportedWeights,
  importWeights,
  unnamedNetwork,
} from '../models/foreign/import-weights.ts';

/**
 * Reads a weights file of another program, and records it as the origin of the weights.
 *
 * @throws FaceparseError (exit code 2) if the network is not described completely, or the file does not fit it
 */
export async function importWeightsFile(file: string, network: Partial<ForeignNetwork>): Promise<ImportedWeights> {
  const source = openByteFile(file);
  try {
    const { weights, notices } = importWeights(source, file, network);
    const origin = { kind: 'file', file: basename(file), sha256: await hashFile(file), elsewhere: true } as const;
    return { weights: { ...weights, origin }, notices };
  } finally {
    source.close();
  }
}

/** Refuses weights of another program where nothing says which network they belong to. @throws FaceparseError (exit code 2) */
export function requireOwnWeights(file: string): void {
  const source = openByteFile(file);
  try {
    const foreign = foreignStateDict(source, file);
    if (foreign) throw unnamedNetwork(foreign, file);
  } finally {
    source.close();
  }
}
