import { spawnSync } from 'node:child_process';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FaceparseError } from '../../text/errors.ts';
import { readPickle, readPickleAt } from './pickle-reader.ts';
import { PersistentId, PickleGlobal, PickleObject } from './pickle-value.ts';

const bytesOf = (code: string) => Uint8Array.from(code, (character) => character.charCodeAt(0));
const python = 'python3';
const pythonIsThere = spawnSync(python, ['-c', '']).status === 0;

describe('readPickle', () => {
  it.each<[string, unknown]>([
    ['N.', null],
    ['\x88.', true],
    ['J\xfe\xff\xff\xff.', -2],
    ['M\x01\x02.', 0x201],
    ['\x8a\x00.', 0],
    ['\x8a\x02\x00\x80.', -32768],
    ['\x8a\x09\x00\x00\x00\x00\x00\x00\x00\x00\x01.', 2n ** 64n],
    ['G\x3f\xe0\x00\x00\x00\x00\x00\x00.', 0.5],
    ['X\x03\x00\x00\x00a\xc3\xa4.', 'aä'],
    ['U\x02a\xe4.', 'aä'],
    ['C\x02ab.', Uint8Array.of(97, 98)],
    ['](K\x01K\x02e.', [1, 2]],
    ['K\x01K\x02K\x03\x87.', [1, 2, 3]],
    ['(K\x01t.', [1]],
    ['}(X\x01\x00\x00\x00aK\x01u.', new Map([['a', 1]])],
    ['\x8f(K\x01K\x01\x90.', new Set([1])],
    [']q\x07h\x07a0h\x07.', expect.arrayContaining([expect.anything()])],
    ['(K\x010K\x05.', 5],
  ])('reads %j', (code, value) => {
    expect(readPickle(bytesOf(code))).toEqual(value);
  });

  it('calls nothing: functions and classes stay names', () => {
    const value = readPickle(bytesOf('cos\nsystem\n(X\x02\x00\x00\x00lstR.')) as PickleObject;
    expect(value).toBeInstanceOf(PickleObject);
    expect(value.callable).toEqual(new PickleGlobal('os.system'));
    expect(value.arguments).toEqual(['ls']);
    expect(readPickle(bytesOf('K\x07Q.'))).toEqual(new PersistentId(7));
  });

  it('keeps the state of an object', () => {
    const value = readPickle(bytesOf('cmy\nNet\n)\x81}X\x01\x00\x00\x00aK\x01sb.')) as PickleObject;
    expect(value.state).toEqual(new Map([['a', 1]]));
  });

  it('reads pickles in a row, with the ids of their data', () => {
    const bytes = bytesOf('K\x07.K\x08QK\x09Q\x86.rest');
    expect(readPickleAt(bytes, 0, false)).toEqual({ value: 7, end: 3, persistentIds: [] });
    const { value, end, persistentIds } = readPickleAt(bytes, 3, false);
    expect([value, end, persistentIds]).toEqual([[new PersistentId(8), new PersistentId(9)], 11, [8, 9]]);
    expect(() => readPickleAt(bytesOf('K\x07.K'), 3, true)).toThrow(/longer than the limit of 4 bytes/);
  });

  it('reads an OrderedDict as a map, with its pairs or filled later, whatever state it has', () => {
    const filled = 'ccollections\nOrderedDict\n)R(X\x01\x00\x00\x00aK\x01u}b.';
    const made = 'ccollections\nOrderedDict\n]X\x01\x00\x00\x00aK\x01\x86a\x85R.';
    for (const code of [filled, made]) expect(readPickle(bytesOf(code))).toEqual(new Map([['a', 1]]));
  });

  it.each<[string, RegExp]>([
    ['', /ends after 0 bytes/],
    ['K', /ends after 1 bytes/],
    ['.', /a value is missing/],
    ['(t', /ends after/],
    ['t.', /a mark is missing/],
    ['(K\x01u.', /a key has no value/],
    ['N(K\x01K\x01u.', /items are set on something other than a dictionary/],
    ['NK\x01a.', /added to something other than a list/],
    ['h\x05.', /memo entry 5 does not exist/],
    ['\x80\x06N.', /protocol 6 is newer than 5/],
    ['\x82\x01.', /the operation 0x82/],
    ['X\xff\xff\xff\xff', /ends after/],
    ['\x8d\xff\xff\xff\xff\xff\xff\xff\xff', /ends after/],
    ['\x8b\x00\x00\x01\x00', /an integer has 65536 bytes/],
    ['cos', /the name of a global does not end/],
    ['NNR.', /arguments of a call are not a tuple/],
    [`X\x01\x04\x00\x00${'a'.repeat(1025)}X\x01\x00\x00\x00b\x93.`, /the name of a global is too long/],
  ])('refuses %j', (code, message) => {
    expect(() => readPickle(bytesOf(code))).toThrow(message);
  });

  it('bounds the operations', () => {
    expect(() => readPickle(new Uint8Array(2_000_001).fill('N'.charCodeAt(0)))).toThrow(/more than 2000000 operations/);
    expect(() => readPickle(new Uint8Array(2 ** 25 + 1))).toThrow(/the pickle has 33554433 bytes/);
  });

  it('bounds what OrderedDicts copy from a list that is recalled again and again', () => {
    const list = `](${'K\x01K\x01\x86'.repeat(1000)}eq\x00`;
    const copies = (count: number) => `${list}${'ccollections\nOrderedDict\nh\x00\x85R'.repeat(count)}.`;
    expect(readPickle(bytesOf(copies(200)))).toEqual(new Map([[1, 1]]));
    expect(() => readPickle(bytesOf(copies(201)))).toThrow(/OrderedDicts have more than 200000 pairs/);
  });

  it('throws nothing but FaceparseErrors, whatever the bytes are', () => {
    const operation = fc.constantFrom(
      ...'(012N\x88\x89KMJ\x8a\x8bGXUCB)]}\x8ftld\x91\x85\x86\x87ae\x90suqrhjc\x93QR\x81\x92b\n.',
    );
    fc.assert(
      fc.property(fc.array(fc.oneof(operation, fc.constant('\x00')), { maxLength: 60 }), (codes) => {
        try {
          readPickle(bytesOf(codes.join('')));
        } catch (error) {
          expect(error).toBeInstanceOf(FaceparseError);
        }
      }),
      { numRuns: 2000 },
    );
  });

  it.skipIf(!pythonIsThere)('reads what Python writes, in every protocol from 2 to 5', () => {
    const script = `
import argparse, base64, collections, json, pickle
shared = ['x', 1.5, -3, 2 ** 40, 2 ** 70, None, True]
value = {'list': shared, 'again': shared, 'tuple': (1, (2, 3), ()), 'set': {7}, 'frozen': frozenset([8]), 'long': 'ä' * 300,
  'ordered': collections.OrderedDict([('b', 1), ('a', 2)]), 'args': argparse.Namespace(lr=0.1), 'many': list(range(2000))}
print(json.dumps([base64.b64encode(pickle.dumps(value, protocol)).decode() for protocol in range(2, 6)]))
`;
    const { stdout } = spawnSync(python, ['-c', script], { encoding: 'utf8' });
    for (const encoded of JSON.parse(stdout)) {
      const value = readPickle(Uint8Array.from(Buffer.from(encoded, 'base64'))) as Map<string, unknown>;
      expect(value.get('list')).toEqual(['x', 1.5, -3, 2 ** 40, 2n ** 70n, null, true]);
      expect(value.get('again')).toBe(value.get('list'));
      expect(value.get('tuple')).toEqual([1, [2, 3], []]);
      expect(value.get('long')).toBe('ä'.repeat(300));
      expect([...(value.get('ordered') as Map<string, number>)]).toEqual([
        ['b', 1],
        ['a', 2],
      ]);
      expect(value.get('args')).toBeInstanceOf(PickleObject);
      expect(value.get('many')).toEqual(Array.from({ length: 2000 }, (_, index) => index));
    }
  });
});
