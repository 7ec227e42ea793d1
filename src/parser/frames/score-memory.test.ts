import { describe, expect, it } from 'vitest';
import { Random } from '../../random/random.ts';
import { runSteps } from '../../scheduling/steps.ts';
import { ScoreMemory } from './score-memory.ts';

const shape = [3, 8, 8] as const;
const [rows, columns] = [8, 8];

/** A picture of one level, with noise of a level, and scores with noise around a class. */
function drawFrame(random: Random, level: number, id: number) {
  const data = Float32Array.from({ length: 3 * 64 }, (_, i) => (Math.floor(i / 64) === id ? 2 : 0) + random.normal());
  const picture = { rows, columns, data: Float32Array.from({ length: 3 * 64 }, () => level + random.normal()) };
  return { scores: { shape, data }, picture };
}

describe('ScoreMemory', () => {
  it('steadies the scores of a still picture', () => {
    const random = new Random(3);
    const memory = new ScoreMemory();
    let [fresh, steady] = [0, 0];
    let last: { fresh: Float32Array; steady: Float32Array } | undefined;
    for (let n = 0; n < 40; n++) {
      const { scores, picture } = drawFrame(random, 100, 1);
      const mixed = runSteps(memory.addSteps(scores, picture, 0.8)).data;
      if (last && n > 10) {
        for (let i = 0; i < mixed.length; i++) {
          fresh += Math.abs(scores.data[i] - last.fresh[i]);
          steady += Math.abs(mixed[i] - last.steady[i]);
        }
      }
      last = { fresh: scores.data, steady: mixed };
    }
    expect(steady).toBeLessThan(0.3 * fresh);
  });

  it('leaves no trail where the picture changes', () => {
    const random = new Random(4);
    const memory = new ScoreMemory();
    for (let n = 0; n < 20; n++) {
      const { scores, picture } = drawFrame(random, 100, 1);
      runSteps(memory.addSteps(scores, picture, 0.95));
    }
    const { scores, picture } = drawFrame(random, 160, 2);
    expect(runSteps(memory.addSteps(scores, picture, 0.95)).data).toEqual(scores.data);
  });

  it('takes scores as they are with weight 0, after clear, and on another grid', () => {
    const random = new Random(5);
    const memory = new ScoreMemory();
    const [a, b, c] = [1, 1, 1].map((id) => drawFrame(random, 50, id));
    runSteps(memory.addSteps(a.scores, a.picture, 0.9));
    expect(runSteps(memory.addSteps(b.scores, b.picture, 0))).toBe(b.scores);
    memory.clear();
    expect(runSteps(memory.addSteps(c.scores, c.picture, 0.9))).toBe(c.scores);
    const other = { shape: [3, 4, 4] as const, data: new Float32Array(48) };
    expect(runSteps(memory.addSteps(other, c.picture, 0.9))).toBe(other);
  });

  it('does not change what it has returned', () => {
    const random = new Random(6);
    const memory = new ScoreMemory();
    const frames = Array.from({ length: 3 }, () => drawFrame(random, 50, 0));
    const results = frames.map(({ scores, picture }) => runSteps(memory.addSteps(scores, picture, 0.9)));
    const copies = results.map(({ data }) => data.slice());
    runSteps(memory.addSteps(frames[0].scores, frames[0].picture, 0.9));
    expect(results.map(({ data }) => data)).toEqual(copies);
  });
});
