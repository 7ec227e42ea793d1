const quotedLength = 100;

/**
 * Quotes a name from an untrusted file for error messages: as a JSON string, cut after 100 characters, with control and
 * format characters and line separators escaped.
 *
 * @example quote('a\u009bm') // "a\u009bm", with a backslash
 */
export function quote(text: string): string {
  return escaped(JSON.stringify(text.length > quotedLength ? `${text.slice(0, quotedLength)}…` : text));
}

/**
 * Escapes the control characters in a JSON document that JSON permits but a terminal interprets (U+007F to U+009F).
 *
 * @example escapeControls(JSON.stringify('\u009b')) // "\u009b", with a backslash
 */
export function escapeControls(json: string): string {
  return json.replace(/[\u007f-\u009f]/g, escaped);
}

/** Removes control characters except line breaks and tabs, and characters that change the writing direction. */
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
