const keywords = new Set(
  (
    'False None True and as assert async await break class continue def del elif else except finally for from global if import in ' +
    'is lambda nonlocal not or pass raise return try while with yield self torch nn F sys super min max print len range'
  ).split(' '),
);

/** Whether a name can be an attribute or a variable in Python. */
export function isPythonName(name: string): boolean {
  return /^[A-Za-z_]\w*$/.test(name) && !keywords.has(name);
}

/** The name itself, or with the first number after it that makes it new; it is taken from then on. */
export function uniqueName(name: string, taken: Set<string>, separator = '_'): string {
  let unique = isPythonName(name) ? name : `${name}_`;
  for (let number = 2; taken.has(unique); number++) unique = `${name}${separator}${number}`;
  taken.add(unique);
  return unique;
}
