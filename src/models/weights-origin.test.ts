import { describe, expect, it } from 'vitest';
import { checkOrigin, describeOrigin, originChain, type WeightsOrigin } from './weights-origin.ts';

const random: WeightsOrigin = { kind: 'random', seed: 3 };
const file = (before?: WeightsOrigin): WeightsOrigin => ({
  kind: 'file',
  file: 'best.safetensors',
  sha256: 'a'.repeat(64),
  ...(before && { before }),
});

describe('checkOrigin', () => {
  it('accepts random weights, files, and files of files', () => {
    for (const origin of [random, file(), file(random), file(file(random))]) {
      expect(checkOrigin(structuredClone(origin), 'x')).toEqual(origin);
    }
  });

  it('keeps what was taken from the file, and that another program trained it', () => {
    const origin: WeightsOrigin = {
      kind: 'file',
      file: 'r.pth',
      sha256: 'b'.repeat(64),
      elsewhere: true,
      part: 'encoder',
    };
    expect(checkOrigin(structuredClone(file(origin)), 'x')).toEqual(file(origin));
    expect(describeOrigin(origin)).toBe(`r.pth, SHA-256 ${'b'.repeat(64)}, encoder only, trained elsewhere`);
    expect(() => checkOrigin({ ...origin, part: 'decoder' }, 'x')).toThrow(/known form/);
    expect(() => checkOrigin({ ...origin, elsewhere: 'no' }, 'x')).toThrow(/known form/);
  });

  it('refuses a wrong link anywhere in the chain, and a chain without an end', () => {
    expect(() => checkOrigin({ ...file(), before: { kind: 'other' } }, 'x')).toThrow(/x does not record the origin/);
    expect(() => checkOrigin({ ...file(), before: 7 }, 'x')).toThrow(/known form/);
    let chain = file();
    for (let index = 0; index < 100; index++) chain = file(chain);
    expect(() => checkOrigin(chain, 'x')).toThrow(/known form/);
  });
});

describe('originChain', () => {
  it('goes back to random weights, or to a file of unknown origin', () => {
    expect(originChain(random)).toEqual([random]);
    expect(originChain(file(file(random))).map(describeOrigin)).toEqual([
      describeOrigin(file()),
      describeOrigin(file()),
      'random, seed 3',
    ]);
    expect(originChain(file(file())).at(-1)).toEqual(file());
  });
});
