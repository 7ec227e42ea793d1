import { existsSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { maskInOrder } from '../../../test/class-order-fixture.ts';
import type { LabelMap } from '../../image/image.ts';
import { readMask } from '../../image/read-image.ts';
import { celebamask19 } from '../../labels/celebamask-19.ts';
import { classOrders } from '../../labels/class-orders.ts';
import { mirrorTable } from '../../labels/mirror.ts';
import { drawSyntheticFace } from '../../synthetic/face.ts';
import { detectClassOrder, type IdMeasurements, measureIds } from './class-order.ts';

const faces = Array.from({ length: 25 }, (_, seed) => drawSyntheticFace(seed, 96).labels);

function detect(masks: readonly LabelMap[]): string | undefined {
  return detectClassOrder(masks.map(measureIds))?.order.name;
}

/** Every subset of five neighbours. */
function fives<Item>(items: readonly Item[]): Item[][] {
  return Array.from({ length: Math.floor(items.length / 5) }, (_, index) => items.slice(5 * index, 5 * index + 5));
}

function swapSides(map: LabelMap): LabelMap {
  const table = mirrorTable(celebamask19);
  return { ...map, data: map.data.map((id) => table[id]) };
}

/** Turns a mask by 90°, as if EXIF had been ignored. */
function turn({ width, height, data }: LabelMap): LabelMap {
  const turned = new Uint8Array(data.length);
  for (let y = 0; y < height; y++) for (let x = 0; x < width; x++) turned[x * height + y] = data[y * width + x];
  return { width: height, height: width, data: turned };
}

test('measureIds counts pixels and finds their centre', () => {
  const { count, x, y } = measureIds({ width: 4, height: 2, data: Uint8Array.of(7, 7, 0, 0, 7, 7, 0, 0) });
  expect([count[7], x[7], y[7], count[0], x[0]]).toEqual([4, 0.25, 0.5, 4, 0.75]);
  expect(x[1]).toBeNaN();
});

describe('detectClassOrder', () => {
  test.each(classOrders.map((order) => [order.name, order] as const))('finds %s in five masks', (name, order) => {
    for (const five of fives(faces)) expect(detect(five.map((map) => maskInOrder(map, order)))).toBe(name);
    const finding = detectClassOrder(faces.map((map) => measureIds(maskInOrder(map, order))));
    expect(finding?.order).toBe(order);
    expect(finding?.masks.length).toBeGreaterThan(0.6 * faces.length);
    expect(finding?.judged).toBe(faces.length);
  });

  test('is silent on faces in celebamask-19: as they are, with sides swapped, rotated', () => {
    for (const five of fives(faces)) {
      expect(detect(five)).toBeUndefined();
      expect(detect(five.map(swapSides))).toBeUndefined();
      expect(detect(five.map(turn))).toBeUndefined();
    }
  });

  test('finds the order of a few wrong masks among many empty ones, but not of a minority', () => {
    const order = classOrders[0];
    const empty = Array.from({ length: 20 }, () => ({ width: 8, height: 8, data: new Uint8Array(64) }));
    const wrong = faces.slice(0, 4).map((map) => maskInOrder(map, order));
    expect(detect([...empty, ...wrong])).toBe(order.name);
    const mixed = detectClassOrder([...faces.slice(4), ...wrong].map(measureIds));
    expect(mixed).toBeUndefined();
    expect(detectClassOrder([...empty, ...wrong].map(measureIds))?.masks).toEqual([20, 21, 22, 23]);
  });

  test('two masks are too few', () => {
    expect(detect(faces.slice(0, 2).map((map) => maskInOrder(map, classOrders[0])))).toBeUndefined();
  });

  test('case 07: masks of face-parsing.PyTorch', async () => {
    const folder = join(import.meta.dirname, '../../../test/cases/07-class-order/masks');
    const masks = await Promise.all((await readdir(folder)).map((name) => readMask(join(folder, name))));
    expect(detect(masks)).toBe('face-parsing.pytorch');
  });
});

const real = '../shared/data/celebamask-mini';

describe.skipIf(!existsSync(real))(`celebamask-mini (skipped without ${real})`, () => {
  test('no false alarm: all masks, every five neighbours, and with sides swapped', async () => {
    const measured: IdMeasurements[] = [];
    const swapped: IdMeasurements[] = [];
    for (const split of ['train', 'val']) {
      const folder = join(real, split, 'masks');
      for (const name of (await readdir(folder)).sort()) {
        const mask = await readMask(join(folder, name));
        measured.push(measureIds(mask));
        if (measured.length % 5 === 0) swapped.push(measureIds(swapSides(mask)));
      }
    }
    expect(measured.length).toBe(1100);
    for (const some of [measured, swapped, ...fives(measured), ...fives(swapped)]) {
      expect(detectClassOrder(some)).toBeUndefined();
    }
  }, 120_000);
});
