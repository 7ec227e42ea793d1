import { describe, expect, it } from 'vitest';
import { celebamask19 } from './celebamask-19.ts';
import { coarsestLabelSet, conversionTable } from './convert-labels.ts';
import { face8 } from './face-8.ts';
import type { LabelSet } from './label-set.ts';
import { mergeTable } from './merge.ts';
import { getLabelSet } from './registry.ts';

/** Hair against everything else; skin is ignored where `drops` is set. */
function hairSet(drops: boolean): LabelSet {
  const others = celebamask19.classes.map(({ name }) => name).filter((name) => name !== 'hair' && name !== 'skin');
  return getLabelSet({
    name: 'hair',
    classes: [
      { name: 'background', from: drops ? others : [...others, 'skin'], color: [0, 0, 0] },
      { name: 'hair', from: ['hair'], color: [200, 0, 0] },
    ],
    drop: drops ? ['skin'] : [],
    pairs: [],
  });
}

const isOutside = (id: number) => mergeTable(face8)[id] === 0;
const outside = celebamask19.classes.filter(({ id }) => isOutside(id)).map(({ name }) => name);
const inside = celebamask19.classes.filter(({ id }) => !isOutside(id)).map(({ name }) => name);

describe('conversionTable', () => {
  it('merges celebamask-19 as its masks are merged, and keeps ids within a set', () => {
    expect(conversionTable(celebamask19, face8)).toEqual(mergeTable(face8));
    expect(conversionTable(face8, face8)?.slice(0, 9)).toEqual(Uint8Array.from([0, 1, 2, 3, 4, 5, 6, 7, 255]));
  });

  it('converts between merged sets where every class has one target', () => {
    // Hair is background in face-8, and background holds skin.
    expect(conversionTable(face8, hairSet(false))).toBeUndefined();
    const face = getLabelSet({
      name: 'face',
      classes: [
        { name: 'background', from: outside, color: [0, 0, 0] },
        { name: 'face', from: inside, color: [1, 2, 3] },
      ],
      drop: [],
      pairs: [],
    });
    expect(conversionTable(face8, face)?.slice(0, 9)).toEqual(Uint8Array.from([0, 1, 1, 1, 1, 1, 1, 1, 255]));
  });

  it('does not split classes or invent what a set ignores', () => {
    expect(conversionTable(face8, celebamask19)).toBeUndefined();
    expect(conversionTable(hairSet(true), hairSet(false))).toBeUndefined();
    expect(conversionTable(celebamask19, hairSet(true))).toBeUndefined();
    expect(conversionTable(hairSet(true), hairSet(true))?.[0]).toBe(0);
  });
});

describe('coarsestLabelSet', () => {
  it('finds the set that all others can be merged into', () => {
    expect(coarsestLabelSet([celebamask19, face8, celebamask19])?.name).toBe('face-8');
    expect(coarsestLabelSet([face8, hairSet(false)])).toBeUndefined();
  });
});
