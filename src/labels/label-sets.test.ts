import { describe, expect, test } from 'vitest';
import { FaceparseError } from '../text/errors.ts';
import { celebamask19 } from './celebamask-19.ts';
import { face8 } from './face-8.ts';
import { mergeTable } from './merge.ts';
import { mirrorTable } from './mirror.ts';
import { getLabelSet, listLabelSets } from './registry.ts';

describe.each(listLabelSets())('label set %s', (name) => {
  const set = getLabelSet(name);

  test('ids are 0…n−1 in order, names and colours are unique', () => {
    expect(set.name).toBe(name);
    expect(set.classes.map((one) => one.id)).toEqual(set.classes.map((_, index) => index));
    expect(new Set(set.classes.map((one) => one.name)).size).toBe(set.classes.length);
    expect(new Set(set.classes.map((one) => one.color.join())).size).toBe(set.classes.length);
    for (const channel of set.classes.flatMap((one) => one.color)) expect(channel).toSatisfy(isByte);
  });

  test('mirroring twice is the identity', () => {
    const table = mirrorTable(set);
    expect(table.length).toBe(256);
    for (let id = 0; id < 256; id++) expect(table[table[id]]).toBe(id);
  });

  test('every class is reached by the merge, nothing past 18 is', () => {
    const table = mergeTable(set);
    expect(table.length).toBe(256);
    expect([...new Set(table.subarray(0, 19))].sort((a, b) => a - b)).toEqual(set.classes.map((one) => one.id));
    expect(table.subarray(19).every((id) => id === 255)).toBe(true);
  });

  test('merging and mirroring commute', () => {
    const merge = mergeTable(set);
    for (let id = 0; id < 19; id++) {
      expect(merge[mirrorTable(celebamask19)[id]]).toBe(mirrorTable(set)[merge[id]]);
    }
  });
});

test('celebamask-19 mirrors only eyes, brows and ears, the left one first', () => {
  const moved = [...mirrorTable(celebamask19)].flatMap((to, from) => (to === from ? [] : [[from, to]]));
  expect(moved).toEqual([
    [4, 5],
    [5, 4],
    [6, 7],
    [7, 6],
    [8, 9],
    [9, 8],
  ]);
  for (const [left, right] of celebamask19.mirrorPairs) {
    expect(celebamask19.classes[left].name).toMatch(/^l_/);
    expect(celebamask19.classes[right].name).toBe(celebamask19.classes[left].name.replace('l_', 'r_'));
  }
});

test('celebamask-19 has the standard palette', () => {
  const palette =
    '0,0,0 204,0,0 76,153,0 204,204,0 51,51,255 204,0,204 0,255,255 255,204,204 102,51,0 255,0,0 102,204,0 255,255,0 ' +
    '0,0,153 0,0,204 255,51,153 0,204,204 0,51,0 255,153,51 0,204,0';
  expect(celebamask19.classes.map((one) => one.color.join()).join(' ')).toBe(palette);
});

test('face-8 merges the classes by their names', () => {
  const members: Record<string, string[]> = {};
  const table = mergeTable(face8);
  for (const { id, name } of celebamask19.classes) {
    const merged = face8.classes[table[id]].name;
    members[merged] ??= [];
    members[merged].push(name);
  }
  expect(members).toEqual({
    background: ['background', 'hair', 'hat', 'ear_r', 'neck_l', 'neck', 'cloth'],
    skin: ['skin'],
    brows: ['l_brow', 'r_brow'],
    eyes: ['l_eye', 'r_eye'],
    nose: ['nose'],
    mouth: ['mouth', 'u_lip', 'l_lip'],
    ears: ['l_ear', 'r_ear'],
    glasses: ['eye_g'],
  });
});

test('an unknown name lists the valid ones, or the one that is meant', () => {
  expect(() => getLabelSet('lapa')).toThrow(FaceparseError);
  expect(() => getLabelSet('lapa')).toThrow(/'lapa'; the label sets are celebamask-19, face-8/);
  expect(() => getLabelSet('celebamask')).toThrow("unknown label set 'celebamask'; did you mean 'celebamask-19'?");
});

test('a mergeFrom of the wrong length is refused', () => {
  expect(() => mergeTable({ ...face8, name: 'short', mergeFrom: [0, 1] })).toThrow(/short.*2 entries/);
});

function isByte(value: number): boolean {
  return Number.isInteger(value) && value >= 0 && value <= 255;
}
