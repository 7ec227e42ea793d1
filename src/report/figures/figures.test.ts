import { describe, expect, it } from 'vitest';
import { confusionMatrix } from '../../charts/confusion-matrix.ts';
import { fitText, svgText, textWidth, wrapText } from '../../charts/svg-text.ts';
import { celebamask19 } from '../../labels/celebamask-19.ts';
import { FaceScore } from '../../metrics/face-score.ts';
import { countWrong } from '../facts/measurements.ts';
import { sideConfusion, worstMistakes } from '../sections/results.ts';

/** Two pixels of hair, one of them taken for background; a left eye taken for the right one; skin found. */
function summarize() {
  const score = new FaceScore(19);
  score.add(Uint8Array.of(13, 13, 4, 1), Uint8Array.of(0, 13, 5, 1));
  return { summary: score.summary(), labelSet: celebamask19 };
}

describe('the confusion matrix', () => {
  it('finds the classes that are confused with another', () => {
    expect(worstMistakes(summarize(), 3)).toEqual([
      { truth: 4, predicted: 5, share: 1 },
      { truth: 13, predicted: 0, share: 0.5 },
    ]);
    expect(sideConfusion(summarize())).toBe(1);
  });

  it('draws the classes that occur', () => {
    const svg = confusionMatrix(summarize().summary, celebamask19);
    // Background, skin, l_eye, r_eye, hair.
    expect(svg.match(/<rect /g)).toHaveLength(25);
    expect(svg).toContain('>50</text>');
    expect(svg).toContain('>hair</text>');
    expect(svg).not.toContain('>nose</text>');
    expect(svg).not.toMatch(/NaN/);
  });
});

describe('wrong pixels', () => {
  const map = (width: number, ids: number[]) => ({ width, height: ids.length / width, data: Uint8Array.from(ids) });

  it('count as near a boundary up to three pixels away; ignored pixels do not count', () => {
    const truth = map(10, [1, 1, 1, 1, 1, 1, 1, 2, 2, 255]);
    const prediction = map(10, [0, 1, 1, 1, 0, 1, 1, 2, 0, 0]);
    // Pixel 4 is three from the border, pixel 8 two, pixel 0 seven; pixel 9 is ignored.
    expect(countWrong(truth, prediction)).toEqual({ all: 3, near: 2 });
    // The edge of an ignored region is no boundary, as in boundary F.
    expect(countWrong(map(3, [1, 1, 255]), map(3, [0, 1, 0]))).toEqual({ all: 1, near: 0 });
  });
});

describe('text of figures', () => {
  it('is escaped, wrapped and truncated', () => {
    expect(svgText('<a & "b">', 0, 0, { size: 8 })).toContain('>&lt;a &amp; &quot;b&quot;&gt;<');
    expect(wrapText('2 × residual block', 8, 50)).toEqual(['2 × residual', 'block']);
    const cut = fitText('w'.repeat(1000), 8, 60);
    expect(cut.endsWith('…')).toBe(true);
    expect(textWidth(cut, 8)).toBeLessThanOrEqual(60);
  });
});
