import { describe, expect, it } from 'vitest';
import { celebamask19 } from '../labels/celebamask-19.ts';
import { FaceScore } from '../metrics/face-score.ts';
import { formatScores, formatScoresMarkdown } from './score-table.ts';

const score = new FaceScore(19);
score.add(Uint8Array.of(0, 0, 1, 1), Uint8Array.of(0, 0, 1, 13));
const summary = score.summary();

describe('formatScores', () => {
  const lines = formatScores(summary, celebamask19).split('\n');

  it('begins with the headline', () => {
    expect(lines[0]).toMatch(/^F \(per image\) {3}0\.8333 {3}mean over 1 images/);
    expect(lines[1]).toBe('pixel accuracy  0.7500');
  });

  it('has a row for each class that occurs, and the means', () => {
    expect(lines.slice(5, -3).map((line) => line.split(/ {2,}/)[0])).toEqual([
      'background',
      'skin',
      'hair',
      'mean',
      'mean, no background',
    ]);
    expect(lines.find((line) => line.startsWith('skin'))).toMatch(/^skin +1 +0\.667 +1\.000 +0\.500 +0\.667 +0\.500$/);
  });

  it('names the classes that no image has', () => {
    expect(lines.at(-2)).toBe(
      'not in these images: nose, eye_g, l_eye, r_eye, l_brow, r_brow, l_ear, r_ear, mouth, u_lip, l_lip, hat, ear_r, neck_l, neck, cloth',
    );
  });
});

it('formatScoresMarkdown gives the same numbers as a Markdown table', () => {
  const lines = formatScoresMarkdown(summary, celebamask19).split('\n');
  expect(lines[0]).toBe('F (per image) **0.8333** over 1 images; pixel accuracy 0.7500.');
  expect(lines[2]).toBe('| class | images | F/image | precision | recall | F1 (Dice) | IoU |');
  expect(lines[3]).toBe('| --- | ---: | ---: | ---: | ---: | ---: | ---: |');
  expect(lines.at(-3)).toMatch(/^Not in these images: .*\bhat\b.*\.$/);
  expect(lines).toContain('| skin | 1 | 0.667 | 1.000 | 0.500 | 0.667 | 0.500 |');
  expect(lines).toContain('| hair | 0 |  | 0.000 | 0.000 | 0.000 | 0.000 |');
  expect(lines.filter((line) => line.startsWith('|')).every((line) => line.split('|').length === 9)).toBe(true);
});
