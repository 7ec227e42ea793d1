import { describe, expect, it } from 'vitest';
import { makeUpTable } from '../../../test/labels-fixture.ts';
import { celebamask19 } from '../../labels/celebamask-19.ts';
import { face8 } from '../../labels/face-8.ts';
import { getLabelSet } from '../../labels/registry.ts';
import { idFault, pairFault, scoringFault } from './mask-faults.ts';

const makeUp = getLabelSet(makeUpTable());

describe('scoringFault', () => {
  it('accepts masks with a class that counts', () => {
    for (const set of [celebamask19, face8])
      expect(scoringFault('a.png', Uint8Array.of(0, 18, 255), set)).toBeUndefined();
    // Background only is a mask, too.
    expect(scoringFault('a.png', Uint8Array.of(0, 0), celebamask19)).toBeUndefined();
  });

  it('names ids outside the label set of the file, which is celebamask-19 for merged classes', () => {
    const fault =
      'a.png has the label 19, but the ids of celebamask-19 are 0 to 18; correct the mask, or use its label set (data.labels)';
    for (const set of [celebamask19, face8, makeUp])
      expect(scoringFault('a.png', Uint8Array.of(1, 19), set)).toBe(fault);
    expect(idFault('a.png', Uint8Array.of(8), face8)).toMatch(/has the label 8, but the ids of face-8 are 0 to 7;/);
  });

  it('finds masks without a pixel to score', () => {
    expect(scoringFault('a.png', Uint8Array.of(255, 255), face8)).toMatch(
      /no pixel to score: all are 255 \(ignored\); redraw/,
    );
    const dropped = makeUp.mergeFrom!.indexOf(255);
    expect(scoringFault('a.png', Uint8Array.of(dropped, 255), makeUp)).toMatch(
      /make-up drops all of its classes; remove/,
    );
  });
});

describe('pairFault', () => {
  it('compares sizes first', () => {
    const mask = { width: 2, height: 1, data: Uint8Array.of(255, 255) };
    expect(pairFault('a.png', mask, { width: 1, height: 2 }, face8)).toBe(
      'a.png is 2×1, but its photo is 1×2; resize the photo to the mask, or the mask with nearest neighbour',
    );
    expect(pairFault('a.png', mask, mask, face8)).toMatch(/no pixel to score/);
  });
});
