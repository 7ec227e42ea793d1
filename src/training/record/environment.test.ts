import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { temporaryFolder } from '../../../test/dataset-fixture.ts';
import {
  allTrainingData,
  type RunEnvironment,
  readEnvironment,
  readSettingChanges,
  recordResume,
} from './environment.ts';

const trainingData = { folder: '/data/train', pairs: 24, stemsSha256: '0'.repeat(64) };
const complete = { parameters: 1000, initialWeights: 'random, seed 0', trainingData };

describe('readEnvironment', () => {
  it('reads what it needs, and what else is there', async () => {
    const file = join(await temporaryFolder(), 'environment.json');
    await writeFile(file, JSON.stringify({ ...complete, cores: 2 }));
    expect(await readEnvironment(file)).toEqual({ ...complete, cores: 2 });
  });

  it.each<[string, unknown, RegExp]>([
    ['no file', undefined, /no such file/],
    ['no JSON', '{"parameters": 1', /does not record the origin of the run \(.*JSON/],
    ['another value', 'null', /its content: .*expected object/],
    ['no parameters', { ...complete, parameters: undefined }, /parameters: .*expected number/],
    ['strange parameters', { ...complete, parameters: -1.5 }, /parameters: /],
    ['no origin', { ...complete, initialWeights: 7 }, /initialWeights: .*expected string/],
    ['no number of pairs', { ...complete, trainingData: { ...trainingData, pairs: '24' } }, /trainingData\.pairs: /],
    [
      'no hash',
      { ...complete, trainingData: { ...trainingData, stemsSha256: 'x' } },
      /stemsSha256: not a hexadecimal SHA-256/,
    ],
    ['a damaged part', { ...complete, resumes: [{ step: 'x' }] }, /resumes\.0\.step: /],
    ['a damaged earlier run', { ...complete, initialRun: { name: 'a' } }, /initialRun\.\S+: /],
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
        /^runs\/x cannot be resumed: .*environment\.json .*; restore the file, or train again$/,
      ),
    });
  });
});

describe('recordResume', () => {
  const engine = { name: 'native', device: 'cpu', threads: 1 };
  const begun = { ...complete, faceparse: '1', cpu: 'a', engine, length: '3 epochs', started: 'then' };
  const now = (change: Partial<RunEnvironment> = {}) => ({ ...begun, started: 'now', ...change }) as RunEnvironment;
  const onnx = { ...engine, name: 'onnx' };

  async function resumed(recorded: object, ...parts: readonly [number, Partial<RunEnvironment>][]) {
    const file = join(await temporaryFolder(), 'environment.json');
    await writeFile(file, JSON.stringify(recorded));
    for (const [step, change] of parts) await recordResume(file, now(change), step);
    return (await readEnvironment(file)).resumes?.map((part) => [part.step, part.engine.name, part.length]);
  }

  it('adds nothing where all is as it was', async () => {
    expect(await resumed(begun, [5, {}], [9, {}])).toBeUndefined();
    // Earlier versions did not record the length.
    expect(await resumed({ ...begun, length: undefined }, [5, { length: '2 minutes' }])).toBeUndefined();
  });

  it('adds a part with the step at which it begins', async () => {
    const changes: [number, Partial<RunEnvironment>][] = [
      [5, { engine: onnx }],
      [9, { engine: onnx }],
      [12, { engine: onnx, length: '2 minutes' }],
      [15, {}],
    ];
    expect(await resumed(begun, ...changes)).toEqual([
      [5, 'onnx', '3 epochs'],
      [12, 'onnx', '2 minutes'],
      [15, 'native', '3 epochs'],
    ]);
  });

  it('adds a part for changed settings and data, and keeps them', async () => {
    const file = join(await temporaryFolder(), 'environment.json');
    await writeFile(file, JSON.stringify(begun));
    // A value that is not set is absent.
    const changes = [
      { key: 'train.lr', from: 1, to: 2 },
      { key: 'train.minutes', to: 3 },
      { key: 'validation.limit', from: 4 },
    ];
    const other = { folder: '/other/train', pairs: 30, stemsSha256: '1'.repeat(64) };
    await recordResume(file, now(), 5, { changes });
    await recordResume(file, now(), 9, {});
    await recordResume(file, now(), 12, { trainingData: other });
    const environment = await readEnvironment(file);
    expect(environment.resumes).toMatchObject([
      { step: 5, changes },
      { step: 12, trainingData: other },
    ]);
    expect(environment.resumes).toHaveLength(2);
    expect(allTrainingData(environment)).toEqual([trainingData, other]);
    expect(await readSettingChanges(file)).toEqual(changes.map((change) => ({ step: 5, ...change })));
    // From step 5 on, everything is done again.
    await recordResume(file, now(), 5, {});
    expect((await readEnvironment(file)).resumes).toEqual([]);
    expect(await readSettingChanges(`${file}.none`)).toEqual([]);
  });

  it('forgets parts whose steps are done again', async () => {
    expect(await resumed(begun, [5, { engine: onnx }], [5, {}])).toEqual([]);
    expect(await resumed(begun, [5, { engine: onnx }], [5, { length: '2 minutes' }])).toEqual([
      [5, 'native', '2 minutes'],
    ]);
  });
});
