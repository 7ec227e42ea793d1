const keywords = new Set(
  (
    'False None True and as assert async await break class continue def del elif else except finally for from global if import in ' +
    'is lambda nonlocal not or pass raise return try while with yield self torch nn F sys super min max print len range'
  ).split(' '),
);

/** `squeezeExcite` and `Squeeze-Excite` as `squeeze_excite`. */
export function snakeCase(name: string): string {
  const words = name.replace(/([a-z0-9])([A-Z])/g, '$1_$2').replace(/\W+/g, '_');
  return /^\d/.test(words) ? `_${words.toLowerCase()}` : words.toLowerCase();
}

/** `squeeze_excite` as `SqueezeExcite`. */
export function pascalCase(name: string): string {
  return snakeCase(name)
    .split('_')
    .map((word) => word.charAt(0).toUpperCase() + word.slice(1))
    .join('');
}

/** `stages` as `stage`: the name of one of many. */
export function singular(name: string): string {
  return /[^su]s$/.test(name) ? name.slice(0, -1) : name;
}

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
