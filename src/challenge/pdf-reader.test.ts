import { deflateSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { readPdfFacts } from './pdf-reader.ts';

const bytes = (...parts: (string | Buffer)[]) =>
  Buffer.concat(parts.map((part) => (typeof part === 'string' ? Buffer.from(part, 'latin1') : part)));

describe('readPdfFacts', () => {
  it('reads the page tree and the keywords', () => {
    const pdf = bytes(
      '%PDF-1.7\n1 0 obj <</Type /Pages /Kids [2 0 R 3 0 R] /Resources <</Font <<>> >> /Count 7>> endobj\n',
      '2 0 obj <</Type/Pages/Parent 1 0 R/Count 3>> endobj 9 0 obj <</Type /Outlines /Count 50>> endobj\n',
      '4 0 obj <</Keywords (a, b)>> endobj',
    );
    expect(readPdfFacts(pdf)).toEqual({ pages: 7, keywords: 'a, b' });
  });

  it('reads compressed objects', () => {
    const packed = deflateSync('1 0 <</Type/Pages/Count 4/Kids[2 0 R]>>');
    const pdf = bytes('%PDF-1.7\n5 0 obj <</Type/ObjStm/N 1>>stream\n', packed, '\nendstream endobj');
    expect(readPdfFacts(pdf).pages).toBe(4);
  });

  it('counts pages without a tree and returns undefined if there are none', () => {
    expect(readPdfFacts(bytes('<</Type /Page>> <</Type/Page/X 1>>')).pages).toBe(2);
    expect(readPdfFacts(bytes('%PDF-1.7 mine'))).toEqual({ keywords: '' });
  });

  it('is bounded for hostile files', () => {
    const bomb = deflateSync(Buffer.alloc(2 ** 27));
    const pdf = bytes('<</Type/ObjStm>>stream\n', bomb, 'endstream', '/Type/Pages '.repeat(100_000), '<'.repeat(1e6));
    expect(readPdfFacts(pdf).pages).toBeUndefined();
  });

  it.each([
    [
      'streams that unpack to more than it may',
      bytes('<</Type/ObjStm>>stream\n', deflateSync(Buffer.alloc(2 ** 26)), 'endstream\n'),
      '',
    ],
    ['starts of streams before one end', bytes('<</Type/ObjStm>>stream\n'), `${' '.repeat(2 ** 24)}endstream`],
  ])('takes little time for a thousand %s', (_, stream, end) => {
    const pdf = bytes('%PDF-1.7\n', ...Array<Buffer>(1000).fill(stream), end, '<</Type /Pages /Count 3>>');
    const start = performance.now();
    expect(readPdfFacts(pdf).pages).toBe(3);
    expect(performance.now() - start).toBeLessThan(4000);
  });
});
