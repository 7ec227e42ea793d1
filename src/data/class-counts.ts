import { cachedLabels, type PictureCache } from './cached-pictures.ts';

/**
 * How many pixels each pair of a cache has of each id: pairs×256 numbers, by pairs.
 *
 * It reads every label once, about 0.3 s for 1000 pairs at 512².
 */
export function classCounts(cache: PictureCache): Uint32Array {
  const counts = new Uint32Array(cache.stems.length * 256);
  for (let pair = 0; pair < cache.stems.length; pair++) {
    const own = counts.subarray(pair * 256, (pair + 1) * 256);
    const { data } = cachedLabels(cache, pair);
    for (let i = 0; i < data.length; i++) own[data[i]]++;
  }
  return counts;
}
