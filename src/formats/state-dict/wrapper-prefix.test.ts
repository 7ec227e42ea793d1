import { describe, expect, it } from 'vitest';
import { stripWrapperPrefix } from './wrapper-prefix.ts';

describe('stripWrapperPrefix', () => {
  it.each<[readonly string[], string, readonly string[]]>([
    [['module.a', 'module.b.c'], 'module.', ['a', 'b.c']],
    [['module._orig_mod.model.a', 'module._orig_mod.model.b'], 'module._orig_mod.model.', ['a', 'b']],
    [['model._orig_mod.a'], 'model._orig_mod.', ['a']],
    [['module.a', 'b'], '', ['module.a', 'b']],
    [['module.', 'module.a'], '', ['module.', 'module.a']],
    [['backbone.a', 'backbone.b'], '', ['backbone.a', 'backbone.b']],
    [[], '', []],
  ])('%j: removes %j', (names, prefix, short) => {
    const stripped = stripWrapperPrefix(new Map(names.map((name, at) => [name, at])));
    expect(stripped).toEqual({ prefix, tensors: new Map(short.map((name, at) => [name, at])) });
    expect([...stripped.tensors.keys()]).toEqual(short);
  });

  it('removes no more than 16 of a hostile name', () => {
    const name = `${'module.'.repeat(100_000)}a`;
    expect(stripWrapperPrefix(new Map([[name, 1]])).prefix).toBe('module.'.repeat(16));
  });

  it('removes the prefixes that the caller names', () => {
    const tensors = new Map([['encoder.a', 1]]);
    expect(stripWrapperPrefix(tensors, ['encoder.']).prefix).toBe('encoder.');
  });
});
