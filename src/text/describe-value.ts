/** What a value is, for people: `a number`, `an Array`, `an object with the keys a, b`. */
export function describeValue(value: unknown): string {
  if (value === undefined || value === null) return String(value);
  if (typeof value !== 'object') return withArticle(typeof value);
  const name = value.constructor?.name;
  if (name && name !== 'Object') return withArticle(name);
  const keys = Object.keys(value);
  if (keys.length === 0) return 'an empty object';
  const shown = keys.slice(0, 6).join(', ');
  return `an object with the keys ${shown}${keys.length > 6 ? ', …' : ''}`;
}

function withArticle(noun: string): string {
  // A Uint8Array and a URL start with a consonant.
  return `${/^(?:[aeio]|u(?!int|rl))/i.test(noun) ? 'an' : 'a'} ${noun}`;
}
