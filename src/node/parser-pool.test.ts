import { describe, expect, it } from 'vitest';
import { drawSyntheticFace } from '../synthetic/face.ts';
import { ParserPool, planPool } from './parser-pool.ts';

describe('planPool', () => {
  it.each([
    [1, 2, 1, 2],
    [7, 2, 1, 2],
    [8, 2, 2, 1],
    [1000, 2, 2, 1],
    [1000, 1, 1, 1],
    [10, 16, 2, 8],
    [1000, 16, 8, 2],
    [1000, 20, 8, 2],
  ])('%i photos on %i cores: %i parsers of %i threads', (photos, cores, parsers, threads) => {
    expect(planPool(photos, cores)).toEqual({ parsers, threads });
  });
});

describe('ParserPool', () => {
  it('gives the labels of a single parser, whichever parses', async () => {
    const pool = await ParserPool.load(2, undefined, { name: 'onnx', threads: 1, detector: false });
    const { photo } = drawSyntheticFace(4, 96);
    const expected = await pool.parser.parse(photo);
    const results = await Promise.all(Array.from({ length: 5 }, () => pool.parse(photo, {})));
    for (const { labels } of results) expect(Buffer.compare(labels, expected.labels)).toBe(0);
    await pool.dispose();
    await expect(pool.parse(photo, {})).rejects.toThrow('this parser has been disposed');
  });

  it('passes on errors of parsers, and of loading', async () => {
    await expect(ParserPool.load(2, 'missing', {})).rejects.toMatchObject({ exitCode: 2 });
    const pool = await ParserPool.load(1, undefined, { name: 'onnx', threads: 1, detector: false });
    await expect(pool.parse({ width: 0 } as never, {})).rejects.toThrow();
    await pool.dispose();
  });
});
