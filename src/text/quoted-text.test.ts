import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { escapeControls, quote, withoutControls } from './quoted-text.ts';

describe('quote', () => {
  it.each([
    ['masks/ä 0.png', '"masks/ä 0.png"'],
    ['a"b\\c\n\x1b[2J', '"a\\"b\\\\c\\n\\u001b[2J"'],
    ['\x7f\x9b31m', '"\\u007f\\u009b31m"'],
    ['gnp.\u202e0\u2028', '"gnp.\\u202e0\\u2028"'],
    ['\u{e0041}', '"\\udb40\\udc41"'],
    ['x'.repeat(101), `"${'x'.repeat(100)}…"`],
  ])('writes %j', (text, quoted) => {
    expect(quote(text)).toBe(quoted);
  });

  it('leaves nothing to obey, and can be read as JSON', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 50 }), (text) => {
        expect(quote(text)).not.toMatch(/[\p{Cc}\p{Cf}]/u);
        expect(JSON.parse(quote(text))).toBe(text);
      }),
    );
  });
});

describe('withoutControls', () => {
  it('keeps text, line breaks and tabs', () => {
    expect(withoutControls('a\tb\nä👩‍🎨')).toBe('a\tb\nä👩‍🎨');
    expect(withoutControls('\x1b]0;title\x07a\x9b2J\r\x7f\u202eb')).toBe(']0;titlea2Jb');
  });
});

describe('escapeControls', () => {
  it('changes no document', () => {
    fc.assert(
      fc.property(fc.json(), (json) => {
        expect(JSON.parse(escapeControls(json))).toEqual(JSON.parse(json));
      }),
    );
    expect(escapeControls('"\x9b\x7f"')).toBe('"\\u009b\\u007f"');
  });
});
