import { Command } from 'commander';
import { describe, expect, it } from 'vitest';
import { defaultAveraging } from '../parser/grid/averaging.ts';
import { addAveragingOptions, averagingOf, parseScales } from './averaging-options.ts';

function parse(...words: string[]) {
  const command = addAveragingOptions(new Command())
    .exitOverride()
    .configureOutput({ writeErr: () => {} });
  return command.parse(words, { from: 'user' }).opts();
}

describe('averaging options', () => {
  it('select no averaging, the default views, or the default views at other sizes', async () => {
    expect(await averagingOf(parse())).toBeUndefined();
    expect(await averagingOf(parse('--tta'))).toEqual(defaultAveraging);
    expect(await averagingOf(parse('--scales', '0.75, 1'))).toEqual({ flip: true, scales: [0.75, 1] });
  });

  it.each(['', '1,', 'big', '1;2', '1,NaN'])("refuse '%s'", (text) => {
    expect(() => parseScales(text)).toThrow('It must be a comma-separated list of numbers');
    expect(() => parse('--scales', text)).toThrow();
  });
});
