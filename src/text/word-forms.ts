/** Converts `squeezeExcite` and `Squeeze-Excite` to `squeeze_excite`. */
export function snakeCase(name: string): string {
  const words = name.replace(/([a-z0-9])([A-Z])/g, '$1_$2').replace(/\W+/g, '_');
  return /^\d/.test(words) ? `_${words.toLowerCase()}` : words.toLowerCase();
}

/** Converts `squeeze_excite` to `SqueezeExcite`. */
export function pascalCase(name: string): string {
  return snakeCase(name)
    .split('_')
    .map((word) => word.charAt(0).toUpperCase() + word.slice(1))
    .join('');
}

/** Converts `stages` to `stage`. */
export function singular(name: string): string {
  return /[^su]s$/.test(name) ? name.slice(0, -1) : name;
}
