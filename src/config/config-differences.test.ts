import { expect, it } from 'vitest';
import { configDifferences } from './config-differences.ts';
import { parseConfig } from './parse-config.ts';

it('configDifferences tells keys with both values, but for engines and what is ignored', () => {
  const other = parseConfig('', '', ['name=x', 'engine.threads=1', 'train.lr=0.5']);
  const differences = configDifferences(parseConfig('', ''), other, []);
  expect(differences.map(({ path, b }) => [path, b])).toEqual([
    ['name', 'x'],
    ['train.lr', 0.5],
  ]);
  expect(configDifferences(parseConfig('', ''), other, ['name', 'train.lr'])).toEqual([]);
});
