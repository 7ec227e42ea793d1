import { describe, expect, it } from 'vitest';
import { identityWarp } from '../../../test/image-fixture.ts';
import type { Normalization } from '../../image/normalization.ts';
import { celebamask19 } from '../../labels/celebamask-19.ts';
import { mirrorTable } from '../../labels/mirror.ts';
import { Random } from '../../random/random.ts';
import { applyAugmentation, resolveAugmentation } from './augment.ts';
import type { Warp } from './warp.ts';

const normalization: Normalization = { mean: [0.5, 0.5, 0.5], std: [0.25, 0.25, 0.25] };
const size = 32;
/** Black, and skin everywhere. */
const photo = { width: 40, height: 40, data: new Uint8Array(4800) };
const labels = { width: 40, height: 40, data: new Uint8Array(1600).fill(1) };

function warped(warp: Partial<Warp>, outside: 'ignore' | 'texture', seed = 1) {
  const settings = { size, labelSize: size, options: resolveAugmentation({ outside }), normalization };
  const target = { images: new Float32Array(3 * size ** 2), labels: new Int32Array(size ** 2) };
  const augmentation = { warp: { ...identityWarp, ...warp }, blur: 0, jpeg: 0, noise: 0 };
  const random = new Random(seed);
  const places = { ...target, imageOffset: 0, labelOffset: 0 };
  applyAugmentation(photo, labels, augmentation, { ...settings, mirror: mirrorTable(celebamask19) }, random, places);
  return target;
}

/** The lowest value of a normalised photo: black. */
const black = -2;

describe('textures outside the photo', () => {
  it.each([
    ['smaller', { scale: 0.4 }],
    ['turned', { rotation: 45 }],
    ['shifted and mirrored', { shiftX: 0.4, shiftY: -0.2, mirrored: true }],
  ])('cover what a photo that is %s leaves free, as background, and nothing else', (_, warp) => {
    const { images, labels: ids } = warped(warp, 'texture', 3);
    const outside = [...ids.keys()].filter((i) => ids[i] === 0);
    expect(outside.length).toBeGreaterThan(100);
    expect(outside.length).toBeLessThan(size ** 2 - 100);
    for (const [i, id] of ids.entries()) {
      const values = [0, 1, 2].map((c) => images[c * size ** 2 + i]);
      if (id === 0) expect(Math.max(...values)).toBeGreaterThan(black);
      else expect(values).toEqual([black, black, black]);
    }
  });

  it('leave a photo alone that fills the frame', () => {
    expect(warped({}, 'texture')).toEqual(warped({}, 'ignore'));
  });

  it('differ from sample to sample, within what a photo can hold', () => {
    const first = warped({ scale: 0.3 }, 'texture', 1).images;
    const second = warped({ scale: 0.3 }, 'texture', 2).images;
    expect(first).not.toEqual(second);
    expect(first).toEqual(warped({ scale: 0.3 }, 'texture', 1).images);
    for (const value of [...first, ...second]) expect(value >= -2 && value <= 2).toBe(true);
  });

  it('are off by default: the border is repeated and ignored', () => {
    const { images, labels: ids } = warped({ scale: 0.4 }, 'ignore');
    expect(ids[0]).toBe(255);
    expect(images.every((value) => value === black)).toBe(true);
  });
});
