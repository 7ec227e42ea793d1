import type { LabelSet } from '../labels/label-set.ts';
import { FaceparseError } from '../text/errors.ts';
import { joinWords } from '../text/join-words.ts';
import type { LossSettings } from './combined.ts';
import { losses } from './registry.ts';

/**
 * Checks the losses of a configuration together and against the label set.
 *
 * @throws FaceparseError if all weights are 0, or a setting does not match the label set
 */
export function checkLoss(loss: LossSettings, labelSet: LabelSet): void {
  if (losses.every(({ name }) => loss[name] === 0)) {
    const names = losses.map(({ name }) => `loss.${name}`);
    throw new FaceparseError(`${joinWords(names, 'and')} are all 0; set at least one above 0`, { exitCode: 2 });
  }
  for (const definition of losses) {
    const problem = definition.check?.(loss, labelSet);
    if (problem) throw new FaceparseError(problem, { exitCode: 2 });
  }
}
