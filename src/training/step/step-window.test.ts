import { expect, it, vi } from 'vitest';
import { StepWindow } from './step-window.ts';

/** Lets windows have a step that is read at once. */
function addStep(windows: readonly StepWindow[], loss: number, gradientNorm: number, images = 8): void {
  for (const window of windows) {
    window.add(images);
    window.addSums(new Map(Object.entries({ loss, gradientNorm })));
  }
}

it('gives means since the last line, and starts anew', () => {
  const now = vi.spyOn(performance, 'now').mockReturnValue(1000);
  const window = new StepWindow();
  expect(window.loss).toBeUndefined();
  // Both are read at once.
  window.add(8);
  window.add(8);
  window.addSums(
    new Map([
      ['loss', 6],
      ['gradientNorm', 4],
    ]),
  );
  expect(window.loss).toBe(3);
  now.mockReturnValue(3000);
  expect(window.take()).toEqual({ loss: 3, gradientNorm: 2, imagesPerSecond: 8 });
  expect(window).toMatchObject({ count: 0 });
  addStep([window], 10, 1, 4);
  now.mockReturnValue(3500);
  expect(window.take()).toEqual({ loss: 10, gradientNorm: 1, imagesPerSecond: 8 });
  // Ten seconds of validation are no training.
  now.mockReturnValue(13_500);
  window.restart();
  addStep([window], 1, 1, 8);
  now.mockReturnValue(14_500);
  expect(window.take().imagesPerSecond).toBe(8);
  expect(window).toMatchObject({ count: 0 });
  now.mockRestore();
});

it('goes on from its state with the same means, to the last bit, and the same speed', () => {
  const now = vi.spyOn(performance, 'now').mockReturnValue(0);
  const [whole, first] = [new StepWindow(), new StepWindow()];
  addStep([whole, first], 1 / 3, 0.1);
  now.mockReturnValue(500);
  const { state } = first;
  now.mockReturnValue(90_500);
  const second = new StepWindow(JSON.parse(JSON.stringify(state)));
  addStep([whole, second], 0.7, 1e-30);
  now.mockReturnValue(91_000);
  const { imagesPerSecond, ...means } = second.take();
  expect(whole.take()).toMatchObject(means);
  expect(imagesPerSecond).toBe(16);
  now.mockRestore();
});
