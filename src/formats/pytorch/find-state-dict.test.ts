import { describe, expect, it } from 'vitest';
import { pickleCode, tensorCode } from '../../../test/pickle-code.ts';
import { findStateDicts } from './find-state-dict.ts';
import { readPickle } from './pickle-reader.ts';

const { bytes, dictionary, object, text, number } = pickleCode;
const weights = (count: number) =>
  dictionary(Object.fromEntries(Array.from({ length: count }, (_, at) => [`w${at}`, tensorCode()])));
const module = (count: number) =>
  object('my.Net', dictionary({ _parameters: weights(count), _buffers: '}', _modules: '}' }));
const pathsOf = (code: string) => findStateDicts(readPickle(bytes(code))).map(({ path }) => path);

describe('findStateDicts', () => {
  it.each<[string, Readonly<Record<string, string>>, readonly string[]]>([
    ['the top level', { w: tensorCode() }, ['']],
    ['the usual key', { epoch: number(3), state_dict: weights(3) }, ['state_dict']],
    ['state_dict before model', { model: weights(3), state_dict: weights(3) }, ['state_dict', 'model']],
    ['a dictionary in a dictionary', { model: dictionary({ state_dict: weights(2) }) }, ['model.state_dict']],
    ['the weights before their average', { params_ema: weights(4), params: weights(4) }, ['params', 'params_ema']],
    ['the average if there is nothing else', { model_ema: weights(4), note: text('x') }, ['model_ema']],
    ['the average before a few others', { stats: weights(1), model_ema: weights(40) }, ['model_ema', 'stats']],
    ['the largest of unusual names', { netD: weights(2), netG: weights(3) }, ['netG', 'netD']],
    [
      'the first of equal ones, but no average',
      { g_ema: weights(2), g: weights(2), d: weights(2) },
      ['g', 'd', 'g_ema'],
    ],
    ['weights rather than settings', { params: weights(1), generator: weights(30) }, ['generator', 'params']],
    ['a dictionary beside single tensors', { mean: tensorCode(), state_dict: weights(5) }, ['state_dict', '']],
    ['a module', { model: module(3), ema: module(3) }, ['model', 'ema']],
    ['no optimizers and losses', { optimizer: weights(9), criterion: weights(9), net: weights(1) }, ['net']],
    ['nothing below the third level', { a: dictionary({ b: dictionary({ c: dictionary({ d: weights(1) }) }) }) }, []],
    ['nothing in opaque objects', { trainer: object('my.Trainer', dictionary({ model: weights(3) })) }, []],
    ['nothing in settings', { lr: number(1), names: ']' }, []],
  ])('finds %s', (_, entries, paths) => {
    expect(pathsOf(dictionary(entries))).toEqual(paths);
  });

  it('finds a module at the top level, with the classes of no one', () => {
    expect(pathsOf(module(2))).toEqual(['']);
  });

  it('finds a dictionary once, however many keys lead to it', () => {
    const shared = `}(${text('a')}${weights(1)}q\x01${text('b')}h\x01${text('c')}h\x01u`;
    expect(pathsOf(shared)).toEqual(['a']);
  });
});
