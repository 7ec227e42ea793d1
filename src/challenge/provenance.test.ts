import { describe, expect, it } from 'vitest';
import type { RunEnvironment } from '../training/environment.ts';
import { openQuestions, refusals } from './provenance.ts';
import { challengeRules } from './rules.ts';

const { parameterLimit, trainingStemsSha256 } = challengeRules;

/** What a run of the challenge says; a test changes something. */
function provenance(said: Partial<RunEnvironment> = {}, network: Partial<Parameters<typeof refusals>[0]> = {}) {
  const environment = {
    parameters: 1000,
    initialWeights: 'random, seed 0',
    trainingData: { folder: 'train', pairs: 1000, stemsSha256: trainingStemsSha256 },
    ...said,
  } as RunEnvironment;
  return { environment, parameters: 1000, parametersWithHeads: 1200, labels: 'celebamask-19', ...network };
}

const pairs = (count: number) => ({ trainingData: { folder: 'train', pairs: count, stemsSha256: '0'.repeat(64) } });
const counts = (parameters: number, parametersWithHeads = parameters) => ({ parameters, parametersWithHeads });

describe('refusals', () => {
  it.each([
    ['a run of the challenge', provenance()],
    ['a run with auxiliary heads in training', provenance({ parameters: 1200 })],
    ['fewer pairs', provenance(pairs(320))],
    ['weights that say the same', provenance({}, { origin: { kind: 'random', seed: 0 } })],
    ['one parameter below the limit', provenance({ parameters: parameterLimit - 1 }, counts(1000, parameterLimit - 1))],
  ])('has none for %s', (_, one) => {
    expect(refusals(one)).toEqual([]);
  });

  it.each([
    [
      'the limit',
      provenance({ parameters: parameterLimit }, counts(parameterLimit)),
      [/^the network has 1,821,085 trainable parameters; fewer than 1,821,085 are allowed$/],
    ],
    [
      'the limit in training alone',
      provenance({ parameters: parameterLimit }, counts(1000, parameterLimit)),
      [/trained with 1,821,085 parameters, including auxiliary heads; fewer than 1,821,085/],
    ],
    ['more weights than were trained', provenance({ parameters: 999 }), [/to another run/]],
    ['fewer weights, which no heads explain', provenance({ parameters: 1100 }), [/to another run/]],
    ['pretrained weights', provenance({ initialWeights: 'random, seed 1, then imagenet' }), [/pretrained weights/]],
    [
      'pretrained weights recorded only in the weights file',
      provenance({}, { origin: { kind: 'file', file: 'resnet18.safetensors', sha256: '0'.repeat(64) } }),
      [/started from 'resnet18\.safetensors, SHA-256 0{64}', not from random weights; pretrained weights/],
    ],
    ['too many pairs', provenance(pairs(1001)), [/trained on 1001 pairs; the challenge provides 1000/]],
    [
      'another label set',
      provenance({}, { labels: 'face-8' }),
      [/label set 'face-8'; the challenge uses celebamask-19/],
    ],
    [
      'everything at once',
      provenance({ ...pairs(30_000), initialWeights: 'imagenet', parameters: 7 }, { ...counts(2e6), labels: 'face-8' }),
      [/2,000,000 trainable/, /another run/, /imagenet/, /30000 pairs/, /face-8/],
    ],
  ])('reports %s', (_, one, reasons) => {
    expect(refusals(one)).toEqual(reasons.map((reason) => expect.stringMatching(reason)));
  });
});

describe('openQuestions', () => {
  it('asks about pairs with different names, whatever their number', () => {
    expect(openQuestions(provenance().environment)).toEqual([]);
    expect(openQuestions(provenance(pairs(320)).environment)).toEqual([
      expect.stringMatching(/^trained on 320 pairs whose file names differ from the challenge/),
    ]);
  });
});
