import { describe, expect, it } from 'vitest';
import { fitText, strokeText, textWidth } from './stroke-font.ts';

describe('stroke font', () => {
  it('is wider for wider letters and grows with its height', () => {
    expect(textWidth('WW', 12)).toBeGreaterThan(textWidth('ii', 12));
    expect(textWidth('hair', 24)).toBeCloseTo(2 * textWidth('hair', 12));
    expect(textWidth('', 12)).toBe(0);
  });

  it('has a glyph of its own for every letter, digit and common sign', () => {
    const characters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789!"#%&\'()*+,-./:;<=>?[\\]_|·×–';
    const drawn = Array.from(characters, (c) => strokeText(c, 0, 0, 6, '#000').match(/ d="([^"]+)"/)?.[1]);
    const box = strokeText('\u{1f600}', 0, 0, 6, '#000').match(/ d="([^"]+)"/)?.[1];
    expect(box).toBeDefined();
    for (const [i, path] of drawn.entries()) expect(path, characters[i]).toMatch(/^M/);
    expect(drawn).not.toContain(box);
    expect(new Set(drawn).size).toBe(drawn.length);
  });

  it('never lets text into the markup', () => {
    expect(strokeText('<script>"&', 0, 0, 6, '#000')).not.toMatch(/script|&/);
    expect(strokeText('constructor', 0, 0, 6, '#000').match(/<path/g)).toHaveLength(11);
  });

  it('shortens text to a width', () => {
    expect(fitText('hair', 10, 500)).toBe('hair');
    const short = fitText('a rather long caption', 10, 60);
    expect(short).toMatch(/^a r.*\.\.$/);
    expect(textWidth(short, 10)).toBeLessThanOrEqual(60);
    expect(fitText('hair', 10, 1)).toBe('');
  });
});
