import { readdirSync, readFileSync } from 'node:fs';
import fc from 'fast-check';
import { strToU8, zipSync } from 'fflate';
import { describe, expect, it } from 'vitest';
import { checkpointOf, pickleCode, type TensorCode, tensorCode } from '../../../test/pickle-code.ts';
import { FaceparseError } from '../../text/errors.ts';
import { encodePyTorchCheckpoint } from '../pytorch/pytorch-checkpoint.ts';
import { encodeSafetensors } from '../safetensors.ts';
import { readStateDict } from './read-state-dict.ts';

const { text, dictionary, object, call, number } = pickleCode;
const golden = new URL('../../../test/golden/state-dicts/', import.meta.url);
const goldenFile = (name: string) => readFileSync(new URL(name, golden));
const latin1 = (code: string) => Uint8Array.from(Buffer.from(code, 'latin1'));

/** Values of the tensor `w` in a checkpoint with just this. */
function valuesOf(code: TensorCode, records?: Readonly<Record<string, Uint8Array>>): number[] | undefined {
  const tensor = readStateDict(checkpointOf(dictionary({ w: tensorCode(code) }), records), 'a.pth').tensors.get('w');
  return tensor && [...tensor.read()];
}

describe('readStateDict', () => {
  it('gives an independent array at each read', () => {
    const tensor = readStateDict(checkpointOf(dictionary({ w: tensorCode() })), 'a').tensors.get('w');
    tensor?.read().fill(0);
    expect([...(tensor?.read() ?? [])]).toEqual([1, 2, 3, 4]);
  });

  it('reads storages of more than 64 KiB, whole and in parts', () => {
    const data = Float32Array.from({ length: 700_000 }, (_, at) => at % 1000);
    const bytes = encodePyTorchCheckpoint({
      state_dict: new Map([['w', { dtype: 'float32', shape: [7, 100_000], data }]]),
    });
    const read = readStateDict(bytes, 'a').tensors.get('w')?.read() ?? new Float32Array(0);
    // toEqual takes seconds.
    expect(Buffer.compare(Buffer.from(read.buffer), Buffer.from(data.buffer))).toBe(0);
    const parts = { w: tensorCode({ length: 700_000, offset: 1005, shape: [2], strides: [500_001] }) };
    const file = checkpointOf(dictionary(parts), { '0': new Uint8Array(data.buffer) });
    expect([...(readStateDict(file, 'a').tensors.get('w')?.read() ?? [])]).toEqual([5, 6]);
  });

  it('checks the checksums of whole storages and of storages read in parts; 0 is none', () => {
    for (const shape of [[4], [2]]) {
      const file = checkpointOf(dictionary({ w: tensorCode({ shape }) }));
      const at = Buffer.from(file).indexOf(Buffer.from(Float32Array.of(3, 4).buffer));
      file[at + 2] ^= 1;
      const read = () => readStateDict(file, 'a.pth').tensors.get('w')?.read();
      expect(read).toThrow('a.pth: the file is damaged: the checksum of the record "a/data/0" is wrong; download');
      const list = Buffer.from(file).lastIndexOf('PK\x01\x02', undefined, 'latin1');
      file.fill(0, list + 16, list + 20);
      expect(read()).toHaveLength(shape[0]);
    }
  });

  it('reads files of big-endian machines', () => {
    const swapped = Buffer.from(Float32Array.of(1, 2, 3, 4).buffer.slice(0)).swap32();
    expect(valuesOf({}, { '0': Uint8Array.from(swapped), 'a/byteorder': strToU8('big') })).toEqual([1, 2, 3, 4]);
  });

  it('reads storages that are parts of others, as before PyTorch 1.0', () => {
    const view = `(${text('v')}${number(1)}${number(3)}t`;
    expect(valuesOf({ view, shape: [2], offset: 1 })).toEqual([3, 4]);
    expect(() => valuesOf({ view, shape: [4] })).toThrow(/element 3 of the storage "0", which has 3 elements/);
  });

  it('keeps names such as __proto__ apart from the language', () => {
    const names = ['__proto__', 'constructor', 'toString'];
    const file = checkpointOf(dictionary(names.map((name) => [name, tensorCode()])));
    expect([...readStateDict(file, 'a').tensors.keys()]).toEqual(names);
  });

  it('takes the last of two entries with one name, as Python does', () => {
    const file = checkpointOf(
      dictionary([
        ['w', tensorCode()],
        ['w', tensorCode({ shape: [2] })],
      ]),
    );
    expect(readStateDict(file, 'a').tensors.get('w')?.shape).toEqual([2]);
  });

  it('says which values are skipped', () => {
    const others = Object.fromEntries(['a', 'b', 'c', 'd'].map((name) => [name, text('x')]));
    const file = checkpointOf(
      dictionary({ w: tensorCode(), ...others, s: call('torch._utils._rebuild_sparse_tensor') }),
    );
    expect(readStateDict(file, 'a.pth').notices).toEqual([
      'a.pth: skips "s": sparse tensors, or tensors without values',
      'a.pth: skips "a", "b", "c" and 1 more: not tensors',
    ]);
  });

  it('refuses NaN, infinity and numbers beyond float32, with the name and the position', () => {
    const data = Float32Array.of(1, 2, Number.NaN, 4);
    const nan = () => valuesOf({ shape: [2, 2], strides: [2, 1] }, { '0': new Uint8Array(data.buffer) });
    expect(nan).toThrow('a.pth: the tensor "w" has NaN at [1, 0]; use weights from before training diverged');
    const large = { '0': new Uint8Array(Float64Array.of(1e300).buffer) };
    expect(() => valuesOf({ storageClass: 'torch.DoubleStorage', length: 1, shape: [1] }, large)).toThrow(
      /"w" has Infinity \(as float32\) at \[0\]/,
    );
    const infinite = { dtype: 'F32', shape: [1], data: Float32Array.of(Number.NEGATIVE_INFINITY) } as const;
    const tensors = readStateDict(encodeSafetensors(new Map([['s', infinite]])), 'b.safetensors').tensors;
    expect(() => tensors.get('s')?.read()).toThrow(/^b\.safetensors: the tensor "s" has -Infinity at \[0\]/);
  });

  it('lists tensors of types that are not real numbers, and refuses to read them', () => {
    const file = checkpointOf(
      dictionary({ w: tensorCode({ storageClass: 'torch.ComplexFloatStorage', length: 2, shape: [2] }) }),
    );
    const tensor = readStateDict(file, 'a.pth').tensors.get('w');
    expect(tensor).toMatchObject({ dtype: 'complex64', shape: [2] });
    expect(() => tensor?.read()).toThrow(/"w" has dtype complex64, which is not read; convert it to float32/);
  });
});

describe('files that are not read', () => {
  const empty = encodeSafetensors(new Map());
  it.each<[string, Uint8Array, RegExp]>([
    ['nothing', new Uint8Array(0), /the file is empty; pass a \.pth/],
    ['a Git LFS pointer', strToU8('version https://git-lfs.github.com/spec/v1\n'), /a Git LFS pointer.*git lfs pull/],
    ['a web page', strToU8('<!DOCTYPE html><html>'), /is an HTML page, not weights/],
    ['an index of shards', strToU8('{"metadata": {"total_size": 1}}'), /is a text file, not weights/],
    ['a photo', latin1('\xff\xd8\xff\xe0'), /is a JPEG image, not weights/],
    ['ONNX', latin1('\x08\x08\x12\x07pytorch'), /is an ONNX model, not weights/],
    ['Keras', latin1('\x89HDF\r\n\x1a\n\0'), /is an HDF5 file/],
    ['a plain pickle', latin1('\x80\x04\x95\0\0\0\0\0\0\0\0N.'), /a Python pickle that torch\.save did not write/],
    ['a gzip', latin1('\x1f\x8b\x08'), /is a gzip file, not weights/],
    ['random bytes', latin1('\0\x01\x02\x03\x04\x05\x06\x07\x08\x09'), /is a file of unknown format/],
    [
      'a Keras zip',
      zipSync({ 'config.json': strToU8('{}') }),
      /a zip, but torch\.save did not write it: .*"config\.json"/,
    ],
    ['safetensors of nothing', empty, /the safetensors file has no tensors/],
    ['a cut safetensors file', goldenFile('newest-tensors.safetensors').subarray(0, -1), /the file is truncated/],
    ['a single tensor', checkpointOf(tensorCode()), /no tensors by name: it is a single tensor; save/],
    ['a list', checkpointOf(']'), /its top level is a list of 0 values/],
    ['a number', checkpointOf('K\x01'), /its top level is not a dictionary/],
    ['an object', checkpointOf(object('my.Trainer', '}')), /an object of "my\.Trainer"; save the weights again/],
    [
      'settings',
      checkpointOf(dictionary({ lr: number(1) })),
      /a dictionary of "lr"; save the weights again.*state_dict/,
    ],
    ['an empty dictionary', checkpointOf('}'), /an empty dictionary/],
    [
      'a frozen script',
      checkpointOf(object('__torch__.N', '}'), { 'a/constants.pkl': strToU8(')') }),
      /frozen TorchScript/,
    ],
    ['no data', checkpointOf(dictionary({ w: tensorCode({ storage: '9' }) })), /"w" has no data: the storage "9"/],
  ])('%s', (_, bytes, message) => {
    expect(() => readStateDict(bytes, 'the/file')).toThrow(message);
    expect(() => readStateDict(bytes, 'the/file')).toThrow(/^the\/file: /);
  });

  it('a choice of dictionary for safetensors', () => {
    const bytes = goldenFile('newest-tensors.safetensors');
    expect(() => readStateDict(bytes, 'a', { dictionary: 'ema' })).toThrow(/a safetensors file has no dictionaries/);
  });
});

describe('hostile files', () => {
  it.each<[string, TensorCode, RegExp]>([
    ['a shape beyond its storage', { shape: [5] }, /element 4 of the storage "0", which has 4 elements/],
    ['strides beyond it', { shape: [2, 2], strides: [3, 1] }, /refers to element 4 /],
    ['an offset beyond it', { offset: 1 }, /refers to element 4 /],
    ['a negative offset', { offset: -1 }, /is not described as torch\.save would/],
    ['negative strides', { strides: [-1] }, /is not described as/],
    ['a negative extent', { shape: [-4] }, /is not described as/],
    ['fewer strides than extents', { shape: [2, 2], strides: [1] }, /is not described as/],
    ['a count beyond numbers', { shape: [2 ** 31, 2 ** 31, 2 ** 31], strides: [0, 0, 0] }, /is not described as/],
    ['a storage longer than its record', { length: 5 }, /requires 20 bytes of the storage "0", but only 16/],
    ['wider elements', { storageClass: 'torch.DoubleStorage' }, /requires 32 bytes of the storage/],
    [
      'billions of equal elements',
      { shape: [2 ** 15, 2 ** 15], strides: [0, 0] },
      /repeats the elements of its storage/,
    ],
    ['a part beyond its storage', { view: `(N${number(2)}${number(3)}t` }, /is not described as/],
  ])('%s', (_, code, message) => {
    expect(() => valuesOf(code)).toThrow(message);
  });

  it('dictionaries and modules that contain themselves', () => {
    const loop = `}q\x01(${text('model')}h\x01${text('w')}${tensorCode()}u`;
    expect([...readStateDict(checkpointOf(loop), 'a').tensors.keys()]).toEqual(['w']);
    const many = Array.from({ length: 3000 }, (_, at) => `${text(`k${at}`)}h\x01`).join('');
    expect([...readStateDict(checkpointOf(`}q\x01(${many}${text('w')}${tensorCode()}u`), 'a').tensors.keys()]).toEqual([
      'w',
    ]);
  });

  it('one tensor under very many names', () => {
    const names = Array.from({ length: 100_001 }, (_, at) => `${text(`w${at}`)}h\x01`).join('');
    const file = checkpointOf(`${tensorCode()}q\x010}(${names}u`);
    expect(() => readStateDict(file, 'a')).toThrow(/the file has 100001 tensors; the limit is 100000/);
  });

  it('very many dictionaries, and a key of very many parts', () => {
    const inner = `}${text('w')}h\x01s`;
    const many = Array.from({ length: 200_000 }, (_, at) => `${text(`k${at}`)}${inner}`).join('');
    const dotted = `${text('model.'.repeat(200_000))}${inner}`;
    const file = checkpointOf(`${tensorCode()}q\x010}(${many}${dotted}u`);
    expect(readStateDict(file, 'a').notices[0]).toMatch(/^a: reads "model\.model\..*and 199,\d+ more/);
  }, 30_000);

  it('deep nesting', () => {
    const depth = 100_000;
    const nested = `${`}(${text('a')}`.repeat(depth)}N${'u'.repeat(depth)}`;
    expect(() => readStateDict(checkpointOf(nested), 'a')).toThrow(/no tensors by name/);
  });

  it('any byte changed, or the end cut: a FaceparseError or tensors, in bounded time', () => {
    const files = readdirSync(golden).filter((name) => /\.(pth|pt|safetensors)$/.test(name));
    const bytesOf = new Map(files.map((name) => [name, goldenFile(name)]));
    const attempt = (bytes: Uint8Array) => {
      try {
        for (const tensor of readStateDict(bytes, 'a').tensors.values()) tensor.read();
      } catch (error) {
        expect(error).toBeInstanceOf(FaceparseError);
      }
    };
    const edit = fc.record({ at: fc.double({ min: 0, max: 1, noNaN: true }), value: fc.nat(255) });
    fc.assert(
      fc.property(
        fc.constantFrom(...files),
        fc.array(edit, { minLength: 1, maxLength: 4 }),
        fc.boolean(),
        (name, edits, cut) => {
          const original = bytesOf.get(name) ?? new Uint8Array(0);
          const changed = Uint8Array.from(original);
          for (const { at, value } of edits) changed[Math.floor(at * (changed.length - 1))] = value;
          attempt(changed);
          if (cut) attempt(original.subarray(0, Math.floor(edits[0].at * original.length)));
        },
      ),
      { numRuns: 1000, interruptAfterTimeLimit: 15_000 },
    );
  }, 60_000);
});
