import { afterEach, expect, it, vi } from 'vitest';
import type { TrainingProgress } from '../training/train-options.ts';
import { TrainingDisplay } from './training-display.ts';

afterEach(() => vi.restoreAllMocks());

/** What a validation prints. */
function printed(state: Partial<TrainingProgress>): string {
  const written = vi.spyOn(process.stderr, 'write').mockReturnValue(true);
  new TrainingDisplay(true).update({ phase: 'validate', progress: 1, step: 8, epoch: 2, ...state });
  return written.mock.calls.map(([text]) => String(text)).join('');
}

it('calls a validation the best only if no earlier one is as good', () => {
  expect(printed({ valF: 0.5, bestF: 0.5, bestStep: 8, staleValidations: 0 })).toMatch(
    /F \(per image\) 0\.5000 {2}best so far\n/,
  );
  expect(printed({ valF: 0.5, bestF: 0.5, bestStep: 4, staleValidations: 1 })).toMatch(
    /F \(per image\) 0\.5000 {2}same as the best, step 4 {2}1 validation without improvement\n/,
  );
  expect(printed({ valF: 0.4, bestF: 0.5, bestStep: 4 })).toMatch(/F \(per image\) 0\.4000\n/);
});
