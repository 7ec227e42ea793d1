import { describe, expect, it } from 'vitest';
import { faceAt } from '../../../test/face-fixture.ts';
import type { ParsedFace } from '../../parser/result/parsed-face.ts';
import { describeFaces, faceModeOf, summarizeFace } from './faces.ts';

describe('faceModeOf', () => {
  it('takes the modes, auto by default', () => {
    expect([undefined, 'auto', 'whole', 'every'].map((mode) => faceModeOf(mode))).toEqual([
      'auto',
      'auto',
      'whole',
      'every',
    ]);
  });

  it.each([
    ['evry', "--faces has no mode 'evry'; did you mean 'every'?"],
    ['3', "--faces has no mode '3'; it takes auto, whole or every"],
  ])('refuses %s', (mode, message) => {
    expect(() => faceModeOf(mode)).toThrow(expect.objectContaining({ message, exitCode: 2 }));
  });
});

it('summarizeFace rounds places and keeps the paths of the crop', () => {
  const face = faceAt({ x: 100.04, y: 50, side: 80, angle: 12.345 }, 0.98765);
  const areas = [{ id: 1, name: 'skin', pixels: 5, share: 0.123456 }];
  const summary = summarizeFace({ ...face, areas } as unknown as ParsedFace, { image: 'a-1.png', mask: 'b-1.png' });
  expect(summary).toMatchObject({
    box: { x: 80, y: 30, width: 40, height: 40 },
    angle: 12.3,
    confidence: 0.988,
    areas: { skin: 0.1235 },
    crop: { image: 'a-1.png', mask: 'b-1.png' },
  });
  expect(Object.keys(summary.landmarks)).toEqual(['rightEye', 'leftEye', 'nose', 'mouth', 'rightEar', 'leftEar']);
  for (const place of Object.values(summary.landmarks).flat()) expect(place).toBe(Math.round(place * 10) / 10);
});

describe('describeFaces', () => {
  const photos = (...counts: number[]) => counts.map((faceCount, index) => ({ photo: `${index}.jpg`, faceCount }));

  it.each([
    [[1, 1], []],
    [[], []],
    [[2, 1], ['several faces: 2 in 0.jpg']],
    [[2, 3, 4, 5, 6], ['several faces: 2 in 0.jpg, 3 in 1.jpg, 4 in 2.jpg and 2 more photos']],
    [[0], ['no face found in 0.jpg: its mask is all background; --faces whole parses the whole photo']],
    [
      [0, 1, 0],
      ['no face found in 2 photos, such as 0.jpg: their masks are all background; --faces whole parses whole photos'],
    ],
  ])('%j', (counts, lines) => {
    expect(describeFaces(photos(...counts))).toEqual(lines);
  });
});
