const quotedLength = 100;

/**
 * A name from a file of unknown origin as errors may show it: in quotes as JSON writes them, cut after 100 characters,
 * with escapes for all that a terminal would obey or hide (control and format characters, line separators).
 *
 * @example quote('a\u009bm') // "a\u009bm", with a backslash
 */
export function quote(text: string): string {
  return escaped(JSON.stringify(text.length > quotedLength ? `${text.slice(0, quotedLength)}…` : text));
}

/**
 * The same JSON document without control characters that JSON lets stand and a terminal obeys (U+007F to U+009F).
 *
 * @example escapeControls(JSON.stringify('\u009b')) // "\u009b", with a backslash
 */
export function escapeControls(json: string): string {
  return json.replace(/[\u007f-\u009f]/g, escaped);
}

/** Text without what a terminal obeys: control characters but line breaks and tabs, and what turns the direction of writing. */
export function withoutControls(text: string): string {
  return text.replace(/[^\P{Cc}\n\t]|\p{Bidi_Control}/gu, '');
}

function escaped(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, (character) =>
    Array.from(
      { length: character.length },
      (_, at) => `\\u${character.charCodeAt(at).toString(16).padStart(4, '0')}`,
    ).join(''),
  );
}
