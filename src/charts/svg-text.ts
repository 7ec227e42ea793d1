import { escapeMarkup } from '../text/escape-markup.ts';

/** The typeface of figures in files; the report includes it. */
export const figureFont = 'Arimo';

export interface SvgTextOptions {
  readonly size: number;
  readonly anchor?: 'start' | 'middle' | 'end';
  readonly color?: string;
  readonly bold?: boolean;
  /** Rotation in degrees about the position of the text. */
  readonly turn?: number;
}

/** A line of text whose baseline starts (or is centred, or ends) at x, y. */
export function svgText(text: string, x: number, y: number, options: SvgTextOptions): string {
  const { size, anchor = 'start', color = '#1f2430', bold, turn } = options;
  return (
    `<text x="${round(x)}" y="${round(y)}" font-family="${figureFont}" font-size="${size}" fill="${color}"` +
    `${anchor === 'start' ? '' : ` text-anchor="${anchor}"`}${bold ? ' font-weight="bold"' : ''}` +
    `${turn ? ` transform="rotate(${turn} ${round(x)} ${round(y)})"` : ''}>${escapeMarkup(text)}</text>`
  );
}

/** Estimated width of text in Arial; never too small, so that layouts leave enough space. */
export function textWidth(text: string, size: number): number {
  const widths = Array.from(text, (character) => {
    if (/[ijl.,:;'|! ]/.test(character)) return 0.3;
    if (/[mwMW@]/.test(character)) return 0.88;
    return /[A-Z]/.test(character) ? 0.7 : 0.57;
  });
  return widths.reduce((sum, width) => sum + width, 0) * size;
}

/** Truncates a text to a width, with an ellipsis if anything is cut. */
export function fitText(text: string, size: number, width: number): string {
  const characters = Array.from(text.slice(0, 500));
  if (textWidth(text.slice(0, 500), size) <= width) return text;
  while (characters.length > 0 && textWidth(`${characters.join('')}…`, size) > width) characters.pop();
  return `${characters.join('')}…`;
}

/** Wraps text to a width; a word that is too wide is truncated. */
export function wrapText(text: string, size: number, width: number): string[] {
  const lines: string[] = [];
  for (const word of text.split(' ')) {
    const longer = lines.length > 0 ? `${lines.at(-1)} ${word}` : word;
    if (lines.length > 0 && textWidth(longer, size) <= width) lines[lines.length - 1] = longer;
    else lines.push(fitText(word, size, width));
  }
  return lines;
}

/** A complete SVG image; at its natural size, one unit is one point on the page. */
export function svgImage(width: number, height: number, parts: readonly string[]): string {
  const [w, h] = [round(width), round(height)];
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${w}" height="${h}" viewBox="0 0 ${w} ${h}">\n${parts.join('\n')}\n</svg>\n`;
}

/** Rounds a coordinate to visible precision. */
export function round(value: number): number {
  return Math.round(value * 100) / 100;
}
