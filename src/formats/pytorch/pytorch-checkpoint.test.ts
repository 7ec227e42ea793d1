import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { unzipSync } from 'fflate';
import { afterAll, describe, expect, it } from 'vitest';
import { type CheckpointEntry, encodePyTorchCheckpoint } from './pytorch-checkpoint.ts';

const entries = (): Record<string, CheckpointEntry> => ({
  state_dict: new Map([
    ['stem.weight', { dtype: 'float32', shape: [2, 3], data: Float32Array.of(1, -2, 3.5, 4, 5, 1e-30) }],
    ['stem.count', { dtype: 'int64', shape: [], data: BigInt64Array.of(-7n) }],
    ['größe', { dtype: 'float32', shape: [300], data: new Float32Array(300).fill(0.25) }],
  ]),
  model: 'compact – klein',
  classes: 19,
  negative: -70_000,
});

/** Names of the records and the positions of their data, from the local headers. */
function recordOffsets(bytes: Uint8Array): { name: string; start: number; size: number }[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const records: { name: string; start: number; size: number }[] = [];
  for (let at = 0; view.getUint32(at, true) === 0x04034b50; ) {
    const [size, nameLength, extraLength] = [
      view.getUint32(at + 22, true),
      view.getUint16(at + 26, true),
      view.getUint16(at + 28, true),
    ];
    const start = at + 30 + nameLength + extraLength;
    records.push({ name: new TextDecoder().decode(bytes.subarray(at + 30, at + 30 + nameLength)), start, size });
    at = start + size;
  }
  return records;
}

describe('the archive', () => {
  const bytes = encodePyTorchCheckpoint(entries());

  it('is stored, not compressed, with every record at a multiple of 64 bytes', () => {
    const records = recordOffsets(bytes);
    expect(records.map(({ name }) => name)).toEqual([
      'archive/data.pkl',
      'archive/byteorder',
      'archive/data/0',
      'archive/data/1',
      'archive/data/2',
      'archive/version',
    ]);
    for (const { name, start, size } of records) {
      expect(start % 64, name).toBe(0);
      expect(unzipSync(bytes)[name]).toEqual(bytes.slice(start, start + size));
    }
  });

  it('holds the numbers of the tensors, little-endian', () => {
    const files = unzipSync(bytes);
    expect(new Float32Array(files['archive/data/0'].slice().buffer)).toEqual(Float32Array.of(1, -2, 3.5, 4, 5, 1e-30));
    expect(new BigInt64Array(files['archive/data/1'].slice().buffer)).toEqual(BigInt64Array.of(-7n));
    expect(new TextDecoder().decode(files['archive/version'])).toBe('3\n');
  });

  it('has the same bytes whenever and wherever it is written', () => {
    const zone = process.env.TZ;
    process.env.TZ = 'Pacific/Kiritimati';
    const elsewhere = encodePyTorchCheckpoint(entries());
    if (zone === undefined) delete process.env.TZ;
    else process.env.TZ = zone;
    expect(elsewhere).toEqual(bytes);
  });

  it('reads data of a view from where the view starts', () => {
    const data = Float32Array.of(9, 8, 7, 6).subarray(1, 3);
    const files = unzipSync(encodePyTorchCheckpoint({ s: new Map([['w', { dtype: 'float32', shape: [2], data }]]) }));
    expect(new Float32Array(files['archive/data/0'].slice().buffer)).toEqual(Float32Array.of(8, 7));
  });
});

describe('data.pkl', () => {
  it('is a protocol 2 pickle of the dictionary', () => {
    const pickle = unzipSync(encodePyTorchCheckpoint({ a: 'b', n: 3 }))['archive/data.pkl'];
    expect([...pickle]).toEqual([
      ...[0x80, 2, 0x7d, 0x28],
      ...[0x58, 1, 0, 0, 0, 0x61, 0x58, 1, 0, 0, 0, 0x62],
      ...[0x58, 1, 0, 0, 0, 0x6e, 0x4a, 3, 0, 0, 0],
      ...[0x75, 0x2e],
    ]);
  });

  it('refuses what it cannot hold', () => {
    const data = Float32Array.of(1, 2, 3);
    const save = (shape: number[]) =>
      encodePyTorchCheckpoint({ s: new Map([['w', { dtype: 'float32', shape, data }]]) });
    expect(() => save([2])).toThrow("tensor 'w': the shape [2] does not hold 3 elements");
    expect(() => encodePyTorchCheckpoint({ steps: 2 ** 31 })).toThrow('2147483648 is not a 32-bit integer');
    expect(() => encodePyTorchCheckpoint({ share: 0.5 })).toThrow('0.5 is not a 32-bit integer');
    const wrong = { dtype: 'int64', shape: [3], data } as never;
    expect(() => encodePyTorchCheckpoint({ s: new Map([['w', wrong]]) })).toThrow('int64 requires a BigInt64Array');
  });
});

const torch = spawnSync('/usr/bin/python3', ['-c', 'import torch'], { encoding: 'utf8' });

// Where the processor is busy, loading torch alone takes a minute.
const timeout = 300_000;

describe.skipIf(torch.status !== 0)('torch agrees (skipped where /usr/bin/python3 has no torch)', { timeout }, () => {
  const folder = mkdtempSync(join(tmpdir(), 'faceparse-checkpoint-'));
  afterAll(() => rmSync(folder, { recursive: true }));

  it.each(['False', 'True'])('reads it with weights_only=%s', (weightsOnly) => {
    const file = join(folder, 'ckpt.pth');
    writeFileSync(file, encodePyTorchCheckpoint(entries()));
    const script = `
import json, sys, torch
read = torch.load(sys.argv[1], weights_only=${weightsOnly})
tensors = read.pop('state_dict')
print(json.dumps({'type': type(tensors).__name__, 'rest': read, 'tensors':
  [[name, str(t.dtype), list(t.shape), t.tolist(), t.is_contiguous(), t.requires_grad] for name, t in tensors.items()]}))`;
    const seen = JSON.parse(execFileSync('/usr/bin/python3', ['-c', script, file], { encoding: 'utf8' }));
    expect(seen).toEqual({
      type: 'OrderedDict',
      rest: { model: 'compact – klein', classes: 19, negative: -70_000 },
      tensors: [
        [
          'stem.weight',
          'torch.float32',
          [2, 3],
          [
            [1, -2, 3.5],
            [4, 5, Math.fround(1e-30)],
          ],
          true,
          false,
        ],
        ['stem.count', 'torch.int64', [], -7, true, false],
        ['größe', 'torch.float32', [300], new Array(300).fill(0.25), true, false],
      ],
    });
  });
});
