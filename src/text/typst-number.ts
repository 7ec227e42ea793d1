/**
 * Formats a number from a configuration as typst markup.
 *
 * @example typstNumber(1e-8) // '10#super[−8]'
 */
export function typstNumber(value: number): string {
  const [mantissa, exponent] = value.toString().split('e');
  if (exponent === undefined) return mantissa;
  const power = `10#super[${exponent.replace('-', '−').replace('+', '')}]`;
  return mantissa === '1' ? power : `${mantissa} · ${power}`;
}
