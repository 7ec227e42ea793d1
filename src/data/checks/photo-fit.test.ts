import { describe, expect, it } from 'vitest';
import type { LabelMap, Photo } from '../../image/image.ts';
import { turnUpright } from '../../image/orientation.ts';
import { celebamask19 } from '../../labels/celebamask-19.ts';
import { face8 } from '../../labels/face-8.ts';
import { mergeTable } from '../../labels/merge.ts';
import { drawSyntheticFace } from '../../synthetic/face.ts';
import { findFitProblem } from './photo-fit.ts';

/** The orientation that undoes each one. */
const inverse: Record<number, number> = { 2: 2, 3: 3, 4: 4, 5: 5, 6: 8, 7: 7, 8: 6 };
const orientations = [2, 3, 4, 5, 6, 7, 8];

const faces = [1, 2, 3].map((seed) => drawSyntheticFace(seed, 96));

/** The upper part of a face: wider than high. */
function cropRows(photo: Photo, labels: LabelMap, rows: number): { photo: Photo; labels: LabelMap } {
  return {
    photo: { ...photo, height: rows, data: photo.data.slice(0, rows * photo.width * 3) },
    labels: { ...labels, height: rows, data: labels.data.slice(0, rows * labels.width) },
  };
}

describe('findFitProblem', () => {
  it.each(orientations)('a mask made for the stored pixels is found at EXIF orientation %i', (orientation) => {
    for (const { photo, labels } of faces) {
      const stored = turnUpright(labels, inverse[orientation]);
      const problem = findFitProblem(photo, stored, orientation, celebamask19);
      // A mirrored face may look nearly the same.
      if (orientation !== 2) expect(problem?.kind).toBe('exif-orientation');
      if (problem)
        expect(problem.message).toContain(`EXIF orientation ${orientation}, and the mask was made without it`);
    }
  });

  it('the remedy names the turn', () => {
    const [{ photo, labels }] = faces;
    expect(findFitProblem(photo, turnUpright(labels, 8), 6, celebamask19)?.remedy).toContain(
      'rotate it by 90° clockwise',
    );
    expect(findFitProblem(photo, turnUpright(labels, 6), 8, celebamask19)?.remedy).toContain('by 90° counterclockwise');
    expect(findFitProblem(photo, turnUpright(labels, 3), 3, celebamask19)?.remedy).toContain('rotate it by 180°');
  });

  it.each([1, ...orientations])('a mask that fits has no problem at EXIF orientation %i', (orientation) => {
    for (const { photo, labels } of faces) {
      expect(findFitProblem(photo, labels, orientation, celebamask19)).toBeUndefined();
    }
  });

  it('merged masks are judged too, and so are masks without eyes and mouth', () => {
    const [{ photo, labels }] = faces;
    const table = mergeTable(face8);
    const merged = { ...labels, data: labels.data.map((id) => table[id]) };
    expect(findFitProblem(photo, turnUpright(merged, 8), 6, face8)?.kind).toBe('exif-orientation');
    const skinOnly = { ...labels, data: labels.data.map((id) => (id >= 1 && id <= 12 ? 1 : id === 13 ? 13 : 0)) };
    expect(findFitProblem(photo, turnUpright(skinOnly, 3), 3, celebamask19)?.kind).toBe('exif-orientation');
    expect(findFitProblem(photo, skinOnly, 3, celebamask19)).toBeUndefined();
  });

  it('of photos that are not square, exchanged sides tell', () => {
    const { photo, labels } = cropRows(faces[0].photo, faces[0].labels, 80);
    expect(findFitProblem(photo, turnUpright(labels, 8), 6, celebamask19)?.kind).toBe('exif-orientation');
    expect(findFitProblem(photo, turnUpright(labels, 3), 3, celebamask19)?.kind).toBe('exif-orientation');
    expect(findFitProblem(photo, labels, 6, celebamask19)).toBeUndefined();
    const withoutExif = findFitProblem(photo, turnUpright(labels, 8), 1, celebamask19);
    expect(withoutExif).toMatchObject({ kind: 'size-mismatch', message: 'is 80×96, but its photo is 96×80' });
    expect(withoutExif?.remedy).toContain('rotate the mask by 90°');
  });

  it('other sizes are a mismatch, whatever the orientation', () => {
    const { labels } = cropRows(faces[0].photo, faces[0].labels, 80);
    for (const orientation of [1, 3, 6]) {
      expect(findFitProblem(faces[0].photo, labels, orientation, celebamask19)).toMatchObject({
        kind: 'size-mismatch',
        message: 'is 96×80, but its photo is 96×96',
      });
    }
  });

  it('a mask of ignored pixels and a photo of one colour say nothing', () => {
    const [{ photo, labels }] = faces;
    const ignored = { ...labels, data: labels.data.map(() => 255) };
    const gray = { ...photo, data: photo.data.map(() => 90) };
    expect(findFitProblem(photo, ignored, 3, celebamask19)).toBeUndefined();
    expect(findFitProblem(gray, turnUpright(labels, 3), 3, celebamask19)).toBeUndefined();
  });
});
