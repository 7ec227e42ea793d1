import { withoutControls } from './quoted-text.ts';

const entities: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

/** A line without control characters, characters that change the writing direction, and halves of surrogate pairs. */
function line(text: string): string {
  return withoutControls(text.replace(/[\n\t]/g, ' ')).replace(/\p{Surrogate}/gu, '\ufffd');
}

/**
 * Escapes text for the content and the quoted attributes of HTML and SVG. Control characters, which XML forbids, and characters
 * that change the writing direction are removed; line breaks become spaces.
 *
 * @example `<text>${escapeMarkup(name)}</text>`
 */
export function escapeMarkup(text: string): string {
  return line(text).replace(/[&<>"']/g, (character) => entities[character]);
}

/**
 * Escapes text for Markdown: it shows as it is and starts no code, emphasis, link or HTML. Line breaks become spaces. Bars are
 * left to `markdownTable`.
 *
 * @example escapeMarkdown('a*b <i>') // 'a\\*b &lt;i&gt;'
 */
export function escapeMarkdown(text: string): string {
  return line(text)
    .replace(/[\\`*[\]~$]|(?<!\w)_|_(?!\w)/g, '\\$&')
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;');
}

/** Shortens a text to `most` characters, with an ellipsis if anything is cut. */
export function shorten(text: string, most: number): string {
  // A long text is cut before it is split into characters.
  const characters = Array.from(text.slice(0, 2 * most + 2));
  return characters.length <= most ? text : `${characters.slice(0, most - 1).join('')}…`;
}
