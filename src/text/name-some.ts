/**
 * Lists the first names and counts the rest.
 *
 * @param shown maximum number of names that are listed
 * @example nameSome(['a', 'b', 'c', 'd', 'e']) // 'a, b, c and 2 more'
 */
export function nameSome(names: readonly string[], shown = 3): string {
  const list = names.slice(0, shown).join(', ');
  return names.length > shown ? `${list} and ${names.length - shown} more` : list;
}
