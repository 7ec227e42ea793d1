import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { temporaryFolder } from '../../test/dataset-fixture.ts';
import { readEnvironment } from './environment.ts';

const trainingData = { folder: '/data/train', pairs: 24, stemsSha256: '0'.repeat(64) };
const complete = { parameters: 1000, initialWeights: 'random, seed 0', trainingData };

describe('readEnvironment', () => {
  it('reads what it needs, and what else is there', async () => {
    const file = join(await temporaryFolder(), 'environment.json');
    await writeFile(file, JSON.stringify({ ...complete, cores: 2 }));
    expect(await readEnvironment(file)).toEqual({ ...complete, cores: 2 });
  });

  it.each<[string, unknown, RegExp]>([
    ['no file', undefined, /there is no such file/],
    ['no JSON', '{"parameters": 1', /does not tell where the run comes from \(.*JSON/],
    ['another value', 'null', /its content: .*expected object/],
    ['no parameters', { ...complete, parameters: undefined }, /parameters: .*expected number/],
    ['strange parameters', { ...complete, parameters: -1.5 }, /parameters: /],
    ['no origin', { ...complete, initialWeights: 7 }, /initialWeights: .*expected string/],
    ['no number of pairs', { ...complete, trainingData: { ...trainingData, pairs: '24' } }, /trainingData\.pairs: /],
    ['no hash', { ...complete, trainingData: { ...trainingData, stemsSha256: 'x' } }, /stemsSha256: no SHA-256/],
    ['no data', { ...complete, trainingData: undefined }, /trainingData: .*expected object/],
  ])('tells %s, in the words of the caller', async (_, content, message) => {
    const file = join(await temporaryFolder(), 'environment.json');
    const text = typeof content === 'string' ? content : JSON.stringify(content);
    if (content !== undefined) await writeFile(file, text);
    const reading = readEnvironment(file, 'runs/x cannot be resumed');
    await expect(reading).rejects.toThrow(message);
    await expect(reading).rejects.toMatchObject({
      exitCode: 2,
      message: expect.stringMatching(
        /^runs\/x cannot be resumed: .*environment\.json .*; restore the file, or train anew$/,
      ),
    });
  });
});
