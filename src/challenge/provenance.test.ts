import { describe, expect, it } from 'vitest';
import type { WeightsOrigin } from '../models/weights-origin.ts';
import type { InitialRun, RunEnvironment } from '../training/record/environment.ts';
import { openQuestions, refusals, usesChallengePairs } from './provenance.ts';
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

/** A run from the weights of a run, and so on; with the origin in its weights file. */
function fromRuns(count: number, start = 'random, seed 0', used = 1000) {
  const trainingData = [{ folder: 'train', pairs: used, stemsSha256: trainingStemsSha256 }];
  const sha256 = 'a'.repeat(64);
  let initialRun: InitialRun | undefined;
  let origin: WeightsOrigin = { kind: 'random', seed: 0 };
  for (let index = 1; index <= count; index++) {
    const initialWeights = initialRun ? `best.safetensors, SHA-256 ${sha256}` : start;
    initialRun = { name: `run-${index}`, step: 10, initialWeights, trainingData, ...(initialRun && { initialRun }) };
    origin = { kind: 'file', file: 'best.safetensors', sha256, before: origin };
  }
  const said = { initialWeights: `best.safetensors, SHA-256 ${sha256}`, ...(initialRun && { initialRun }) };
  return [said, { origin }] as const;
}

describe('refusals', () => {
  it.each([
    ['a run of the challenge', provenance()],
    ['a run with auxiliary heads in training', provenance({ parameters: 1200 })],
    ['fewer pairs', provenance(pairs(320))],
    ['weights that say the same', provenance({}, { origin: { kind: 'random', seed: 0 } })],
    ['a run from the weights of one’s own', provenance(...fromRuns(1))],
    ['a run from the weights of a run from the weights of a run', provenance(...fromRuns(2))],
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
    [
      'weights of a run whose start is not recorded',
      provenance({ initialWeights: 'best.safetensors, SHA-256 0' }),
      [/started from 'best\.safetensors, SHA-256 0', not from random weights/],
    ],
    [
      'weights of a run that started from others',
      provenance(...fromRuns(2, 'imagenet')),
      [/started from 'imagenet', not from random weights; pretrained weights/],
    ],
    [
      'weights whose own file says otherwise than the folder',
      provenance(fromRuns(1)[0], { origin: { kind: 'file', file: 'best.safetensors', sha256: '0'.repeat(64) } }),
      [/started from 'best\.safetensors, SHA-256 0{64}', not from random/],
    ],
    [
      'too many pairs behind the initial weights',
      provenance(fromRuns(1, 'random, seed 0', 5000)[0]),
      [/^the run 'run-1', which its initial weights come from, was trained on 5000 pairs; the challenge provides 1000/],
    ],
    [
      'too many pairs from a step on',
      provenance({ resumes: [{ step: 5, ...pairs(1001) }] as unknown as RunEnvironment['resumes'] }),
      [/^the run was trained on 1001 pairs/],
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
  it('says through which runs the weights came, and asks about data of any of them', () => {
    const { environment } = provenance(...fromRuns(2));
    expect(usesChallengePairs(environment)).toBe(true);
    expect(openQuestions(environment)).toEqual([
      expect.stringMatching(
        /^trained in 3 runs: random, seed 0; then run-1 \(10 steps\), then run-2 \(10 steps\); then this run from its weights best\.safetensors, SHA-256 a{64}; this is what the run folders recorded/,
      ),
    ]);
    const resumes = [{ step: 5, ...pairs(999) }] as unknown as RunEnvironment['resumes'];
    const later = provenance({ resumes }).environment;
    expect(usesChallengePairs(later)).toBe(false);
    expect(openQuestions(later)).toEqual([expect.stringMatching(/^trained on 999 pairs whose file names differ/)]);
  });

  it('says how many pairs a run used that holds out a fold', () => {
    const heldOut = { folds: 5, fold: 1, pairs: 203, allStemsSha256: trainingStemsSha256 };
    const trainingData = { folder: 'train', pairs: 797, stemsSha256: '0'.repeat(64), heldOut };
    const { environment } = provenance({ trainingData });
    expect(usesChallengePairs(environment)).toBe(true);
    expect(openQuestions(environment)).toEqual([
      'the run was trained on 797 of the 1000 pairs of the challenge: fold 1 of 5 was held out (data.folds); a run without folds can use all of them',
    ]);
    const other = { ...trainingData, heldOut: { ...heldOut, allStemsSha256: '1'.repeat(64) } };
    expect(usesChallengePairs(provenance({ trainingData: other }).environment)).toBe(false);
  });

  it('asks about pairs with different names, whatever their number', () => {
    expect(openQuestions(provenance().environment)).toEqual([]);
    expect(openQuestions(provenance(pairs(320)).environment)).toEqual([
      expect.stringMatching(/^trained on 320 pairs whose file names differ from the challenge/),
    ]);
  });
});
