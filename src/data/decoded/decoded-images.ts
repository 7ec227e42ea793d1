import { totalmem } from 'node:os';
import type { Dataset } from '../dataset/dataset.ts';
import { type DecodeOptions, decodeDataset } from './decode-dataset.ts';
import { type DecodedDataset, decodedBytes } from './decoded-dataset.ts';
import { decodedKey } from './decoded-file.ts';

/**
 * Decoded data sets that several trainings share, so that each is decoded once.
 *
 * Before a data set is decoded, those used least recently are dropped until all fit into `maxBytes` (default: a quarter of
 * the machine's memory). Files are compared by name, size and time at each call, so changed files are decoded again.
 *
 * @example const images = new DecodedImages(); await images.load(dataset, options); images.clear();
 */
export class DecodedImages {
  /** By all that the decoded bytes depend on, the one used last at the end. */
  private readonly held = new Map<string, DecodedDataset>();

  constructor(private readonly maxBytes: number = totalmem() / 4) {}

  /** Same result and errors as `decodeDataset`. */
  async load(dataset: Dataset, options: DecodeOptions): Promise<DecodedDataset> {
    const key = await decodedKey(dataset, options);
    const known = this.held.get(key);
    this.held.delete(key);
    if (!known) this.makeRoom(decodedBytes(dataset.items.length, options.size));
    else options.onProgress?.(dataset.items.length, dataset.items.length);
    const decoded = known ?? (await decodeDataset(dataset, options));
    this.held.set(key, decoded);
    return decoded;
  }

  /** Drops everything that is held. */
  clear(): void {
    this.held.clear();
  }

  private makeRoom(bytes: number): void {
    let total = bytes;
    for (const { buffer } of this.held.values()) total += buffer.byteLength;
    for (const [key, { buffer }] of this.held) {
      if (total <= this.maxBytes) return;
      this.held.delete(key);
      total -= buffer.byteLength;
    }
  }
}
