import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { openByteFile } from '../../src/files/byte-file.ts';
import { readStateDict } from '../../src/formats/state-dict/read-state-dict.ts';

/** Of each tensor: dtype, shape, values. */
type Expected = Readonly<Record<string, readonly [string, number[], number[]]>>;

const folder = new URL('state-dicts/', import.meta.url);
const read = (file: string) => readFileSync(new URL(file, folder));
const files = ['1.13', 'newest'].flatMap((version) =>
  Object.entries<Expected>(JSON.parse(read(`${version}-expected.json`).toString())),
);

describe('the golden state dicts', () => {
  it('are all compared', () => {
    const written = readdirSync(folder).filter((name) => /\.(pth|pt|safetensors)$/.test(name));
    const others = ['newest-meta.pth', 'newest-sparse.pth'];
    expect(files.map(([file]) => file).sort()).toEqual(written.filter((name) => !others.includes(name)).sort());
  });

  it.each(files)('%s has the tensors that PyTorch loads, from memory and from the file', (file, expected) => {
    const opened = openByteFile(new URL(file, folder).pathname);
    for (const source of [read(file), opened]) {
      const { tensors } = readStateDict(source, file);
      expect([...tensors.keys()].sort()).toEqual(Object.keys(expected).sort());
      for (const [name, [dtype, shape, values]] of Object.entries(expected)) {
        const tensor = tensors.get(name);
        expect([name, tensor?.dtype, tensor?.shape]).toEqual([name, dtype, shape]);
        expect([name, tensor?.read()]).toEqual([name, Float32Array.from(values)]);
      }
    }
    opened.close();
  });

  it.each(['1.13', 'newest'])('%s: names keep the order of the state_dict, in every form', (version) => {
    const namesOf = (name: string) => [...readStateDict(read(`${version}-${name}`), name).tensors.keys()];
    const names = namesOf('state-dict.pth');
    expect(names.slice(0, 3)).toEqual(['bn.weight', 'bn.bias', 'bn.running_mean']);
    for (const form of ['state-dict-legacy.pth', 'gpu.pth', 'model.pth']) expect(namesOf(form)).toEqual(names);
    expect(namesOf('model-legacy.pth')).toEqual(names.map((name) => `module.${name}`));
  });

  it.each<[string, string, string]>([
    ['state-dict.pth', 'pytorch', ''],
    ['state-dict-legacy.pth', 'pytorch-legacy', ''],
    ['checkpoint.pth', 'pytorch', 'state_dict'],
    ['gpu.pth', 'pytorch', 'model.state_dict'],
    ['model.pth', 'pytorch', ''],
    ['model-legacy.pth', 'pytorch-legacy', 'model'],
    ['script.pt', 'torchscript', ''],
  ])('%s: the origin says where they are', (name, format, dictionary) => {
    for (const version of ['1.13', 'newest']) {
      expect(readStateDict(read(`${version}-${name}`), name).origin).toMatchObject({ format, dictionary });
    }
  });

  it('a checkpoint with a moving average says which of the two is read, and gives the other on request', () => {
    const bytes = read('newest-checkpoint.pth');
    const { notices, origin, tensors } = readStateDict(bytes, 'a.pth');
    expect(notices).toEqual(['a.pth: reads "state_dict" (9 tensors); the file also has "state_dict_ema" (9 tensors)']);
    expect(origin.others).toEqual(['state_dict_ema']);
    const average = readStateDict(bytes, 'a.pth', { dictionary: 'state_dict_ema' });
    expect(average.origin).toMatchObject({ dictionary: 'state_dict_ema', others: ['state_dict'] });
    const weight = 'module.fc.weight';
    expect(average.tensors.get(weight)?.read()).toEqual(
      tensors
        .get(weight)
        ?.read()
        .map((value) => value + 1),
    );
    expect(() => readStateDict(bytes, 'a.pth', { dictionary: 'ema' })).toThrow(
      'a.pth: the file has no state_dict at "ema"; it has "state_dict" (9 tensors), "state_dict_ema" (9 tensors)',
    );
  });

  it('safetensors have their metadata', () => {
    const { origin } = readStateDict(read('newest-tensors.safetensors'), 'a');
    expect(origin).toEqual({ format: 'safetensors', dictionary: '', others: [], metadata: { format: 'pt' } });
  });

  it('tensors without elements are named: on the device meta, and sparse', () => {
    expect(() => readStateDict(read('newest-meta.pth'), 'a.pth')).toThrow(
      /^a\.pth: .* its tensors have no storage \(torch\._utils\._rebuild_meta_tensor_no_storage\).*torch\.save\(/,
    );
    const { tensors, notices } = readStateDict(read('newest-sparse.pth'), 'a.pth');
    expect([...tensors.keys()]).toEqual(['w']);
    expect(notices).toEqual(['a.pth: skips "s": sparse tensors, or tensors without values']);
  });
});
