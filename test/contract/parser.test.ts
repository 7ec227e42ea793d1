import { readFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { decodeWeights } from '../../src/models/weights-file.ts';
import { bundledWeights } from '../../src/node/bundled-weights.ts';
import { FaceParser } from '../../src/parser/face-parser.ts';
import { drawSyntheticFace } from '../../src/synthetic/face.ts';
import { loadEngines } from './engines.ts';

/** The share of pixels on which two engines may differ: those where two classes score all but the same. */
const tolerance = 1e-3;

const weights = decodeWeights(await readFile(bundledWeights));
const { photo } = drawSyntheticFace(3, 256);
// The reference engine would take minutes for a network of this size.
const engines = (await loadEngines()).filter(({ name }) => name !== 'reference');

async function parse(engine: (typeof engines)[number]): Promise<Uint8Array> {
  const parser = await FaceParser.create(weights, engine);
  const { labels } = await parser.parse(photo);
  await parser.dispose();
  return labels;
}

describe('a synthetic face, parsed with the bundled weights', async () => {
  const [first, ...others] = engines;
  const expected = await parse(first);

  it('is more than background', () => {
    // Hair, skin and nose at least.
    for (const id of [0, 1, 2, 13])
      expect(expected.filter((label) => label === id).length, `class ${id}`).toBeGreaterThan(100);
  });

  it.each(others)(`has the same labels on $name, $device as on ${first.name}, ${first.device}`, async (engine) => {
    const labels = await parse(engine);
    const different = labels.reduce((count, label, pixel) => count + (label === expected[pixel] ? 0 : 1), 0);
    expect(different / labels.length).toBeLessThanOrEqual(tolerance);
  });
});
