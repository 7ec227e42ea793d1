import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import { madeUpComparison } from '../../../test/comparison-fixture.ts';
import { face8 } from '../../labels/face-8.ts';
import { panelSheet, panelsHtml } from './panels.ts';

const { panels } = madeUpComparison({ labelSet: face8, splits: ['val'], images: 2, panels: 1, size: 64 });
const [panel] = panels;

/** The images of a page, decoded. */
async function images(html: string) {
  const found = [...html.matchAll(/<img src="data:image\/(\w+);base64,([^"]+)"[^>]* alt="([^"]*)">/g)];
  return Promise.all(
    found.map(async ([, kind, base64, alt]) => {
      const { data, info } = await sharp(Buffer.from(base64, 'base64'))
        .removeAlpha()
        .raw()
        .toBuffer({ resolveWithObject: true });
      return { kind, alt, data, width: info.width };
    }),
  );
}

describe('panelsHtml', () => {
  it('shows photo, truth, predictions and errors, with what they show in words', async () => {
    const shown = await images(await panelsHtml(panels, face8));
    expect(shown.map(({ kind, alt }) => `${kind} ${alt.split(':')[0]}`)).toEqual([
      'webp Photo 0.',
      'png Ground truth of 0',
      'png Prediction of pspnet',
      'webp Errors of pspnet',
      'png Prediction of deeplab',
      'webp Errors of deeplab',
    ]);
    expect(shown[1].alt).toMatch(/background \d+ %, skin \d+ %/);
    expect(shown[3].alt).toMatch(/: \d+\.\d % of pixels wrong\.$/);
    // Label maps are exact: only colours of classes, and white where the truth is ignored.
    const colors = new Set([...face8.classes.map(({ color }) => color.join()), '255,255,255']);
    for (const { data } of shown.filter(({ kind }) => kind === 'png')) {
      for (let at = 0; at < data.length; at += 3) expect(colors.has(data.subarray(at, at + 3).join())).toBe(true);
    }
  });

  it('makes pictures smaller if they are large or many', async () => {
    // A strip is as wide as a picture, and quick.
    const [width, height] = [400, 4];
    const labels = new Uint8Array(width * height);
    const large = [
      { ...panel, width, height, photo: new Uint8Array(width * height * 3), truth: labels, predictions: [] },
    ];
    const widths = (html: string) => new Set([...html.matchAll(/width="(\d+)"/g)].map(([, width]) => width));
    expect(widths(await panelsHtml(large, face8))).toEqual(new Set(['320']));
    const predictions = Array.from({ length: 80 }, () => ({ run: 'a', f: 1, labels }));
    const many = large.map((one) => ({ ...one, predictions }));
    expect(widths(await panelsHtml(many, face8))).toEqual(new Set(['192']));
  });
});

describe('panelSheet', () => {
  it('has a column for the photo and one for each run that is shown', async () => {
    const [all, one] = await Promise.all([panelSheet(panel, face8), panelSheet(panel, face8, ['deeplab'])]);
    const [wide, narrow] = await Promise.all([sharp(all).metadata(), sharp(one).metadata()]);
    expect(wide.width - narrow.width).toBe(206);
    expect(wide.height).toBeGreaterThan(2 * 200);
  });
});
