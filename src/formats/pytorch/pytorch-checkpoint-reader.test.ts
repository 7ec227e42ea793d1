import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { unzipSync, zipSync } from 'fflate';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type CheckpointTensor, encodePyTorchCheckpoint } from './pytorch-checkpoint.ts';
import { countTrainableParameters, readPyTorchCheckpoint } from './pytorch-checkpoint-reader.ts';
import type { TensorDescription } from './tensor-record.ts';

const float = (...shape: number[]) =>
  ({ dtype: 'float32', shape, data: new Float32Array(shape.reduce((product, n) => product * n, 1)) }) as const;

function tensor(dtype: string, shape: number[], storage: string, offset = 0): TensorDescription {
  return { dtype, shape, storage, offset };
}

/** A checkpoint whose records are changed: undefined takes one away. */
function changed(bytes: Uint8Array, records: Readonly<Record<string, Uint8Array | undefined>>): Uint8Array {
  const files = { ...unzipSync(bytes), ...records };
  return zipSync(Object.fromEntries(Object.entries(files).flatMap(([name, data]) => (data ? [[name, data]] : []))), {
    mtime: new Date(2020, 1, 1),
  });
}

describe('readPyTorchCheckpoint', () => {
  const bytes = encodePyTorchCheckpoint({
    state_dict: new Map<string, CheckpointTensor>([
      ['stem.weight', float(8, 3, 3, 3)],
      ['stem.count', { dtype: 'int64', shape: [], data: BigInt64Array.of(7n) }],
      ['10', float(0, 4)],
    ]),
    model: 'compact',
    classes: 19,
  });

  it('reads what faceparse writes, in its order', async () => {
    const { keys, stateDict, tensors, otherValues } = await readPyTorchCheckpoint(bytes);
    expect(keys).toEqual(['state_dict', 'model', 'classes']);
    expect([...stateDict!]).toEqual([
      ['stem.weight', tensor('float32', [8, 3, 3, 3], '0')],
      ['stem.count', tensor('int64', [], '1')],
      ['10', tensor('float32', [0, 4], '2')],
    ]);
    expect([tensors.size, otherValues]).toEqual([0, []]);
  });

  it('reads every shape that faceparse writes', async () => {
    const shapes = fc.array(fc.array(fc.nat(4), { maxLength: 4 }), { maxLength: 5 });
    await fc.assert(
      fc.asyncProperty(shapes, async (list) => {
        const written = encodePyTorchCheckpoint({
          state_dict: new Map(list.map((shape, at) => [`${at}`, float(...shape)])),
        });
        const { stateDict } = await readPyTorchCheckpoint(written);
        expect([...stateDict!.values()].map(({ shape }) => shape)).toEqual(list);
      }),
      { numRuns: 30 },
    );
  });

  it('tells a dictionary without state_dict from one that holds the tensors itself', async () => {
    const without = await readPyTorchCheckpoint(encodePyTorchCheckpoint({ model: 'a' }));
    const nothing = { tensors: new Map(), otherValues: [], weightBytes: 0, otherBytes: 0 };
    expect(without).toEqual({ keys: ['model'], ...nothing });
    const text = await readPyTorchCheckpoint(encodePyTorchCheckpoint({ state_dict: 'weights.bin' }));
    expect(text).toEqual({ keys: ['state_dict'], ...nothing });
  });

  it.each<[string, Uint8Array, RegExp]>([
    ['nothing', new Uint8Array(0), /the checkpoint is empty; write it with torch.save/],
    ['a text', new TextEncoder().encode('version https://git-lfs'), /was not written by torch.save/],
    [
      'a checkpoint before 1.6',
      Uint8Array.from(Buffer.from('80028a0a6cfc9c46f9206aa850192e', 'hex')),
      /before PyTorch 1\.6/,
    ],
    ['another zip', zipSync({ 'a.txt': new Uint8Array(3) }), /a zip without data\.pkl/],
    ['TorchScript', changed(bytes, { 'archive/constants.pkl': new Uint8Array(3) }), /is a TorchScript program/],
    ['a cut file', bytes.subarray(0, bytes.length - 30), /not a zip, or truncated/],
    ['a missing record', changed(bytes, { 'archive/data/0': undefined }), /"stem\.weight" has no data/],
    ['a short record', changed(bytes, { 'archive/data/0': new Uint8Array(863) }), /requires 864 bytes .* but only 863/],
    ['a damaged pickle', changed(bytes, { 'archive/data.pkl': Uint8Array.of(0x80, 2, 0x63) }), /pickle cannot be read/],
  ])('refuses %s', async (_, file, message) => {
    await expect(readPyTorchCheckpoint(file)).rejects.toThrow(message);
  });

  it('refuses a tensor that is larger than its storage', async () => {
    const pickle = unzipSync(bytes)['archive/data.pkl'].slice();
    // The first extent of the shape (8, 3, 3, 3) becomes 9.
    const at = Buffer.from(pickle).indexOf(Buffer.from([0x4a, 8, 0, 0, 0, 0x4a, 3, 0, 0, 0]));
    pickle[at + 1] = 9;
    const file = changed(bytes, { 'archive/data.pkl': pickle });
    await expect(readPyTorchCheckpoint(file)).rejects.toThrow(
      /"stem\.weight" refers to element 242 of the storage "0", which has 216/,
    );
  });
});

/** The pickle of a state_dict with one tensor `w` of four numbers, whose size and stride are given as pickle code. */
function pickleOf(size: string, stride: string, storage = '0'): Uint8Array {
  const text = (value: string) => `X${String.fromCharCode(value.length)}\0\0\0${value}`;
  const stored = `(${text('storage')}ctorch\nFloatStorage\n${text(storage)}${text('cpu')}K\x04tQ`;
  const tensorCode = `ctorch._utils\n_rebuild_tensor_v2\n(${stored}K\0${size}${stride}\x89NtR`;
  const code = `\x80\x02}(${text('state_dict')}}(${text('w')}${tensorCode}uu.`;
  return Uint8Array.from(code, (character) => character.charCodeAt(0));
}

describe('a hostile checkpoint', () => {
  const read = (pickle: Uint8Array, name = '0') =>
    readPyTorchCheckpoint(zipSync({ 'archive/data.pkl': pickle, [`archive/data/${name}`]: new Uint8Array(16) }));
  const ones = (count: number) => `(${'K\x01'.repeat(count)}t`;
  const strange = /"w" is not described as torch\.save would/;

  it('may have 64 dimensions, and no more', async () => {
    const { stateDict } = await read(pickleOf(ones(64), ones(64)));
    expect(stateDict!.get('w')!.shape).toHaveLength(64);
    await expect(read(pickleOf(ones(65), ones(65)))).rejects.toThrow(strange);
  });

  it('gives an error for a size that is a call of nothing', async () => {
    await expect(read(pickleOf('N)R', 'K\x01\x85'))).rejects.toThrow(strange);
  });

  it('gives an error for a storage with a name of any length', async () => {
    const long = 'x'.repeat(101);
    await expect(read(pickleOf('K\x04\x85', 'K\x01\x85', long), long)).rejects.toThrow(strange);
  });

  it('is not unpacked where its pickle is too large', async () => {
    await expect(read(new Uint8Array(2 ** 25 + 1))).rejects.toThrow(/the checkpoint's pickle has 33554433 bytes/);
  });
});

describe('the bytes besides the weights', () => {
  const weights = new Map<string, CheckpointTensor>([['w', float(2, 3)]]);
  const bytes = encodePyTorchCheckpoint({ state_dict: weights, epoch: 12, note: 'a' });

  it('are none where there are only settings', async () => {
    expect(await readPyTorchCheckpoint(bytes)).toMatchObject({ weightBytes: 24, otherBytes: 0 });
  });

  it.each<[string, Uint8Array, number]>([
    ['another dictionary', encodePyTorchCheckpoint({ state_dict: weights, model_b: weights }), 24],
    ['a record that nothing refers to', changed(bytes, { 'archive/data/9': new Uint8Array(50) }), 50],
    ['a record of another folder', changed(bytes, { 'other/data.pkl': new Uint8Array(50) }), 50],
    ['a storage that is larger than its tensor', changed(bytes, { 'archive/data/0': new Uint8Array(100) }), 76],
    ['a long version', changed(bytes, { 'archive/version': new Uint8Array(1064) }), 1000],
    ['a long text', encodePyTorchCheckpoint({ state_dict: weights, text: 'x'.repeat(2 ** 18) }), 2 ** 18 - 2 ** 16],
  ])('are those of %s', async (_, file, least) => {
    const { weightBytes, otherBytes } = await readPyTorchCheckpoint(file);
    expect(weightBytes).toBe(24);
    expect(otherBytes).toBeGreaterThanOrEqual(least === 2 ** 18 - 2 ** 16 ? least - 1024 : least);
    expect(otherBytes).toBeLessThan(least + 1000);
  });
});

describe('countTrainableParameters', () => {
  it('counts real and complex numbers of every precision, without the statistics of normalisation', () => {
    const tensors = new Map([
      ['a.weight', tensor('float32', [2, 3], '0')],
      ['a.half', tensor('bfloat16', [5], '1')],
      ['a.quantised', tensor('qint8', [7], '2')],
      ['a.complex', tensor('complex64', [11], '3')],
      ['a.index', tensor('int64', [100], '4')],
      ['a.flags', tensor('bool', [100], '5')],
      ['a.running_mean', tensor('float32', [100], '6')],
      ['a.running_var', tensor('float32', [100], '7')],
      ['a.num_batches_tracked', tensor('float32', [], '8')],
      ['a.scale', tensor('float32', [], '9')],
    ]);
    expect(countTrainableParameters(tensors)).toBe(6 + 5 + 7 + 11 + 1);
  });

  it.each<[string, Record<string, number[]>]>([
    ['alone', { 'x.running_mean': [3000] }],
    ['of unequal shapes', { 'x.running_mean': [2000], 'x.running_var': [1000] }],
    ['of other modules', { 'x.running_mean': [2000], 'y.running_var': [1000] }],
    ['that are matrices', { 'x.running_mean': [30, 50], 'x.running_var': [30, 50] }],
    ['that count', { 'x.num_batches_tracked': [3000] }],
  ])('counts statistics %s, as their names may lie', (_, shapes) => {
    const tensors = Object.entries(shapes).map(([name, shape]) => [name, tensor('float32', shape, name)] as const);
    expect(countTrainableParameters(new Map(tensors))).toBe(3000);
  });

  it('counts tied weights once, but not other parts of the same storage', () => {
    const tensors = new Map([
      ['a', tensor('float32', [10], '0')],
      ['tied', tensor('float32', [10], '0')],
      ['next', tensor('float32', [10], '0', 10)],
      ['other shape', tensor('float32', [2, 5], '0')],
    ]);
    expect(countTrainableParameters(tensors)).toBe(30);
  });
});

const python = '/usr/bin/python3';
const torchIsThere =
  spawnSync(python, ['-c', 'import importlib.util as u, sys; sys.exit(not u.find_spec("torch"))']).status === 0;

const script = `
import argparse, collections, os, sys, torch
from torch import nn
folder = sys.argv[1]
save = lambda name, value, **options: torch.save(value, os.path.join(folder, name), **options)
base = torch.zeros(4, 6)
network = nn.Sequential(nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8))
views = {'rows': base[1:3], 'columns': base.t(), 'whole': base, 'expanded': torch.ones(1).expand(5)}
everything = {
    'state_dict': collections.OrderedDict(views, half=torch.zeros(3).half(), parameter=nn.Parameter(torch.zeros(2, 2)),
        buffer=torch.zeros(3, dtype=torch.bfloat16), note='text'),
    'args': argparse.Namespace(lr=0.1, device=torch.device('cpu'), dtype=torch.float32), 'epoch': 12, 'score': 0.87,
    'optimizer': torch.optim.AdamW(network.parameters()).state_dict(), 'size': torch.Size([1, 2]),
}
for protocol in range(2, 6):
    save(f'everything{protocol}.pth', everything, pickle_protocol=protocol)
save('network.pth', {'state_dict': network.state_dict()})
save('bare.pth', network.state_dict())
save('object.pth', network)
save('old.pth', {'state_dict': network.state_dict()}, _use_new_zipfile_serialization=False)
`;

describe.skipIf(!torchIsThere)('what torch.save writes (skipped where /usr/bin/python3 has no torch)', () => {
  const folder = mkdtempSync(join(tmpdir(), 'faceparse-checkpoint-'));
  const read = (name: string) => readPyTorchCheckpoint(readFileSync(join(folder, name)));

  beforeAll(() => {
    const { status, stderr } = spawnSync(python, ['-c', script, folder], { encoding: 'utf8' });
    expect(status, stderr).toBe(0);
  });

  afterAll(() => rmSync(folder, { recursive: true }));

  it.each([2, 3, 4, 5])(
    'reads views, halves, parameters and other things beside them, protocol %d',
    async (protocol) => {
      const { keys, stateDict, otherValues } = await read(`everything${protocol}.pth`);
      expect(keys).toEqual(['state_dict', 'args', 'epoch', 'score', 'optimizer', 'size']);
      expect(otherValues).toEqual(['note']);
      expect(
        Object.fromEntries([...stateDict!].map(([name, { dtype, shape, offset }]) => [name, [dtype, shape, offset]])),
      ).toEqual({
        rows: ['float32', [2, 6], 6],
        columns: ['float32', [6, 4], 0],
        whole: ['float32', [4, 6], 0],
        expanded: ['float32', [5], 0],
        half: ['float16', [3], 0],
        parameter: ['float32', [2, 2], 0],
        buffer: ['bfloat16', [3], 0],
      });
      const storageOf = (name: string) => stateDict!.get(name)!.storage;
      expect(storageOf('rows')).toBe(storageOf('whole'));
      expect(storageOf('half')).not.toBe(storageOf('whole'));
    },
  );

  it('counts the parameters of a module', async () => {
    const { stateDict } = await read('network.pth');
    expect([...stateDict!.keys()]).toContain('1.num_batches_tracked');
    expect(countTrainableParameters(stateDict!)).toBe(8 * 3 * 9 + 8 + 8 + 8);
  });

  it('tells a bare state_dict, a whole module and the old format', async () => {
    const bare = await read('bare.pth');
    expect(bare.stateDict).toBeUndefined();
    expect(bare.tensors.get('0.weight')?.shape).toEqual([8, 3, 3, 3]);
    expect(await read('object.pth')).toMatchObject({ keys: [], tensors: new Map(), otherValues: [], weightBytes: 0 });
    await expect(read('old.pth')).rejects.toThrow(/the format from before PyTorch 1\.6/);
  });
});
