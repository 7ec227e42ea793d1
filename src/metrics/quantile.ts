/**
 * A quantile of sorted numbers, interpolated linearly between neighbours.
 *
 * @param share 0 for the lowest number, 0.5 for the median, 1 for the highest
 *
 * @example quantile([1, 2, 4], 0.75) // 3
 */
export function quantile(sorted: ArrayLike<number>, share: number): number {
  const place = share * (sorted.length - 1);
  const low = Math.floor(place);
  const high = Math.min(low + 1, sorted.length - 1);
  return sorted[low] + (sorted[high] - sorted[low]) * (place - low);
}
