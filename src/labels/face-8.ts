import type { LabelSet } from './label-set.ts';

/**
 * Eight merged face classes. Left and right share a class, so mirroring does not change ids.
 * Each colour is that of the first celebamask-19 class merged into it, for comparable images.
 */
export const face8: LabelSet = {
  name: 'face-8',
  classes: [
    { id: 0, name: 'background', color: [0, 0, 0] },
    { id: 1, name: 'skin', color: [204, 0, 0] },
    { id: 2, name: 'brows', color: [0, 255, 255] },
    { id: 3, name: 'eyes', color: [51, 51, 255] },
    { id: 4, name: 'nose', color: [76, 153, 0] },
    { id: 5, name: 'mouth', color: [102, 204, 0] },
    { id: 6, name: 'ears', color: [102, 51, 0] },
    { id: 7, name: 'glasses', color: [204, 204, 0] },
  ],
  mirrorPairs: [],
  //          bg sk no gl ey ey br br ea ea mo mo mo hair hat earring necklace neck cloth
  mergeFrom: [0, 1, 4, 7, 3, 3, 2, 2, 6, 6, 5, 5, 5, 0, 0, 0, 0, 0, 0],
  representatives: [0, 1, 6, 4, 2, 10, 8, 3],
};
