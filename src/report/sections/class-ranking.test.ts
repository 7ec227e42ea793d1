import { describe, expect, it } from 'vitest';
import { celebamask19 } from '../../labels/celebamask-19.ts';
import { FaceScore } from '../../metrics/face-score.ts';
import { countNotFound, listScores, rankClasses } from './class-ranking.ts';

/** Skin is found, hair and nose are not; hair is in two images and nose in one; neck is half found. */
function summarize() {
  const score = new FaceScore(19);
  score.add(Uint8Array.of(1, 1, 13, 17, 17), Uint8Array.of(1, 1, 1, 17, 1));
  score.add(Uint8Array.of(1, 1, 13, 2, 2), Uint8Array.of(1, 1, 1, 1, 1));
  return score.summary();
}

describe('rankClasses', () => {
  it('separates classes at 0, by frequency, and sorts the others by F', () => {
    const ranking = rankClasses({ summary: summarize() });
    expect(ranking.notFound.map(({ id }) => celebamask19.classes[id].name)).toEqual(['hair', 'nose']);
    expect(ranking.found.map(({ id }) => celebamask19.classes[id].name)).toEqual(['skin', 'neck']);
    expect(countNotFound(ranking)).toBe('2 of the 4 classes have an F of 0.00');
    expect(listScores(ranking.found, celebamask19)).toBe('skin (0.62) and neck (0.67)');
  });

  it('is silent if all classes are found', () => {
    const score = new FaceScore(19);
    score.add(Uint8Array.of(1, 2), Uint8Array.of(1, 2));
    expect(countNotFound(rankClasses({ summary: score.summary() }))).toBeUndefined();
  });
});
