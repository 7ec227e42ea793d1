import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseConfig } from '../config/parse-config.ts';
import {
  bracketJobs,
  bracketSize,
  type Halving,
  planHalving,
  survivors,
  type TrialScores,
  trialsOf,
} from './halving.ts';

const config = (...overrides: string[]) => parseConfig('', 'c', overrides);

describe('planHalving', () => {
  it.each<[string[], number, number | undefined, number[]]>([
    [['train.epochs=30'], 3, undefined, [4, 10, 30]],
    [['train.epochs=8', 'validation.every=1'], 2, undefined, [2, 4, 8]],
    [['train.epochs=27', 'validation.every=1'], 3, 1, [1, 3, 9, 27]],
    [['train.epochs=27', 'validation.every=0.5'], 3, 0.3, [0.5, 1, 3, 9, 27]],
    // Two validations leave two rungs, one leaves none.
    [['train.epochs=4', 'validation.every=2'], 3, undefined, [2, 4]],
    [['train.epochs=4', 'validation.every=4'], 3, undefined, [4]],
    [['train.epochs=30'], 3, 30, [30]],
  ])('%j by %i from %s', (overrides, factor, least, rungs) => {
    expect(planHalving(config(...overrides), factor, least).rungs).toEqual(rungs);
  });
});

/** Trains a bracket to its end: in any order, with scores and failures that belong to trial and rung. */
function train(
  halving: Halving,
  trials: number[],
  { scoreOf, fails, pick }: { scoreOf: Score; fails: Fails; pick: (count: number) => number },
  higherIsBetter = true,
) {
  const states = new Map<number, { scores: number[]; failed: boolean }>();
  const stateOf = (trial: number): TrialScores => states.get(trial) ?? { scores: [], failed: false };
  const done: string[] = [];
  for (;;) {
    const jobs = bracketJobs(trials, stateOf, halving, higherIsBetter);
    if (jobs.length === 0) return { states, done };
    const { trial, rung } = jobs[pick(jobs.length)];
    const { scores } = stateOf(trial);
    const failed = fails(trial, rung);
    states.set(trial, { scores: failed ? [...scores] : [...scores, scoreOf(trial, rung)], failed });
    done.push(`${trial}@${rung}`);
  }
}

type Score = (trial: number, rung: number) => number;
type Fails = (trial: number, rung: number) => boolean;

const halvings = fc.record({
  factor: fc.integer({ min: 2, max: 4 }),
  rungs: fc.constantFrom([8], [2, 8], [1, 3, 9]),
});
/** A fixed number from 0 to 1 for a trial and a rung. */
const hash = (seed: number, trial: number, rung: number) =>
  ((((trial * 7919 + rung * 104_729 + seed * 1299) % 9973) + 9973) % 9973) / 9973;

describe('bracketJobs', () => {
  const cases = fc.record({
    halving: halvings,
    count: fc.integer({ min: 1, max: 20 }),
    seed: fc.nat(1000),
    levels: fc.constantFrom(3, 1000),
    failures: fc.constantFrom(0, 0.3, 1),
    order: fc.array(fc.nat(1000), { minLength: 1 }),
  });
  /** A play of a case; few levels give equal scores. */
  const play = (
    { halving, count, seed, levels, failures, order }: typeof cases extends fc.Arbitrary<infer T> ? T : never,
    higherIsBetter = true,
  ) => {
    let turn = 0;
    const scoreOf: Score = (trial, rung) => Math.floor(hash(seed, trial, rung) * levels) / levels;
    const fails: Fails = (trial, rung) => hash(seed + 1, trial, rung) < failures;
    const pick = (length: number) => order[turn++ % order.length] % length;
    const trials = Array.from({ length: count }, (_, index) => index + 5);
    return { scoreOf, ...train(halving, trials, { scoreOf, fails, pick }, higherIsBetter), trials };
  };

  it('trains no trial twice to a rung, each first to the rung below, and not more than may go on', () => {
    fc.assert(
      fc.property(cases, (one) => {
        const { done, trials } = play(one);
        expect(new Set(done).size).toBe(done.length);
        const counts = survivors(trials.length, one.halving);
        one.halving.rungs.forEach((_, rung) => {
          const here = done.filter((job) => job.endsWith(`@${rung}`)).map((job) => job.split('@')[0]);
          expect(here.length).toBeLessThanOrEqual(counts[rung]);
          if (rung === 0) expect(here.length).toBe(trials.length);
          for (const trial of rung === 0 ? [] : here) expect(done).toContain(`${trial}@${rung - 1}`);
        });
      }),
    );
  });

  it.each([true, false])(
    'lets the best of a rung go on, and no failed one (higher is better: %s)',
    (higherIsBetter) => {
      fc.assert(
        fc.property(cases, (one) => {
          const { done, scoreOf, states } = play(one, higherIsBetter);
          for (const rung of one.halving.rungs.keys()) {
            const wentOn = done.filter((job) => job.endsWith(`@${rung + 1}`)).map((job) => Number(job.split('@')[0]));
            const reached = [...states].filter(([, { scores }]) => scores.length > rung).map(([trial]) => trial);
            const stayed = reached.filter((trial) => !wentOn.includes(trial));
            for (const trial of wentOn) {
              for (const other of stayed) {
                const gain = scoreOf(trial, rung) - scoreOf(other, rung);
                expect(higherIsBetter ? gain : -gain).toBeGreaterThanOrEqual(0);
              }
            }
          }
        }),
      );
    },
  );

  it('ends alike whatever the order of its jobs', () => {
    fc.assert(
      fc.property(cases, fc.array(fc.nat(1000), { minLength: 1 }), (one, order) => {
        const [first, second] = [play(one), play({ ...one, order })];
        expect([...second.states].sort((a, b) => a[0] - b[0])).toEqual([...first.states].sort((a, b) => a[0] - b[0]));
      }),
    );
  });

  it('trains a whole bracket of 9 as 9, 3 and 1 trials', () => {
    const halving = { rungs: [1, 3, 9], factor: 3 };
    expect(bracketSize(halving)).toBe(9);
    const { done } = train(halving, trialsOf(1, halving), {
      scoreOf: (trial) => trial,
      fails: () => false,
      pick: () => 0,
    });
    expect(done.slice(9)).toEqual(['18@1', '17@1', '16@1', '18@2']);
  });
});

describe('trialsOf', () => {
  it('divides all trials into brackets, up to a limit', () => {
    const halving = { rungs: [1, 3], factor: 3 };
    expect([0, 1, 2, 3].map((bracket) => trialsOf(bracket, halving, 8))).toEqual([[1, 2, 3], [4, 5, 6], [7, 8], []]);
  });
});
