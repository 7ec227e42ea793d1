import { createReadStream } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pathToFileURL } from 'node:url';
import { runInNewContext } from 'node:vm';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { noiseRgb } from '../../test/dataset-fixture.ts';
import { decodeSource, type ImageSource } from './image-source.ts';

const [width, height] = [30, 20];
const rgb = new Uint8Array(noiseRgb(width, height));
const rgba = new Uint8ClampedArray(width * height * 4).fill(255);
for (let i = 0; i < width * height; i++) rgba.set(rgb.subarray(i * 3, i * 3 + 3), i * 4);

function detached(): ArrayBuffer {
  const buffer = new ArrayBuffer(8);
  structuredClone(buffer, { transfer: [buffer] });
  return buffer;
}

function detachedView(): DataView {
  const view = new DataView(new ArrayBuffer(8));
  structuredClone(view.buffer, { transfer: [view.buffer] });
  return view;
}

function lockedStream(): ReadableStream {
  const stream = new Blob(['a']).stream();
  stream.getReader();
  return stream;
}

function readResponse(): Response {
  const response = new Response('a');
  void response.text();
  return response;
}

describe('decodeSource', () => {
  let folder: string;
  let png: Buffer;
  let path: string;

  beforeAll(async () => {
    png = await sharp(rgb, { raw: { width, height, channels: 3 } })
      .png()
      .toBuffer();
    folder = await mkdtemp(join(tmpdir(), 'faceparse-'));
    path = join(folder, 'a photo ü#1.png');
    await writeFile(path, png);
  });
  afterAll(() => rm(folder, { recursive: true }));

  const bytes = () => new Uint8Array(png);
  const buffer = () => bytes().buffer;

  it.each<[string, () => unknown]>([
    ['a path', () => path],
    ['a file: URL', () => pathToFileURL(path)],
    ['a file: URL as a string', () => pathToFileURL(path).href],
    ['a Buffer', () => png],
    ['a Uint8Array that is part of another', () => new Uint8Array([9, 9, ...png, 9]).subarray(2, png.length + 2)],
    ['an ArrayBuffer', buffer],
    [
      'a SharedArrayBuffer',
      () => {
        const shared = new SharedArrayBuffer(png.length);
        new Uint8Array(shared).set(png);
        return shared;
      },
    ],
    ['a DataView', () => new DataView(new Uint8Array([9, ...png]).buffer, 1)],
    ['a Blob', () => new Blob([bytes()])],
    ['a File', () => new File([bytes()], 'face.png')],
    ['a stream of Node', () => createReadStream(path, { highWaterMark: 100 })],
    ['a web stream', () => new Blob([bytes()]).stream()],
    ['a Response', () => new Response(bytes())],
    ['the body of a Response', () => new Response(bytes()).body],
    ['a generator', () => Readable.from([bytes().subarray(0, 50), bytes().subarray(50)])],
    ['RGB', () => ({ width, height, data: rgb })],
    ['RGBA', () => ({ width, height, data: rgba })],
    [
      'a canvas',
      () => ({ width, height, getContext: () => ({ getImageData: () => ({ width, height, data: rgba }) }) }),
    ],
    ['an ArrayBuffer of another realm', () => runInNewContext('new Uint8Array(bytes).buffer', { bytes: [...png] })],
    [
      'RGB of another realm',
      () => ({ width, height, data: runInNewContext('new Uint8Array(bytes)', { bytes: [...rgb] }) }),
    ],
    ['a sharp instance', () => sharp(png)],
    ['a sharp instance that receives a stream', () => createReadStream(path).pipe(sharp())],
    ['a sharp instance with alpha', () => sharp(png).ensureAlpha()],
  ])('reads %s', async (_, source) => {
    expect(await decodeSource(source() as ImageSource)).toEqual({ width, height, data: rgb });
  });

  it('takes what a sharp instance makes, and leaves the instance usable', async () => {
    const pipeline = sharp(png).resize(7, 5).greyscale();
    const photo = await decodeSource(pipeline);
    expect([photo.width, photo.height, photo.data.length]).toEqual([7, 5, 105]);
    expect((await pipeline.png().toBuffer()).length).toBeGreaterThan(50);
  });

  it.each<[string, () => unknown, RegExp]>([
    [
      'undefined',
      () => undefined,
      /^cannot read an image from undefined; pass the path or file: URL of a JPEG, PNG or WebP file, its bytes/,
    ],
    ['null', () => null, /from null;/],
    ['a number', () => 42, /from a number;/],
    ['an object', () => ({ path: 'a.jpg' }), /from an object with the keys path;/],
    ['an array', () => [1, 2, 3], /from an Array;/],
    ['floats', () => new Float32Array(12), /from a Float32Array;/],
    ['a promise', () => Promise.resolve('a.jpg'), /from a Promise \(await it first\);/],
    ['an empty Response', () => new Response(), /^the image: is empty \(0 bytes\)/],
    [
      'bytes of another size',
      () => ({ width: 4, height: 4, data: new Uint8Array(50) }),
      /4×4 needs 48 bytes \(RGB\) or 64 \(RGBA\), but its data has 50/,
    ],
    [
      'an address',
      () => 'https://example.org/face.jpg',
      /^faceparse does not fetch https:\/\/example\.org\/face\.jpg; pass its bytes instead/,
    ],
    ['an http: URL', () => new URL('http://localhost/a.jpg'), /does not fetch http:\/\/localhost\/a\.jpg/],
    [
      'a data: URL',
      () => `data:image/png;base64,${'A'.repeat(1000)}`,
      /does not fetch data:image\/png;base64,A+…; pass/,
    ],
    ['a missing file', () => 'nothing.jpg', /^nothing\.jpg: not found/],
    ['an empty file', () => new Uint8Array(0), /^the image: is empty \(0 bytes\)/],
    ['a stream of text', () => Readable.from(['text']), /from a string; pass a stream of bytes \(no encoding set\)/],
    ['a sharp instance of no image', () => sharp(Buffer.from('no image')), /^the image: is refused by sharp \(/],
    [
      'a canvas without a context',
      () => ({ width: 1, height: 1, getContext: () => null }),
      /the canvas has no 2d context/,
    ],
    ['a detached buffer', () => detached(), /^the image: is empty \(0 bytes\)/],
    ['a detached DataView', detachedView, /^the image: is empty \(0 bytes\)/],
    [
      'a locked stream',
      lockedStream,
      /^the stream has been read, or is locked by another reader; pass one that is unread/,
    ],
    ['a Response whose body was read', readResponse, /^the body of the Response has been read/],
    [
      'a stream without bytes',
      () => Readable.from([]),
      /^the image: is empty \(0 bytes\); pass a stream that is unread/,
    ],
    ['a file: URL of another host', () => 'file://host/a.png', /^file:\/\/host\/a\.png is not a usable file: URL \(/],
    [
      'a canvas without pixels',
      () => ({ width: 1, height: 1, getContext: () => ({ getImageData: () => undefined }) }),
      /cannot read an image from undefined; pass a canvas/,
    ],
  ])('refuses %s', async (_, source, message) => {
    await expect(decodeSource(source() as ImageSource)).rejects.toThrow(message);
    await expect(decodeSource(source() as ImageSource)).rejects.toMatchObject({ exitCode: expect.any(Number) });
  });

  it('stops reading a stream that is too long', async () => {
    let read = 0;
    const endless = (async function* () {
      for (;;) {
        read++;
        yield new Uint8Array(2 ** 24);
      }
    })();
    await expect(decodeSource(endless)).rejects.toThrow(/the image: has at least \d+ bytes; the limit is 268435456/);
    expect(read).toBe(17);
  });
});
