import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { code, list, markup, table, typstString } from './typst-text.ts';

describe('markup', () => {
  it('keeps words unchanged and escapes characters with a meaning in Typst', () => {
    expect(markup('copy-paste at 0.25')).toBe('copy-paste at 0.25');
    expect(markup('l_eye #set $x$ @ref <a> [b] *c* `d` ~')).toBe(
      'l\\_eye \\#set \\$x\\$ \\@ref \\<a\\> \\[b\\] \\*c\\* \\`d\\` \\~',
    );
    expect(markup('= a\n- b // c')).toBe('\\= a \\- b \\/\\/ c');
    expect(markup('1. one')).toBe('1\\. one');
  });

  it('escapes every special character and limits the length', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 700 }), (text) => {
        const escaped = markup(text);
        expect(escaped.replace(/\\./gu, '')).not.toMatch(/[\\#$*_`<>@~[\]"'=+/|\n]/);
        expect(Array.from(escaped).length).toBeLessThanOrEqual(600);
      }),
    );
  });
});

describe('strings and tables', () => {
  it('close their quotes', () => {
    expect(typstString('a"b\\')).toBe('"a\\"b\\\\"');
    expect(code('x"); #import "y')).toBe('#raw("x\\"); #import \\"y")');
    // These are not imports of packages, which reports must not have.
    expect(typstString('@preview/x:1.0.0')).toBe('"\\u{40}preview/x:1.0.0"');
    expect(typstString('a "@preview/x:1.0.0" a@b.de')).toBe('"a \\"\\u{40}preview/x:1.0.0\\" a@b.de"');
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        expect(typstString(text)).toMatch(/^"(?:[^"\\\n]|\\["\\]|\\u\{40\})*"$/u);
      }),
    );
  });

  it('list words and lay out rows', () => {
    expect(list(['a', 'b', 'c'])).toBe('a, b and c');
    expect(list([])).toBe('');
    expect(table([{ title: 'x' }, { title: 'y', align: 'right', width: '1fr' }], [['1', '2']])).toContain(
      '  columns: (auto, 1fr,),\n  align: (left, right,),',
    );
  });
});
