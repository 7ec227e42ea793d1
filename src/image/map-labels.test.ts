import { expect, it } from 'vitest';
import { makeUpTable } from '../../test/labels-fixture.ts';
import { celebamask19 } from '../labels/celebamask-19.ts';
import { mergeTable } from '../labels/merge.ts';
import { getLabelSet } from '../labels/registry.ts';
import { mapLabels } from './map-labels.ts';

it.each([celebamask19, getLabelSet('face-8'), getLabelSet(makeUpTable())])(
  'maps every class of $name to one that merges into it',
  (set) => {
    const data = Uint8Array.from([...set.classes.map(({ id }) => id), 255]);
    const map = { width: data.length, height: 1, data };
    const back = mapLabels(map, set);
    const merge = mergeTable(set);
    expect(back.data.map((id) => merge[id])).toEqual(data);
    expect(back.data.at(-1)).toBe(255);
    expect(back.data).not.toBe(data);
  },
);

it('maps a class to its first source', () => {
  const data = Uint8Array.of(0, 1, 2, 3, 4, 255);
  expect([...mapLabels({ width: 6, height: 1, data }, getLabelSet(makeUpTable())).data]).toEqual([0, 1, 4, 5, 11, 255]);
  const eyes = mapLabels({ width: 1, height: 1, data: Uint8Array.of(3) }, getLabelSet('face-8'));
  expect([...eyes.data]).toEqual([4]);
});
