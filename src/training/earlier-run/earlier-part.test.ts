import { mkdir, writeFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { temporaryFolder } from '../../../test/dataset-fixture.ts';
import { parseConfig } from '../../config/parse-config.ts';
import { type DataRecord, readEnvironment, recordResume } from '../record/environment.ts';
import { runFolder } from '../record/run-folder.ts';
import {
  describeChanges,
  type EarlierPart,
  findChanges,
  hasSameValidation,
  positionAt,
  readEarlierPart,
} from './earlier-part.ts';

const data = (folder: string, more: Partial<DataRecord> = {}): DataRecord => ({
  folder,
  pairs: 24,
  stemsSha256: '0'.repeat(64),
  ...more,
});
const others = { pairs: 30, stemsSha256: '1'.repeat(64) };
const config = (...overrides: string[]) => parseConfig('', 'a', ['train.batchSize=4', ...overrides]);
const environment = {
  parameters: 1,
  initialWeights: 'random, seed 0',
  trainingData: data('x/train'),
  validationData: data('x/val'),
};
const before = { config: config(), ...environment, environment } as unknown as EarlierPart;
const now = { config: config(), trainingData: data('x/train'), validationData: data('x/val') };

describe('findChanges', () => {
  it('finds nothing where all is as it was', () => {
    expect(findChanges(before, now)).toEqual({});
    // Earlier versions counted no repairs, and recorded no validation pairs.
    const repaired = { whole: 1, part: 0 };
    expect(findChanges(before, { ...now, trainingData: data('x/train', { repaired }) })).toEqual({});
    const { validationData: _, ...older } = before;
    expect(findChanges(older, now)).toEqual({});
  });

  it('finds settings, moved data, other data and other repairs', () => {
    expect(findChanges(before, { ...now, config: config('train.lr=1e-4') })).toEqual({
      changes: [{ key: 'train.lr', from: 0.002, to: 1e-4 }],
    });
    const moved = { ...now, trainingData: data('y/train'), validationData: data('y/val', others) };
    const found = findChanges(before, moved);
    expect(found).toEqual({ trainingData: moved.trainingData, validationData: moved.validationData });
    expect(describeChanges({ ...found, changes: [{ key: 'train.lr', from: 1, to: 2 }] }, before, 1200)).toEqual([
      'from step 1,200 on: train.lr from 1 to 2',
      'from step 1,200 on: training on 24 pairs of y/train, with the same names as in x/train',
      'from step 1,200 on: validation on 30 pairs of y/val, other images than the 24 of x/val',
    ]);
    const counted = { ...before, trainingData: data('x/train', { repaired: { whole: 1, part: 0 } }) };
    expect(Object.keys(findChanges(counted, now))).toEqual(['trainingData']);
    const { validationData: _, ...older } = before;
    expect(Object.keys(findChanges(older, moved))).toEqual(['trainingData', 'validationData']);
  });
});

describe('hasSameValidation', () => {
  it('tells whether scores can be compared', () => {
    expect(hasSameValidation(before, now)).toBe(true);
    expect(hasSameValidation(before, { ...now, validationData: data('moved/val') })).toBe(true);
    expect(hasSameValidation(before, { ...now, validationData: data('x/val', others) })).toBe(false);
    expect(hasSameValidation(before, { ...now, config: config('validation.limit=3') })).toBe(false);
  });
});

describe('positionAt', () => {
  it('is in the checkpoint, or else follows from pairs and batch size', () => {
    const window = { count: 0, read: 0, images: 0, seconds: 0, sums: {} };
    const record = { bestStep: 1, resolution: 0, metrics: '', eventBytes: 0, window };
    const checkpoint = { step: 7, seconds: 3, bestF: 0, states: new Map() };
    const stored = { ...checkpoint, record: { ...record, stepsPerEpoch: 9, offset: -2 } };
    expect(positionAt(stored, before)).toEqual({ step: 7, seconds: 3, offset: -2, stepsPerEpoch: 9 });
    for (const older of [checkpoint, { ...checkpoint, record }]) {
      expect(positionAt(older, before)).toEqual({ step: 7, seconds: 3, offset: 0, stepsPerEpoch: 6 });
    }
  });
});

describe('readEarlierPart', () => {
  it('reads what was in force before a step, even if a later change was recorded but not made', async () => {
    const folder = runFolder(await temporaryFolder());
    await mkdir(folder.path, { recursive: true });
    await writeFile(folder.config, stringify(config('name=a', 'train.lr=1e-4')));
    await writeFile(folder.environment, JSON.stringify({ ...environment, faceparse: '1', cpu: 'a', engine: {} }));
    const recorded = await readEnvironment(folder.environment);
    const first = { changes: [{ key: 'train.lr', from: 0.002, to: 1e-4 }], trainingData: data('y/train') };
    await recordResume(folder.environment, recorded, 5, first);
    await recordResume(folder.environment, recorded, 9, { changes: [{ key: 'train.lr', from: 1e-4, to: 1e-5 }] });
    expect(await readEarlierPart(folder, 9)).toMatchObject({
      config: { train: { lr: 1e-4 } },
      trainingData: { folder: 'y/train' },
      validationData: { folder: 'x/val' },
    });
    expect(await readEarlierPart(folder, 5)).toMatchObject({
      config: { train: { lr: 0.002 } },
      trainingData: { folder: 'x/train' },
    });
  });
});
