import { describe, expect, it } from 'vitest';
import { pickleCode, tensorCode } from '../../../test/pickle-code.ts';
import { moduleEntries } from './module-entries.ts';
import { readPickle } from './pickle-reader.ts';

const { bytes, dictionary, object, call, text } = pickleCode;

/** The code of a module; `modules` is the code of a dictionary. */
function moduleCode(
  parameters: readonly string[],
  modules = '}',
  others: Readonly<Record<string, string>> = {},
): string {
  const tensors = Object.fromEntries(parameters.map((name) => [name, tensorCode()]));
  return object('my.Net', dictionary({ _parameters: dictionary(tensors), ...others, _modules: modules }));
}

const namesOf = (code: string) => moduleEntries(readPickle(bytes(code)))?.map(([name]) => name);

describe('moduleEntries', () => {
  it('names parameters, then buffers, then those of the children, in their order', () => {
    const buffers = dictionary({ mean: tensorCode(), passing: tensorCode(), none: 'N' });
    const passing = call('__builtin__.set', `](${text('passing')}e`);
    const children = dictionary({
      b: moduleCode(['x']),
      a: moduleCode(['x'], dictionary({ c: moduleCode(['y']) })),
      none: 'N',
    });
    const code = moduleCode(['w'], children, { _buffers: buffers, _non_persistent_buffers_set: passing });
    expect(namesOf(code)).toEqual(['w', 'mean', 'b.x', 'a.x', 'a.c.y']);
  });

  it('reads the attributes of TorchScript', () => {
    const child = object('__torch__.Child', dictionary({ weight: tensorCode(), training: '\x89' }));
    const code = object('__torch__.Net', dictionary({ scale: tensorCode(), training: '\x89', child }));
    expect(namesOf(code)).toEqual(['scale', 'child.weight']);
  });

  it('is undefined for anything else', () => {
    for (const code of ['N', '}', tensorCode(), object('my.Settings', dictionary({ w: tensorCode() }))]) {
      expect(namesOf(code)).toBeUndefined();
    }
  });

  it('refuses modules that contain themselves, or each other without end', () => {
    const self = `${call('my.Net')}q\x01${dictionary({ _parameters: '}' })}(${text('_modules')}}(${text('a')}h\x01uub`;
    expect(() => namesOf(self)).toThrow(/more than 100 levels, or contains itself; save its state_dict instead/);
    // Each level has the one below it twice, so 2^40 modules are reached through 40 objects.
    let code = `${moduleCode(['w'])}q\x00`;
    for (let level = 1; level <= 40; level++) {
      const below = `h${String.fromCharCode(level - 1)}`;
      code += `0${moduleCode([], `}(${text('a')}${below}${text('b')}${below}u`)}q${String.fromCharCode(level)}`;
    }
    expect(() => namesOf(code)).toThrow(/more than 1000000 parts/);
  });
});
