import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { celebamask19 } from '../../labels/celebamask-19.ts';
import { face8 } from '../../labels/face-8.ts';
import { findClass } from '../../labels/find-class.ts';
import { Random } from '../../random/random.ts';
import { type DecodedDataset, decodedBytes, decodedLabels, decodedPhoto } from '../decoded/decoded-dataset.ts';
import { CopyPaster } from './copy-paste.ts';
import { planCopyPaste } from './copy-paste-plan.ts';
import {
  type CopyPasteOptions,
  checkCopyPaste,
  type PasteableClass,
  pasteableClasses,
  pasteRules,
} from './copy-paste-rules.ts';

const size = 16;
const id = (name: string) => findClass(celebamask19, name).id;

/** A rectangle of a class: left, top, right and bottom, the last two past the end. */
type Patch = readonly [name: string, left: number, top: number, right: number, bottom: number];

/** Pairs of background with patches, the later over the earlier; all pixels of pair i have the value 10·i. */
function datasetOf(...pairs: (readonly Patch[])[]): DecodedDataset {
  const decoded = {
    labelSet: celebamask19.name,
    size,
    stems: pairs.map((_, i) => `${i}`),
    buffer: new SharedArrayBuffer(decodedBytes(pairs.length, size)),
  };
  pairs.forEach((patches, i) => {
    decodedPhoto(decoded, i).data.fill(10 * i);
    const { data } = decodedLabels(decoded, i);
    for (const [name, left, top, right, bottom] of patches) {
      for (let y = top; y < bottom; y++) data.fill(id(name), y * size + left, y * size + right);
    }
  });
  return decoded;
}

const head: Patch[] = [
  ['hair', 4, 2, 12, 8],
  ['skin', 4, 4, 12, 13],
  ['l_eye', 8, 6, 10, 7],
  ['r_eye', 5, 6, 7, 7],
];

function paste(decoded: DecodedDataset, name: PasteableClass, index = 0, seed = 1) {
  const plan = planCopyPaste(decoded, celebamask19, { probability: 1, classes: [name] })!;
  return new CopyPaster(decoded, plan).pair(index, new Random(seed));
}

/** Whether the pair was left as it was decoded. */
function isUnchanged(decoded: DecodedDataset, name: PasteableClass, index = 0): boolean {
  const { photo, labels } = paste(decoded, name, index);
  expect(photo.data.every((value) => value === 10 * index)).toBe(
    labels.data.every((value, i) => value === decodedLabels(decoded, index).data[i]),
  );
  return photo.data.every((value) => value === 10 * index);
}

describe('CopyPaster', () => {
  it('pastes a hat over hair, photo and labels alike, with a mixed edge', () => {
    const decoded = datasetOf(head, [...head, ['hat', 3, 1, 13, 5]]);
    const { photo, labels } = paste(decoded, 'hat');
    for (let y = 0; y < size; y++) {
      for (let x = 0; x < size; x++) {
        const i = y * size + x;
        const inside = x >= 3 && x < 13 && y >= 1 && y < 5;
        expect(labels.data[i]).toBe(inside ? id('hat') : decodedLabels(decoded, 0).data[i]);
        const border = inside && (x === 3 || x === 12 || y === 1 || y === 4);
        const corner = (x === 3 || x === 12) && (y === 1 || y === 4);
        expect(photo.data[3 * i]).toBe(inside ? (border ? (corner ? 4 : 7) : 10) : 0);
      }
    }
    // The decoded images themselves stay as it was.
    expect(decodedPhoto(decoded, 0).data.every((value) => value === 0)).toBe(true);
  });

  it('leaves a hat out that would hide the eyes, hover beside the head or sit below the hair', () => {
    expect(isUnchanged(datasetOf(head, [['hat', 3, 1, 13, 12]]), 'hat')).toBe(false);
    expect(isUnchanged(datasetOf([...head, ['mouth', 5, 4, 11, 11]], [['hat', 3, 1, 13, 12]]), 'hat')).toBe(true);
    expect(isUnchanged(datasetOf(head, [['hat', 0, 0, 4, 4]]), 'hat')).toBe(true);
    expect(isUnchanged(datasetOf(head, [['hat', 3, 4, 13, 6]]), 'hat')).toBe(true);
  });

  it('puts on no second hat, and takes none from the pair itself', () => {
    const decoded = datasetOf([...head, ['hat', 3, 1, 13, 5]], [...head, ['hat', 3, 1, 13, 5]], head);
    expect([0, 1, 2].map((index) => isUnchanged(decoded, 'hat', index))).toEqual([true, true, false]);
  });

  it('brings the eyes that are behind glasses, not others', () => {
    const glasses: Patch[] = [
      ['l_eye', 12, 6, 14, 7],
      ['eye_g', 4, 5, 11, 8],
      ['r_eye', 7, 6, 9, 7],
    ];
    const { labels } = paste(datasetOf(head, glasses), 'eye_g');
    const row = [...labels.data.subarray(6 * size + 3, 6 * size + 14)];
    const names = row.map((value) => celebamask19.classes[value].name);
    expect(names).toEqual([
      'background',
      ...['eye_g', 'eye_g', 'eye_g', 'r_eye', 'r_eye', 'eye_g', 'eye_g'],
      ...['skin', 'background', 'background'],
    ]);
  });

  it('leaves out glasses that are not before an eye', () => {
    expect(isUnchanged(datasetOf(head, [['eye_g', 4, 2, 12, 4]]), 'eye_g')).toBe(true);
  });

  it('hangs rings from ears or hair, each side by itself', () => {
    const target: Patch[] = [...head, ['r_ear', 2, 6, 4, 9]];
    const { labels } = paste(
      datasetOf(target, [
        ['ear_r', 2, 9, 4, 12],
        ['ear_r', 13, 9, 15, 12],
      ]),
      'ear_r',
    );
    expect(labels.data[9 * size + 2]).toBe(id('ear_r'));
    expect(labels.data[9 * size + 13]).toBe(id('background'));
  });

  it('keeps hair before necklaces, and changes clothes only for clothes', () => {
    const body: Patch[] = [
      ['cloth', 0, 12, 16, 16],
      ['neck', 4, 10, 12, 13],
      ['hair', 4, 10, 6, 16],
    ];
    const necklace = paste(datasetOf(body, [['neck_l', 4, 12, 12, 13]]), 'neck_l').labels.data;
    expect([...necklace.subarray(12 * size + 4, 12 * size + 12)].map((value) => value === id('neck_l'))).toEqual([
      ...[false, false],
      ...new Array(6).fill(true),
    ]);
    const jacket: Patch[] = [['cloth', 0, 11, 16, 16]];
    const clothes = paste(datasetOf(body, jacket), 'cloth');
    expect(clothes.labels.data[11 * size]).toBe(id('cloth'));
    expect(clothes.labels.data[12 * size + 8]).toBe(id('neck'));
    expect(clothes.photo.data[3 * (14 * size + 9)]).toBe(10);
    expect(isUnchanged(datasetOf(head, jacket), 'cloth')).toBe(true);
  });

  it('changes a background only where both have one, and only for as much', () => {
    const [narrow, broad]: Patch[][] = [[['hair', 6, 2, 10, 16]], [['hair', 5, 1, 11, 16]]];
    const decoded = datasetOf(broad, narrow);
    const { photo, labels } = paste(decoded, 'background');
    expect([...labels.data]).toEqual([...decodedLabels(decoded, 0).data]);
    expect(photo.data[0]).toBe(10);
    expect(photo.data[3 * (8 * size + 5)]).toBe(0);
    expect(isUnchanged(datasetOf(narrow, [['hair', 0, 4, 16, 16]]), 'background')).toBe(true);
  });

  it('keeps to the rules and to the seed, whatever the labels', () => {
    const random = new Random(7);
    const patch = (): Patch => {
      const [left, top] = [random.integer(14), random.integer(14)];
      const { name } = celebamask19.classes[random.integer(19)];
      return [name, left, top, left + 1 + random.integer(size - left), top + 1 + random.integer(size - top)];
    };
    const decoded = datasetOf(...Array.from({ length: 30 }, () => Array.from({ length: 8 }, patch)));
    let changed = 0;
    for (const name of pasteableClasses) {
      const plan = planCopyPaste(decoded, celebamask19, { probability: 1, classes: [name] });
      if (!plan) continue;
      const [first, second] = [new CopyPaster(decoded, plan), new CopyPaster(decoded, plan)];
      const { onto, along = [] } = pasteRules[name];
      fc.assert(
        fc.property(fc.integer(), fc.nat(29), (seed, index) => {
          const { photo, labels } = first.pair(index, new Random(seed));
          const again = second.pair(index, new Random(seed));
          expect(Buffer.compare(again.photo.data, photo.data)).toBe(0);
          expect(Buffer.compare(again.labels.data, labels.data)).toBe(0);
          const before = decodedLabels(decoded, index).data;
          const given = [name, ...along].map(id);
          const strays = labels.data.filter((value, i) => {
            if (value === before[i]) return false;
            changed++;
            return !given.includes(value) || !onto.map(id).includes(before[i]);
          });
          expect([...strays]).toEqual([]);
        }),
        { numRuns: 100 },
      );
    }
    expect(changed).toBeGreaterThan(300);
  });
});

describe('planCopyPaste', () => {
  const decoded = datasetOf(head, [...head, ['hat', 3, 1, 13, 5]], [['hat', 0, 0, 1, 1]]);

  it('finds donors and the boxes of what they give, without those of weight 0', () => {
    const options: CopyPasteOptions = { probability: 0.5, classes: ['hat', 'hat', 'neck_l'] };
    const plan = planCopyPaste(decoded, celebamask19, options)!;
    expect(plan.classes.length).toBe(1);
    expect([...plan.classes[0].donors]).toEqual([1, 2]);
    expect([...plan.classes[0].boxes]).toEqual([3, 1, 13, 5, 0, 0, 1, 1]);
    expect([...planCopyPaste(decoded, celebamask19, options, [1, 0, 1])!.classes[0].donors]).toEqual([2]);
  });

  it('is absent where there is nothing to paste', () => {
    expect(planCopyPaste(decoded, celebamask19, { probability: 0, classes: ['hat'] })).toBeUndefined();
    expect(planCopyPaste(decoded, celebamask19, { probability: 1, classes: ['ear_r'] })).toBeUndefined();
    expect(planCopyPaste(decoded, face8, { probability: 0, classes: ['hat'] })).toBeUndefined();
  });

  it('refuses other labels', () => {
    expect(() => planCopyPaste(decoded, face8, { probability: 1, classes: ['hat'] })).toThrow(
      'copy-paste supports only celebamask-19, but the label set is face-8; set its probability to 0',
    );
  });
});

describe('checkCopyPaste', () => {
  it('names what is wrong', () => {
    expect(() => checkCopyPaste({ probability: 1.5, classes: ['hat'] })).toThrow(
      'Augmentation "copyPaste.probability" is 1.5; it must be from 0 (off) to 1.',
    );
    expect(() => checkCopyPaste({ probability: 1, classes: ['skin' as never] })).toThrow(
      /"copyPaste.classes" contains "skin"; valid classes are hat, eye_g/,
    );
  });
});

describe('pasteRules', () => {
  it('name classes that there are', () => {
    for (const rule of Object.values(pasteRules)) {
      for (const name of [...rule.onto, ...(rule.along ?? []), ...(rule.hangsFrom ?? []), ...(rule.worn?.on ?? [])]) {
        expect(id(name)).toBeGreaterThanOrEqual(0);
      }
    }
  });
});
