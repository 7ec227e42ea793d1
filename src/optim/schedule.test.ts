import { describe, expect, it } from 'vitest';
import { learningRateAt, type ScheduleKind, type ScheduleSettings } from './schedule.ts';

const settings: ScheduleSettings = {
  power: 0.9,
  milestones: [0.5, 0.75],
  factor: 0.1,
  peakAt: 0.3,
  divFactor: 25,
  finalDivFactor: 1e4,
  firstCycle: 0.25,
  cycleFactor: 1,
};
const options = (
  schedule: ScheduleKind,
  warmup = 0,
  finalShare = 0,
  scheduleOptions: Partial<ScheduleSettings> = {},
) => ({
  schedule,
  lr: 2,
  warmup,
  finalShare,
  scheduleOptions: { ...settings, ...scheduleOptions },
});

describe('learningRateAt', () => {
  it.each([
    [0, 2],
    [0.25, 1 + Math.SQRT1_2],
    [0.5, 1],
    [0.75, 1 - Math.SQRT1_2],
    [1, 0],
  ])('cosine at %d', (progress, rate) => {
    expect(learningRateAt(progress, options('cosine'))).toBeCloseTo(rate, 12);
  });

  it.each([
    [0, 2],
    [0.5, 2 * 0.5 ** 0.9],
    [1, 0],
  ])('polynomial at %d', (progress, rate) => {
    expect(learningRateAt(progress, options('polynomial'))).toBeCloseTo(rate, 12);
  });

  it('climbs in a straight line during the warm-up, and never is 0', () => {
    expect(learningRateAt(0.05, options('cosine', 0.2))).toBeCloseTo(0.5, 12);
    expect(learningRateAt(0.1, options('constant', 0.2))).toBeCloseTo(1, 12);
    expect(learningRateAt(0, options('cosine', 0.2))).toBeCloseTo(0.002, 12);
    expect(learningRateAt(0.2, options('cosine', 0.2))).toBeCloseTo(2, 12);
    // The decay takes what is left of the run.
    expect(learningRateAt(0.6, options('cosine', 0.2))).toBeCloseTo(1, 12);
  });

  it('ends at the final share of the rate', () => {
    for (const kind of ['cosine', 'polynomial'] as const) {
      expect(learningRateAt(1, options(kind, 0.1, 0.05))).toBeCloseTo(0.1, 12);
    }
    expect(learningRateAt(0.5, options('cosine', 0, 0.5))).toBeCloseTo(1.5, 12);
  });

  it('stays in bounds before the start, after the end, and with warm-up throughout', () => {
    expect(learningRateAt(-1, options('cosine'))).toBe(2);
    expect(learningRateAt(1.2, options('cosine', 0, 0.25))).toBe(0.5);
    expect(learningRateAt(1, options('cosine', 1, 0.25))).toBe(0.5);
    expect(learningRateAt(7, options('constant', 0.3))).toBe(2);
  });

  it('counts the milestones from the start of the run, also after a warm-up, and stops at the final share', () => {
    const rates = [0.1, 0.2, 0.49, 0.5, 0.75, 1].map((at) => learningRateAt(at, options('step', 0.2, 0.05)));
    expect(rates).toEqual([1, 2, 2, 0.2, 0.1, 0.1]);
    // 3 · 0.1 is above 0.3 in floating point.
    expect(learningRateAt(0.3, options('step', 0, 0, { every: 0.1, factor: 0.5 }))).toBeCloseTo(0.25, 12);
  });

  it('ends a run of whole cycles low, and restarts at the peak', () => {
    const at = (progress: number) => learningRateAt(progress, options('cosine-restarts', 0, 0.1));
    expect(at(0.25)).toBeCloseTo(2, 12);
    expect(at(0.2499)).toBeCloseTo(0.2, 4);
    expect(at(0.75)).toBeCloseTo(2, 12);
    expect(at(1)).toBeCloseTo(0.2, 6);
    // The cycles follow the warm-up.
    expect(learningRateAt(0.6, options('cosine-restarts', 0.2, 0, { firstCycle: 1 }))).toBeCloseTo(1, 12);
  });

  it('applies the reductions of a plateau, also in the warm-up, down to the final share', () => {
    expect(learningRateAt(0.5, options('plateau'))).toBe(2);
    expect(learningRateAt(0.5, options('plateau'), 0.25)).toBe(0.5);
    expect(learningRateAt(0.1, options('plateau', 0.2), 0.25)).toBe(0.25);
    expect(learningRateAt(0.5, options('plateau', 0, 0.1), 0.01)).toBeCloseTo(0.2, 12);
    expect(learningRateAt(0.5, options('cosine'), 0.25)).toBe(1);
  });
});

/**
 * The learning rates of ten to fourteen steps of SGD(lr=2) in PyTorch 2.15, each with the line that makes them, where L is
 * torch.optim.lr_scheduler. `length` is the number of steps that are a whole run here.
 */
describe('the schedules of PyTorch', () => {
  const cases: readonly [string, number, ReturnType<typeof options>, readonly number[]][] = [
    [
      'L.MultiStepLR(o, [3, 6, 9], gamma=0.3)',
      10,
      options('step', 0, 0, { milestones: [0.3, 0.6, 0.9], factor: 0.3 }),
      [2.0, 2.0, 2.0, 0.6, 0.6, 0.6, 0.18, 0.18, 0.18, 0.054],
    ],
    [
      'L.StepLR(o, 3, gamma=0.5)',
      10,
      options('step', 0, 0, { every: 0.3, factor: 0.5 }),
      [2.0, 2.0, 2.0, 1.0, 1.0, 1.0, 0.5, 0.5, 0.5, 0.25],
    ],
    [
      'L.PolynomialLR(o, 10, power=2.5)',
      10,
      options('polynomial', 0, 0, { power: 2.5 }),
      [
        2.0, 1.536866943, 1.144866804, 0.819926826, 0.5577096019, 0.3535533906, 0.2023857703, 0.09859006035,
        0.03577708764, 0.00632455532, 0.0,
      ],
    ],
    [
      // PyTorch reaches the peak at step pct_start · 11 − 1 = 3 of 10, and the end at step 10.
      'L.OneCycleLR(o, max_lr=2.0, total_steps=11, pct_start=4/11, div_factor=20, final_div_factor=50)',
      10,
      options('onecycle', 0.03, 0.5, { peakAt: 0.3, divFactor: 20, finalDivFactor: 50 }),
      [0.1, 0.575, 1.525, 2.0, 1.901067899, 1.623866312, 1.223298413, 0.778701587, 0.3781336879, 0.100932101, 0.002],
    ],
    [
      'L.CosineAnnealingWarmRestarts(o, 2, 2, eta_min=0.1)',
      14,
      options('cosine-restarts', 0, 0.05, { firstCycle: 2 / 14, cycleFactor: 2 }),
      [
        2.0, 1.05, 2.0, 1.721751442, 1.05, 0.3782485579, 2.0, 1.927685556, 1.721751442, 1.413549261, 1.05, 0.6864507393,
        0.3782485579, 0.1723144441,
      ],
    ],
  ];

  it.each(cases)('%s', (_, length, schedule, expected) => {
    expected.forEach((rate, step) => {
      expect(learningRateAt(step / length, schedule), `step ${step}`).toBeCloseTo(rate, 8);
    });
  });
});
