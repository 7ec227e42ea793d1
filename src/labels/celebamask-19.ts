import type { LabelSet } from './label-set.ts';

/** The 19 classes of CelebAMask-HQ in the order and palette of the challenge; `l_*` is the person's left. */
export const celebamask19: LabelSet = {
  name: 'celebamask-19',
  classes: [
    { id: 0, name: 'background', color: [0, 0, 0] },
    { id: 1, name: 'skin', color: [204, 0, 0] },
    { id: 2, name: 'nose', color: [76, 153, 0] },
    { id: 3, name: 'eye_g', color: [204, 204, 0] },
    { id: 4, name: 'l_eye', color: [51, 51, 255] },
    { id: 5, name: 'r_eye', color: [204, 0, 204] },
    { id: 6, name: 'l_brow', color: [0, 255, 255] },
    { id: 7, name: 'r_brow', color: [255, 204, 204] },
    { id: 8, name: 'l_ear', color: [102, 51, 0] },
    { id: 9, name: 'r_ear', color: [255, 0, 0] },
    { id: 10, name: 'mouth', color: [102, 204, 0] },
    { id: 11, name: 'u_lip', color: [255, 255, 0] },
    { id: 12, name: 'l_lip', color: [0, 0, 153] },
    { id: 13, name: 'hair', color: [0, 0, 204] },
    { id: 14, name: 'hat', color: [255, 51, 153] },
    { id: 15, name: 'ear_r', color: [0, 204, 204] },
    { id: 16, name: 'neck_l', color: [0, 51, 0] },
    { id: 17, name: 'neck', color: [255, 153, 51] },
    { id: 18, name: 'cloth', color: [0, 204, 0] },
  ],
  mirrorPairs: [
    [4, 5],
    [6, 7],
    [8, 9],
  ],
};
