import { describe, expect, it } from 'vitest';
import { escapeMarkdown, escapeMarkup, shorten } from './escape-markup.ts';

describe('escapeMarkup', () => {
  it('leaves no way out of content or a quoted attribute', () => {
    expect(escapeMarkup(`<script>"a" & 'b'</script>`)).toBe(
      '&lt;script&gt;&quot;a&quot; &amp; &#39;b&#39;&lt;/script&gt;',
    );
  });

  it('removes what XML forbids and what turns the text around, and keeps other scripts', () => {
    expect(escapeMarkup('a\0b\u202ec\nd\ud800e')).toBe('abc d\ufffde');
    expect(escapeMarkup('שלום 👩🏽‍🔬')).toBe('שלום 👩🏽‍🔬');
  });
});

describe('escapeMarkdown', () => {
  it('escapes code, emphasis, links and HTML, but not the underscores inside a name', () => {
    expect(escapeMarkdown('`x` *y* _z_ [l](u) <b> & l_eye \\ $m$')).toBe(
      '\\`x\\` \\*y\\* \\_z\\_ \\[l\\](u) &lt;b&gt; &amp; l_eye \\\\ \\$m\\$',
    );
  });
});

describe('shorten', () => {
  it('cuts between characters', () => {
    expect(shorten('abc', 3)).toBe('abc');
    expect(shorten('abcd', 3)).toBe('ab…');
    expect(shorten('👩👩👩👩', 3)).toBe('👩👩…');
    expect(shorten('x'.repeat(1e6), 200)).toHaveLength(200);
  });
});
