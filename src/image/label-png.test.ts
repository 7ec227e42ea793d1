import { expect, it } from 'vitest';
import { decodePalettePng, encodePalettePng } from '../formats/png/palette-png.ts';
import { celebamask19 } from '../labels/celebamask-19.ts';
import { face8 } from '../labels/face-8.ts';
import { encodeLabelPng } from './label-png.ts';

const colors = celebamask19.classes.map(({ color }) => color);

it('has the palette of the set where no pixel is ignored', () => {
  const labels = { width: 2, height: 2, data: Uint8Array.of(0, 18, 3, 7) };
  expect(encodeLabelPng(labels, celebamask19)).toEqual(encodePalettePng(labels, colors));
});

it('has a whole palette where a pixel is ignored', () => {
  const labels = { width: 2, height: 2, data: Uint8Array.of(0, 18, 255, 7) };
  const { data, palette } = decodePalettePng(encodeLabelPng(labels, celebamask19));
  expect(data).toEqual(labels.data);
  expect(palette.slice(0, 19)).toEqual(colors);
  expect(palette[100]).toEqual([0, 0, 0]);
  expect(palette[255]).toEqual([255, 255, 255]);
});

it.each([
  [celebamask19, [0, 255, 19, 1]],
  [face8, [0, 0, 8, 255]],
])('refuses what the set does not have', (set, ids) => {
  const labels = { width: 2, height: 2, data: Uint8Array.from(ids) };
  expect(() => encodeLabelPng(labels, set)).toThrow(`pixel 2 has the id ${ids[2]}, which is not in ${set.name}`);
});
