import { describe, expect, it } from 'vitest';
import { type Candidate, candidateOf, distinct, faceOf, turnBetween } from './candidate.ts';

const values = Float32Array.of(50, 60, 40, 44, 40, 50, 60, 50, 50, 58, 50, 70, 30, 55, 70, 55);

function candidate(score: number, x: number, side: number): Candidate {
  return { ...candidateOf({ score, values }, 1, (px, py) => ({ x: px, y: py })), centre: { x, y: 0 }, side };
}

describe('candidateOf', () => {
  it('places the box and the landmarks in the photo', () => {
    const { centre, side, angle, landmarks } = candidateOf({ score: 0.5, values }, 2, (x, y) => ({
      x: 2 * x,
      y: 2 * y + 1,
    }));
    expect([centre, side, angle]).toEqual([{ x: 100, y: 121 }, 84, 0]);
    expect(landmarks.rightEye).toEqual({ x: 80, y: 101 });
    expect(landmarks.leftEar).toEqual({ x: 140, y: 111 });
  });

  it('measures the angle clockwise', () => {
    // A quarter turn clockwise: what was at the right is at the bottom.
    expect(candidateOf({ score: 0.5, values }, 1, (x, y) => ({ x: -y, y: x })).angle).toBe(90);
  });

  it('becomes a face with a square box', () => {
    const face = faceOf(candidate(0.9, 10, 8));
    expect(face.box).toEqual({ x: 6, y: -4, width: 8, height: 8 });
    expect(face.confidence).toBe(0.9);
  });
});

describe('turnBetween', () => {
  it.each([
    [0, 30, 30],
    [170, -170, 20],
    [-170, 170, -20],
    [10, 370, 0],
    [0, 180, -180],
  ])('from %d to %d', (from, to, expected) => {
    expect(turnBetween(from, to)).toBe(expected);
  });
});

describe('distinct', () => {
  it('keeps the best of candidates on the same face', () => {
    const kept = distinct([candidate(0.8, 0, 40), candidate(0.9, 8, 44), candidate(0.7, 60, 40)]);
    expect(kept.map(({ score }) => score)).toEqual([0.9, 0.7]);
  });
});
