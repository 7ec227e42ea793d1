import { expect, it } from 'vitest';
import { splitConfigArguments } from './config-arguments.ts';

it('separates file and overrides', () => {
  expect(splitConfigArguments([])).toEqual({ overrides: [] });
  expect(splitConfigArguments(['train.lr=1', 'configs/a.yaml', 'name=a/b=c'])).toEqual({
    file: 'configs/a.yaml',
    overrides: ['train.lr=1', 'name=a/b=c'],
  });
  expect(splitConfigArguments(['./odd=name.yaml'])).toEqual({ file: './odd=name.yaml', overrides: [] });
  expect(() => splitConfigArguments(['a.yaml', 'b.yaml'])).toThrow('two configs given, a.yaml and b.yaml');
});
