import { zlibSync } from 'fflate';
import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import { crc32 } from '../../formats/crc.ts';
import { encodePalettePng } from '../../formats/png/palette-png.ts';
import { celebamask19 } from '../../labels/celebamask-19.ts';
import { inspectMask, onlyClass } from './masks.ts';

const palette = celebamask19.classes.map(({ color }) => color);

function labelMap(side = 512, id = (at: number) => at % 19) {
  return { width: side, height: side, data: Uint8Array.from({ length: side * side }, (_, at) => id(at)) };
}

const good = encodePalettePng(labelMap(), palette);
const checksOf = (bytes: Uint8Array) => inspectMask(bytes).faults.map(({ check }) => check);
const messageOf = (bytes: Uint8Array) => inspectMask(bytes).faults[0]?.message;

/** The same PNG with another byte in its header, whose checksum is made right. */
function withHeaderByte(bytes: Uint8Array, at: number, value: number): Uint8Array {
  const changed = bytes.slice();
  changed[at] = value;
  new DataView(changed.buffer).setUint32(29, crc32(changed.subarray(12, 29)));
  return changed;
}

function chunk(type: string, body: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(body.length + 12);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, body.length);
  bytes.set(new TextEncoder().encode(type), 4);
  bytes.set(body, 8);
  view.setUint32(body.length + 8, crc32(bytes.subarray(4, body.length + 8)));
  return bytes;
}

/** A 512×512 palette PNG of zeros with so many bits a pixel. */
function plainPng(bits: number): Uint8Array {
  const header = Uint8Array.of(0, 0, 2, 0, 0, 0, 2, 0, bits, 3, 0, 0, 0);
  const rows = zlibSync(new Uint8Array(512 * (1 + (512 * bits) / 8)));
  const chunks = [chunk('IHDR', header), chunk('PLTE', Uint8Array.from(palette.flat())), chunk('IDAT', rows)];
  return Uint8Array.from([
    ...good.subarray(0, 8),
    ...chunks.flatMap((one) => [...one]),
    ...chunk('IEND', new Uint8Array(0)),
  ]);
}

describe('inspectMask', () => {
  it('accepts masks from faceparse and longer palettes', () => {
    const { faults, mask } = inspectMask(good);
    expect(faults).toEqual([]);
    expect([mask?.width, mask?.height, Buffer.compare(mask!.data, labelMap().data)]).toEqual([512, 512, 0]);
    const filled = [...palette, ...Array.from({ length: 237 }, () => [1, 2, 3] as const)];
    expect(checksOf(encodePalettePng(labelMap(), filled))).toEqual([]);
  });

  it('reports other formats', async () => {
    const jpeg = await sharp({ create: { width: 512, height: 512, channels: 3, background: '#000' } })
      .jpeg()
      .toBuffer();
    expect(inspectMask(jpeg).faults).toEqual([
      {
        check: 'mask-format',
        message: 'is a JPEG, not a PNG; save it as an 8-bit palette PNG of 512×512 pixels, indices 0–18',
      },
    ]);
    expect(messageOf(new Uint8Array(0))).toMatch(/^is empty;/);
    expect(messageOf(new TextEncoder().encode('a text that is longer than a header'))).toMatch(/^is not a PNG;/);
  });

  it('reports RGB, RGBA and grey together with every other fault in the header', async () => {
    const create = { width: 256, height: 512, background: '#111' } as const;
    const rgb = await sharp({ create: { ...create, channels: 3 } })
      .png()
      .toBuffer();
    expect(checksOf(rgb)).toEqual(['mask-mode', 'mask-size']);
    expect(messageOf(rgb)).toMatch(/^is a PNG with RGB pixels, not palette indices/);
    const rgba = await sharp({ create: { ...create, channels: 4 } })
      .png()
      .toBuffer();
    expect(messageOf(rgba)).toMatch(/RGBA pixels/);
    const gray = await sharp({ create: { ...create, height: 256, channels: 3 } })
      .toColourspace('b-w')
      .png()
      .toBuffer();
    expect(messageOf(gray)).toMatch(/grayscale pixels/);
    expect(checksOf(gray)).toEqual(['mask-mode', 'mask-size']);
    const deep = await sharp(gray).toColourspace('grey16').png().toBuffer();
    expect(checksOf(deep)).toEqual(['mask-mode', 'mask-depth', 'mask-size']);
  });

  it('also checks class ids in grey masks', async () => {
    const raw = { width: 512, height: 512, channels: 1 } as const;
    const gray = await sharp(Buffer.from(new Uint8Array(512 * 512).fill(204)), { raw })
      .toColourspace('b-w')
      .png()
      .toBuffer();
    expect(checksOf(gray)).toEqual(['mask-mode', 'mask-labels']);
  });

  it('reports a wrong size, depth or interlacing', async () => {
    const small = encodePalettePng(labelMap(256), palette);
    expect(inspectMask(small).faults).toMatchObject([
      { check: 'mask-size', message: expect.stringMatching(/^is 256×256 pixels, not 512×512;/) },
    ]);
    expect(checksOf(plainPng(8))).toEqual([]);
    expect(checksOf(plainPng(4))).toEqual(['mask-depth']);
    expect(messageOf(plainPng(4))).toMatch(/^has 4 bits per pixel, not 8/);
    const raw = { width: 512, height: 512, channels: 3 } as const;
    const stripes = Buffer.from(Uint8Array.from({ length: 512 * 512 * 3 }, (_, at) => (Math.floor(at / 3) % 40) * 6));
    const interlaced = await sharp(stripes, { raw }).png({ palette: true, progressive: true }).toBuffer();
    expect(checksOf(interlaced)).toContain('mask-interlaced');
  });

  it('reports the first five labels above the last class', () => {
    const filled = Array.from({ length: 256 }, (_, id) => palette[id] ?? ([0, 0, 0] as const));
    const labels = (id: (at: number) => number) => inspectMask(encodePalettePng(labelMap(512, id), filled)).faults;
    expect(labels((at) => (at === 5 ? 19 : 0))).toMatchObject([
      { check: 'mask-labels', message: expect.stringMatching(/^has the label 19, but the labels are 0–18;/) },
    ]);
    expect(labels((at) => at % 256)).toMatchObject([
      { message: expect.stringMatching(/^has the labels 19, 20, 21, 22, 23 and 232 more,/) },
    ]);
  });

  it('reports a different palette', () => {
    const swapped = palette.map((color, id) => (id === 4 ? palette[5] : color));
    expect(inspectMask(encodePalettePng(labelMap(), swapped)).faults).toMatchObject([
      {
        check: 'mask-palette',
        message: expect.stringMatching(/^has palette entry 4 \(l_eye\) = 204,0,204, not 51,51,255;/),
      },
    ]);
    const short = encodePalettePng(
      labelMap(512, () => 0),
      palette.slice(0, 17),
    );
    expect(inspectMask(short).faults).toMatchObject([
      { check: 'mask-palette', message: expect.stringMatching(/^has a palette of 17 colours/) },
    ]);
  });

  it('reports damage and does not decode oversized files', () => {
    expect(checksOf(good.subarray(0, good.length - 20))).toEqual(['mask-unreadable']);
    const huge = withHeaderByte(withHeaderByte(good, 16, 0x40), 20, 0x40);
    expect(checksOf(huge)).toEqual(['mask-size', 'mask-unreadable']);
  });
});

describe('onlyClass', () => {
  it('is the class of a mask with one class', () => {
    expect(onlyClass(labelMap(4, () => 3))).toBe(3);
    expect(onlyClass(labelMap(4, (at) => (at === 15 ? 1 : 0)))).toBeUndefined();
  });
});
