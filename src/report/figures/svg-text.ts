/** The typeface of the figures, which comes with the report. */
export const figureFont = 'Arimo';

/** Text for the inside of an SVG element or attribute. */
function svgEscape(text: string): string {
  const entities: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };
  return text.replace(/\p{Cc}/gu, ' ').replace(/[&<>"]/g, (character) => entities[character]);
}

export interface SvgTextOptions {
  readonly size: number;
  readonly anchor?: 'start' | 'middle' | 'end';
  readonly color?: string;
  readonly bold?: boolean;
  /** Degrees, about the place of the text. */
  readonly turn?: number;
}

/** A line of text whose baseline starts (or is centred, or ends) at x, y. */
export function svgText(text: string, x: number, y: number, options: SvgTextOptions): string {
  const { size, anchor = 'start', color = '#1f2430', bold, turn } = options;
  return (
    `<text x="${round(x)}" y="${round(y)}" font-family="${figureFont}" font-size="${size}" fill="${color}"` +
    `${anchor === 'start' ? '' : ` text-anchor="${anchor}"`}${bold ? ' font-weight="bold"' : ''}` +
    `${turn ? ` transform="rotate(${turn} ${round(x)} ${round(y)})"` : ''}>${svgEscape(text)}</text>`
  );
}

/** About as wide as text is in Arial; no less, so that what is laid out by it has room. */
export function textWidth(text: string, size: number): number {
  const widths = Array.from(text, (character) => {
    if (/[ijl.,:;'|! ]/.test(character)) return 0.3;
    if (/[mwMW@]/.test(character)) return 0.88;
    return /[A-Z]/.test(character) ? 0.7 : 0.57;
  });
  return widths.reduce((sum, width) => sum + width, 0) * size;
}

/** The longest beginning of a text that fits a width, with an ellipsis where something was left out. */
export function fitText(text: string, size: number, width: number): string {
  const characters = Array.from(text.slice(0, 500));
  if (textWidth(text.slice(0, 500), size) <= width) return text;
  while (characters.length > 0 && textWidth(`${characters.join('')}…`, size) > width) characters.pop();
  return `${characters.join('')}…`;
}

/** Lines of words that are no wider than a width; a longer word is shortened. */
export function wrapText(text: string, size: number, width: number): string[] {
  const lines: string[] = [];
  for (const word of text.split(' ')) {
    const longer = lines.length > 0 ? `${lines.at(-1)} ${word}` : word;
    if (lines.length > 0 && textWidth(longer, size) <= width) lines[lines.length - 1] = longer;
    else lines.push(fitText(word, size, width));
  }
  return lines;
}

/** A whole image; sizes in points of the page where it is shown at its own size. */
export function svgImage(width: number, height: number, parts: readonly string[]): string {
  const [w, h] = [round(width), round(height)];
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${w}" height="${h}" viewBox="0 0 ${w} ${h}">\n${parts.join('\n')}\n</svg>\n`;
}

/** Coordinates with as many digits as can be seen. */
export function round(value: number): number {
  return Math.round(value * 100) / 100;
}
