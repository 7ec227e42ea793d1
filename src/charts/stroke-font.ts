/**
 * A small stroke font as SVG path data: captions look the same on machines without fonts.
 * A glyph is [advance, path]. Capitals extend from y = 0 to 6, small letters start at 2, descenders reach 8.
 */
const glyphs: Readonly<Record<string, readonly [number, string]>> = {
  ' ': [2.4, ''],
  '!': [1.8, 'M.9 0V4M.9 5.9V6'],
  '"': [2.6, 'M.7 0V1.6M1.9 0V1.6'],
  '#': [4.4, 'M1.5 .6L.9 5.6M3.3 .6L2.7 5.6M.4 2.2H4M.2 4.2H3.8'],
  '%': [5.4, 'M4.2 0L1.2 6M1.5 0A1 1.3 0 1 0 1.5 2.6A1 1.3 0 1 0 1.5 0M4 3.4A1 1.3 0 1 0 4 6A1 1.3 0 1 0 4 3.4'],
  '&': [4.8, 'M4.3 6L1.3 2.2Q.5 .2 2 0Q3.5 .2 2.7 1.9L1.2 3.1Q-.3 5 1.4 5.9Q3.6 6.4 4.2 3.4'],
  "'": [1.6, 'M.8 0V1.6'],
  '(': [2.2, 'M1.8 -.6Q-.4 3 1.8 6.8'],
  ')': [2.2, 'M.4 -.6Q2.6 3 .4 6.8'],
  '*': [3.2, 'M1.6 .4V3.2M.4 1.1L2.8 2.5M2.8 1.1L.4 2.5'],
  '+': [4, 'M2 1.6V5.2M.3 3.4H3.7'],
  ',': [1.7, 'M.9 5.7V6L.6 7.1'],
  '-': [3, 'M.5 3.6H2.5'],
  '.': [1.7, 'M.85 5.9V6'],
  '/': [3, 'M2.6 -.3L.4 6.6'],
  '0': [4, 'M2 0Q3.6 0 3.6 3T2 6Q.4 6 .4 3T2 0'],
  '1': [4, 'M.9 1.2L2.2 0V6M.9 6H3.4'],
  '2': [4, 'M.5 1.4Q.7 0 2 0Q3.5 0 3.5 1.6Q3.5 2.6 2.4 3.7L.5 6H3.6'],
  '3': [4, 'M.6 .9Q1 0 2 0Q3.4 0 3.4 1.4Q3.4 2.8 1.5 2.8Q3.6 2.9 3.6 4.4Q3.6 6 2 6Q.8 6 .4 4.9'],
  '4': [4, 'M2.8 6V0L.3 4.3H3.8'],
  '5': [4, 'M3.3 0H.8L.6 2.7Q1.2 2.2 2 2.2Q3.6 2.3 3.6 4Q3.6 6 1.9 6Q.8 6 .4 5'],
  '6': [4, 'M3.3 .6Q2.8 0 2.1 0Q.4 .2 .4 3.6Q.5 6 2 6Q3.6 5.9 3.6 4.1Q3.6 2.4 2.1 2.4Q.7 2.4 .4 4'],
  '7': [4, 'M.4 0H3.6L1.5 6'],
  '8': [4, 'M2 2.8Q.6 2.6 .6 1.4T2 0T3.4 1.4T2 2.8Q.4 3 .4 4.4T2 6T3.6 4.4T2 2.8'],
  '9': [4, 'M.7 5.4Q1.2 6 1.9 6Q3.6 5.8 3.6 2.4Q3.5 0 2 0Q.4 .1 .4 1.9Q.4 3.6 1.9 3.6Q3.3 3.6 3.6 2'],
  ':': [1.7, 'M.85 2.6V2.7M.85 5.8V5.9'],
  ';': [1.7, 'M.9 2.6V2.7M.9 5.7V6L.6 7.1'],
  '<': [4, 'M3.5 1.6L.5 3.5L3.5 5.4'],
  '=': [4, 'M.4 2.7H3.6M.4 4.3H3.6'],
  '>': [4, 'M.5 1.6L3.5 3.5L.5 5.4'],
  '?': [3.6, 'M.4 1.2Q.6 0 1.8 0Q3.2 .1 3.2 1.4Q3.2 2.3 2.2 2.8Q1.7 3.2 1.7 4.1M1.7 5.9V6'],
  '[': [2.2, 'M1.8 -.6H.7V6.8H1.8'],
  '\\': [3, 'M.4 -.3L2.6 6.6'],
  ']': [2.2, 'M.4 -.6H1.5V6.8H.4'],
  _: [3.8, 'M.2 6.9H3.6'],
  '|': [1.6, 'M.8 -.6V6.8'],
  '·': [1.7, 'M.85 3.5V3.6'],
  '×': [3.8, 'M.6 2L3.2 4.9M3.2 2L.6 4.9'],
  '–': [3.8, 'M.4 3.6H3.4'],
  A: [4.6, 'M.3 6L2.3 0L4.3 6M1 4H3.6'],
  B: [4.4, 'M.6 0V6H2.4Q3.9 5.9 3.9 4.4Q3.9 2.9 2.4 2.9H.6M.6 0H2.2Q3.5 .1 3.5 1.5Q3.5 2.8 2.2 2.9'],
  C: [4.6, 'M4.2 1.1Q3.6 0 2.4 0Q.4 .2 .4 3Q.4 5.8 2.4 6Q3.7 6 4.2 4.9'],
  D: [4.7, 'M.6 0V6H1.8Q4.3 5.9 4.3 3Q4.3 .1 1.8 0H.6'],
  E: [4, 'M3.6 0H.6V6H3.6M.6 2.9H3.1'],
  F: [3.9, 'M3.6 0H.6V6M.6 2.9H3.1'],
  G: [4.8, 'M4.2 1.1Q3.6 0 2.4 0Q.4 .2 .4 3Q.4 5.8 2.4 6Q4.2 6 4.3 3.3H2.7'],
  H: [4.8, 'M.6 0V6M4.2 0V6M.6 2.9H4.2'],
  I: [1.8, 'M.9 0V6'],
  J: [3.6, 'M3 0V4.4Q2.9 6 1.6 6Q.5 6 .3 4.8'],
  K: [4.4, 'M.6 0V6M4 0L.6 3.7M1.9 2.4L4.2 6'],
  L: [3.8, 'M.6 0V6H3.5'],
  M: [5.4, 'M.6 6V0L2.7 4.2L4.8 0V6'],
  N: [4.8, 'M.6 6V0L4.2 6V0'],
  O: [5, 'M2.5 0Q4.6 .1 4.6 3T2.5 6Q.4 5.9 .4 3T2.5 0'],
  P: [4.2, 'M.6 6V0H2.3Q3.8 .1 3.8 1.7Q3.8 3.3 2.3 3.3H.6'],
  Q: [5, 'M2.5 0Q4.6 .1 4.6 3T2.5 6Q.4 5.9 .4 3T2.5 0M3 4.6L4.7 6.5'],
  R: [4.4, 'M.6 6V0H2.3Q3.8 .1 3.8 1.6Q3.8 3.1 2.3 3.1H.6M2.3 3.1L4 6'],
  S: [4.2, 'M3.6 1Q3.2 0 2.1 0Q.6 .1 .6 1.5Q.6 2.6 2.1 2.9Q3.8 3.2 3.8 4.5Q3.7 6 2.1 6Q.8 6 .3 4.9'],
  T: [4.2, 'M.2 0H4M2.1 0V6'],
  U: [4.8, 'M.6 0V3.8Q.7 6 2.4 6T4.2 3.8V0'],
  V: [4.4, 'M.3 0L2.2 6L4.1 0'],
  W: [6.2, 'M.3 0L1.7 6L3.1 .6L4.5 6L5.9 0'],
  X: [4.4, 'M.4 0L4 6M4 0L.4 6'],
  Y: [4.4, 'M.3 0L2.2 3L4.1 0M2.2 3V6'],
  Z: [4.4, 'M.5 0H3.9L.4 6H4'],
  a: [3.8, 'M.7 2.6Q1.2 2 1.9 2Q3.1 2 3.1 3.3V6M3.1 3.8Q.4 3.7 .4 5Q.5 6 1.5 6Q2.8 5.9 3.1 4.7'],
  b: [4, 'M.6 0V6M.6 3.6Q.9 2 2.1 2Q3.5 2.1 3.5 4T2.1 6Q.9 6 .6 4.4'],
  c: [3.6, 'M3.3 2.8Q2.9 2 2 2Q.4 2.1 .4 4Q.4 5.9 2 6Q2.9 6 3.3 5.2'],
  d: [4, 'M3.4 0V6M3.4 3.6Q3.1 2 1.9 2Q.5 2.1 .5 4T1.9 6Q3.1 6 3.4 4.4'],
  e: [3.8, 'M.5 3.9H3.4Q3.4 2 1.9 2Q.4 2.1 .4 4Q.4 6 2 6Q2.9 6 3.3 5.3'],
  f: [2.5, 'M2.3 .1Q1.1 -.2 1.1 1.3V6M.2 2.2H2.2'],
  g: [4, 'M3.4 2V6.3Q3.3 7.9 1.9 7.9Q1 7.9 .7 7.3M3.4 3.5Q3.1 2 1.9 2Q.5 2.1 .5 3.9T1.9 5.8Q3.1 5.8 3.4 4.3'],
  h: [4, 'M.6 0V6M.6 3.8Q.8 2 2.1 2Q3.4 2 3.4 3.7V6'],
  i: [1.6, 'M.8 2.2V6M.8 .5V.6'],
  j: [1.7, 'M.9 2.2V6.8Q.8 7.8 -.1 7.7M.9 .5V.6'],
  k: [3.6, 'M.6 0V6M3.2 2.1L.6 4.5M1.6 3.6L3.4 6'],
  l: [1.6, 'M.8 0V6'],
  m: [5.8, 'M.6 2.1V6M.6 3.7Q.8 2 1.8 2Q2.9 2 2.9 3.6V6M2.9 3.7Q3.1 2 4.1 2Q5.2 2 5.2 3.6V6'],
  n: [4, 'M.6 2.1V6M.6 3.8Q.8 2 2.1 2Q3.4 2 3.4 3.7V6'],
  o: [4, 'M2 2Q3.6 2.1 3.6 4T2 6Q.4 5.9 .4 4T2 2'],
  p: [4, 'M.6 2.1V7.9M.6 3.6Q.9 2 2.1 2Q3.5 2.1 3.5 4T2.1 6Q.9 6 .6 4.4'],
  q: [4, 'M3.4 2.1V7.9M3.4 3.6Q3.1 2 1.9 2Q.5 2.1 .5 4T1.9 6Q3.1 6 3.4 4.4'],
  r: [2.6, 'M.6 2.1V6M.6 3.9Q.9 1.9 2.4 2.1'],
  s: [3.4, 'M3 2.7Q2.6 2 1.7 2Q.5 2 .5 3Q.5 3.7 1.7 4Q3 4.2 3 5Q2.9 6 1.7 6Q.7 6 .3 5.3'],
  t: [2.6, 'M1.1 .8V4.8Q1.1 6.1 2.4 5.9M.2 2.2H2.3'],
  u: [4, 'M.6 2V4.3Q.6 6 1.9 6Q3.2 6 3.4 4.2M3.4 2V6'],
  v: [3.6, 'M.3 2L1.8 6L3.3 2'],
  w: [5.2, 'M.3 2L1.5 6L2.6 2.4L3.7 6L4.9 2'],
  x: [3.6, 'M.4 2L3.2 6M3.2 2L.4 6'],
  y: [3.6, 'M.3 2L1.8 5.9M3.3 2L1.6 6.6Q1.2 7.9 .2 7.7'],
  z: [3.6, 'M.5 2H3.1L.4 6H3.3'],
};

const capitalHeight = 6;
const unknown: readonly [number, string] = [4, 'M.5 0H3.5V6H.5Z'];

function glyphOf(character: string): readonly [number, string] {
  return Object.hasOwn(glyphs, character) ? glyphs[character] : unknown;
}

/** Returns the width in pixels of a line of text whose capitals are `height` pixels high. */
export function textWidth(text: string, height: number): number {
  return (Array.from(text, (c) => glyphOf(c)[0] + 0.35).reduce((a, b) => a + b, 0) * height) / capitalHeight;
}

/** Truncates a text to a width, with two dots if it was cut. */
export function fitText(text: string, height: number, width: number): string {
  if (textWidth(text, height) <= width) return text;
  const characters = Array.from(text);
  while (characters.length > 0 && textWidth(`${characters.join('')}..`, height) > width) characters.pop();
  return characters.length > 0 ? `${characters.join('')}..` : '';
}

/**
 * Draws one line of text as an SVG fragment of strokes; x, y is the top left of the capitals, in pixels. Characters missing
 * from the font become boxes.
 *
 * @example `<svg …>${strokeText('hair', 8, 8, 12, '#222')}</svg>`
 */
export function strokeText(text: string, x: number, y: number, height: number, color: string): string {
  const scale = height / capitalHeight;
  let at = 0;
  const paths = Array.from(text, (character) => {
    const [advance, path] = glyphOf(character);
    const placed = path === '' ? '' : `<path transform="translate(${at.toFixed(2)} 0)" d="${path}"/>`;
    at += advance + 0.35;
    return placed;
  });
  return (
    `<g transform="translate(${x.toFixed(1)} ${y.toFixed(1)}) scale(${scale.toFixed(4)})" fill="none" stroke="${color}" ` +
    `stroke-width="0.72" stroke-linecap="round" stroke-linejoin="round">${paths.join('')}</g>`
  );
}
