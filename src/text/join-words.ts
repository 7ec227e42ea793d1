/**
 * Joins words into a list for a sentence.
 *
 * @example joinWords(['a', 'b', 'c']) // 'a, b or c'
 */
export function joinWords(words: readonly unknown[], conjunction: 'and' | 'or'): string {
  if (words.length < 2) return words.join('');
  return `${words.slice(0, -1).join(', ')} ${conjunction} ${words.at(-1)}`;
}
