import type { LabelTable } from '../src/labels/label-table.ts';
import { parseLabelTable } from '../src/labels/parse-label-table.ts';

/** A label set as a user writes it: merged, dropped and paired classes, and a colour of its own. */
export const makeUp = {
  name: 'make-up',
  classes: [
    { name: 'background', from: ['background', 'hair', 'hat', 'cloth', 'neck', 'l_ear', 'r_ear'] },
    { name: 'skin', from: ['skin', 'nose', 'l_brow', 'r_brow'] },
    { name: 'l_eye' },
    { name: 'r_eye' },
    { name: 'lips', from: ['u_lip', 'l_lip'], color: [255, 0, 102] },
  ],
  drop: ['eye_g', 'mouth', 'ear_r', 'neck_l'],
};

/** `makeUp` with its defaults. */
export function makeUpTable(): LabelTable {
  const { table } = parseLabelTable(makeUp);
  if (!table) throw new Error('the fixture has faults');
  return table;
}
