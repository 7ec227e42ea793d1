import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { contentOf } from './file-content.ts';

const bytesOf = (text: string) => Buffer.from(text, 'latin1');

describe('contentOf', () => {
  it.each([
    ['\xff\xd8\xff\xe0', 'a JPEG image', 'read'],
    ['\0\0\0\x1cftypavif\0\0\0\0mif1', 'an AVIF image', 'read'],
    ['\0\0\0\x1cftypmif1\0\0\0\0mif1avif', 'an AVIF image', 'read'],
    ['\0\0\0\x1cftypmif1\0\0\0\0mif1heic', 'a HEIC image', 'read'],
    ['\0\0\0\x18ftypheix\0\0\0\0', 'a HEIC image', 'read'],
    ['\0\0\0\x18ftypisom\0\0\0\0', 'a video or audio file', 'other'],
    ['MM\0*\0\0\0\x08', 'a TIFF image', 'read'],
    ['BM\x36\0\x0c\0\0\0\0\0', 'a BMP image', 'read'],
    ['BMW is a car maker', 'a text file', 'other'],
    ['\n  <!DOCTYPE html><p>404', 'an HTML page', 'other'],
    ['\xef\xbb\xbf<html>', 'an HTML page', 'other'],
    ['<?xml version="1.0"?>\n<svg>', 'an SVG drawing', 'unsupported'],
    ['\0\0\0\x0cjP  \r\n', 'a JPEG 2000 image', 'unsupported'],
    ['', 'an empty file', 'other'],
    ['\0\x01\x02\x03', 'a file of unknown format', 'other'],
    ['PK\x03\x04', 'a zip file', 'other'],
  ])('%j is %s', (text, name, kind) => {
    expect(contentOf(bytesOf(text))).toMatchObject({ name, kind });
  });

  it('says something about any bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 100 }), (bytes) => {
        const { name, kind, format } = contentOf(bytes);
        expect(name).toMatch(/^an? \w/);
        expect(kind === 'read').toBe(format !== undefined);
      }),
    );
  });
});
