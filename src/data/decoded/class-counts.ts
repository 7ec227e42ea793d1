import { type DecodedDataset, decodedLabels } from './decoded-dataset.ts';

/** A run counts once, though every stage of it wants to know. */
const countsOf = new WeakMap<DecodedDataset, Uint32Array>();

/**
 * How many pixels each pair of a cache has of each id: pairs×256 numbers, by pairs.
 *
 * It reads every label when it is first asked of a cache, about 0.3 s for 1000 pairs at 512².
 */
export function classCounts(cache: DecodedDataset): Uint32Array {
  const known = countsOf.get(cache);
  if (known) return known;
  const counts = new Uint32Array(cache.stems.length * 256);
  for (let pair = 0; pair < cache.stems.length; pair++) {
    const own = counts.subarray(pair * 256, (pair + 1) * 256);
    const { data } = decodedLabels(cache, pair);
    for (let i = 0; i < data.length; i++) own[data[i]]++;
  }
  countsOf.set(cache, counts);
  return counts;
}
