import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { noiseRgb, temporaryFolder } from '../../test/dataset-fixture.ts';
import { randomWeights } from '../../test/random-weights.ts';
import { decodePalettePng } from '../formats/png/palette-png.ts';
import { encodeWeights } from '../models/weights-file.ts';
import { bundledWeights, requireBundledWeights } from './bundled-weights.ts';
import { FaceParser, resolveWeights } from './face-parser.ts';
import { savePrediction } from './save-prediction.ts';

const { weights, graph } = randomWeights();
const weightsBytes = encodeWeights(weights, graph);
const engine = { name: 'onnx', threads: 1 } as const;

async function writeWeights(folder: string, ...names: string[]): Promise<string> {
  await mkdir(join(folder, 'weights'), { recursive: true });
  for (const name of names) await writeFile(join(folder, 'weights', name), weightsBytes);
  return folder;
}

/** Noise as a JPEG whose pixels lie on their side, as phones write them. */
function sidewaysJpeg(orientation: number): Promise<Buffer> {
  return sharp(noiseRgb(44, 26), { raw: { width: 44, height: 26, channels: 3 } })
    .jpeg({ quality: 95 })
    .withMetadata({ orientation })
    .toBuffer();
}

describe('FaceParser in Node', () => {
  let parser: FaceParser;
  let folder: string;

  beforeAll(async () => {
    folder = await writeWeights(await mkdtemp(join(tmpdir(), 'faceparse-')), 'best.safetensors');
    parser = await FaceParser.load(folder, { ...engine, detector: false });
  });
  afterAll(async () => {
    await parser.dispose();
    await rm(folder, { recursive: true });
  });

  it.each([
    [1, 44, 26, 0],
    [3, 44, 26, 180],
    [6, 26, 44, 90],
    [8, 26, 44, 270],
  ])('parses EXIF orientation %i upright: %i×%i', async (orientation, width, height, degrees) => {
    const jpeg = await sidewaysJpeg(orientation);
    const result = await parser.parse(new Uint8Array(jpeg));
    expect([result.width, result.height, result.labels.length]).toEqual([width, height, width * height]);
    // The same pixels, turned by hand.
    const { data } = await sharp(jpeg, { autoOrient: false })
      .rotate(degrees)
      .raw()
      .toBuffer({ resolveWithObject: true });
    const upright = await parser.parse({ width, height, data: new Uint8Array(data) });
    expect(result.labels).toEqual(upright.labels);
    expect(new Set(result.labels).size).toBeGreaterThan(1);
  });

  it('takes a path, bytes and pixels alike', async () => {
    const path = join(folder, 'photo.png');
    const raw = noiseRgb(30, 20);
    await sharp(raw, { raw: { width: 30, height: 20, channels: 3 } })
      .png()
      .toFile(path);
    const results = [
      await parser.parse(path),
      await parser.parse(await readFile(path)),
      await parser.parse({ width: 30, height: 20, data: new Uint8Array(raw) }),
    ];
    expect(results[1].labels).toEqual(results[0].labels);
    expect(results[2].labels).toEqual(results[0].labels);
  });

  it('parses photos that wait in order, and lets the process end while it is idle', async () => {
    const script = `import { FaceParser } from ${JSON.stringify(new URL('../../dist/node.js', import.meta.url).href)};
      const parser = await FaceParser.load(${JSON.stringify(folder)}, { name: 'onnx', threads: 1 });
      const photo = (side) => ({ width: side, height: side, data: new Uint8Array(side * side * 3) });
      const order = [];
      await Promise.all([900, 3, 50].map((side) => parser.parse(photo(side)).then(({ width }) => order.push(width))));
      console.log(order.join());`;
    const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', script], {
      timeout: 60_000,
    });
    expect(stdout).toBe('900,3,50\n');
  });

  it.each([1, 10, 25])('lets the process exit while a network runs, %i ms after it began', async (milliseconds) => {
    const script = `import { FaceParser } from ${JSON.stringify(new URL('../../dist/node.js', import.meta.url).href)};
      const parser = await FaceParser.load(undefined, { name: 'onnx', threads: 1, averaging: { flip: true, scales: [2] } });
      const photo = { width: 90, height: 90, data: new Uint8Array(90 * 90 * 3) };
      await parser.parse(photo);
      parser.parse(photo);
      setTimeout(() => process.exit(3), ${milliseconds});`;
    const ended = promisify(execFile)(process.execPath, ['--input-type=module', '-e', script], { timeout: 60_000 });
    // Not 134, which is an abort.
    await expect(ended).rejects.toMatchObject({ code: 3, stderr: '' });
  });

  it('refuses arguments that make no sense, also from JavaScript', async () => {
    const load = FaceParser.load as (path?: unknown, options?: unknown) => Promise<FaceParser>;
    await expect(load({ name: 'onnx' })).rejects.toThrow(
      'FaceParser.load takes the path of a run folder or weights file, but got an object with the keys name; ' +
        'options come second: FaceParser.load(undefined, { … })',
    );
    await expect(load(3)).rejects.toThrow(/but got a number$/);
    await expect(load(undefined, null)).rejects.toThrow(/^the options of FaceParser\.load must be an object, not null/);
    await expect(load(undefined, { name: 'gpu' })).rejects.toThrow(
      "unknown engine 'gpu'; available: auto, native, onnx, reference",
    );
    await expect(load(undefined, { name: 'onxx' })).rejects.toThrow("unknown engine 'onxx'; did you mean 'onnx'?");
    await expect(load(undefined, { name: 'onnx', device: 'gpu' })).rejects.toThrow(
      /does not support the device 'gpu'; available:/,
    );
    await expect(load(undefined, { threads: 0 })).rejects.toThrow('threads is 0, but must be a positive integer');
    // @ts-expect-error: options come second
    const wrong = () => FaceParser.load({ name: 'onnx' });
    // @ts-expect-error: no such engine
    const unknown = () => FaceParser.load(undefined, { name: 'gpu' });
    expect([typeof wrong, typeof unknown]).toEqual(['function', 'function']);
  });

  it('does not let an upload that stalls delay others, its own end or that of the parser', async () => {
    const other = await FaceParser.load(folder, engine);
    const stalled = new PassThrough();
    const failing = other.parse(stalled);
    const controller = new AbortController();
    const aborted = [new PassThrough(), sharp()].map((image) => other.parse(image, { signal: controller.signal }));
    const photo = { width: 20, height: 10, data: new Uint8Array(600) };
    expect((await other.parse(photo)).labels).toHaveLength(200);
    controller.abort();
    for (const call of aborted) await expect(call).rejects.toMatchObject({ name: 'AbortError' });
    await expect(other.parse(photo, { signal: AbortSignal.abort() })).rejects.toMatchObject({ name: 'AbortError' });
    const unread = new Blob(['x']).stream();
    await expect(other.parse(unread, { signal: AbortSignal.abort() })).rejects.toMatchObject({ name: 'AbortError' });
    expect(unread.locked).toBe(false);
    stalled.write('x');
    await other.dispose();
    stalled.end();
    await expect(failing).rejects.toThrow(/has been disposed/);
  });

  it('refuses unknown options, with a suggestion', async () => {
    const photo = { width: 2, height: 2, data: new Uint8Array(12) };
    const options = (value: object) => value;
    await expect(parser.parse(photo, options({ maxside: 9 }))).rejects.toThrow(/did you mean 'maxSide'/);
    await expect(FaceParser.load(folder, options({ engine: 'onnx' }))).rejects.toThrow(
      "unknown option 'engine' of FaceParser.load; available: name, device, threads, averaging, detector",
    );
    const result = await parser.parse(photo);
    await expect(result.mask('hair', options({ softt: false }))).rejects.toThrow(/did you mean 'soft'/);
    await expect(result.toRgba(options({ opcity: 1 }))).rejects.toThrow(/did you mean 'opacity'/);
  });

  it('loads a file: URL, also as a string', async () => {
    for (const url of [pathToFileURL(folder), pathToFileURL(folder).href]) {
      await using other = await FaceParser.load(url, engine);
      expect(other.file).toBe(parser.file);
    }
  });

  it.each([
    [new URL('https://example.org/w'), 'cannot load weights from https://example.org/w; pass a path or a file: URL'],
    ['https://example.org/w', 'cannot load weights from https://example.org/w; pass a path or a file: URL'],
    ['', 'the empty path not found'],
  ])('refuses the weights %o', async (path, message) => {
    await expect(FaceParser.load(path, engine)).rejects.toThrow(message);
    await expect(FaceParser.load(path, engine)).rejects.toMatchObject({ exitCode: 2 });
  });

  it('names a photo that cannot be read', async () => {
    await expect(parser.parse(join(folder, 'nothing.jpg'))).rejects.toThrow(/nothing\.jpg: not found/);
    await expect(parser.parse(Uint8Array.of(1, 2, 3))).rejects.toThrow(
      /^the image: is a file of unknown format, not an image/,
    );
  });

  it('savePrediction writes the labels as a palette PNG, and the overlay at the size of the photo', async () => {
    const photo = { width: 21, height: 35, data: new Uint8Array(noiseRgb(21, 35)) };
    const result = await parser.parse(photo);
    const out = join(folder, 'deep', 'masks');
    const { labelSet } = parser;
    const { paths } = await savePrediction({ folder: out, stem: 'a.b', photo, result, labelSet }, { overlay: true });
    expect(paths).toEqual({ mask: join(out, 'a.b.png'), overlay: join(out, 'overlay', 'a.b.png') });
    const { data, palette, ...size } = decodePalettePng(await readFile(paths.mask));
    expect(size).toEqual({ width: 21, height: 35 });
    expect(data).toEqual(result.labels);
    expect(palette.slice(0, 19)).toEqual(parser.labelSet.classes.map(({ color }) => [...color]));
    expect(await sharp(join(out, 'overlay', 'a.b.png')).metadata()).toMatchObject({
      width: 21,
      height: 35,
      channels: 3,
    });
  });
});

describe('FaceParser with the bundled weights', () => {
  const present = existsSync(bundledWeights);

  it('looks for them in weights/ of the package', async () => {
    const root = join(fileURLToPath(import.meta.url), '..', '..', '..');
    expect(bundledWeights).toBe(join(root, 'weights', 'flagship.safetensors'));
    const here = fileURLToPath(import.meta.url);
    expect(await requireBundledWeights(here)).toBe(here);
  });

  it('says where they are missing and what to do', async () => {
    const missing = join(await temporaryFolder(), 'flagship.safetensors');
    await expect(requireBundledWeights(missing)).rejects.toThrow(
      `no run given, and the bundled weights are missing (${missing}). Train a network with`,
    );
    if (!present) await expect(FaceParser.load()).rejects.toMatchObject({ exitCode: 2 });
  });

  it.skipIf(!present)('parses a photo (skipped while weights/flagship.safetensors is missing)', async () => {
    expect((await stat(bundledWeights)).size).toBeLessThan(8e6);
    const parser = await FaceParser.load(undefined, { ...engine, averaging: { flip: true, scales: [] } });
    expect(parser.file).toBe(bundledWeights);
    const { labels } = await parser.parse({ width: 30, height: 40, data: new Uint8Array(noiseRgb(30, 40)) });
    expect(labels).toHaveLength(1200);
    await parser.dispose();
  });
});

describe('resolveWeights', () => {
  it('takes the best weights of a run, else the last, or a file as it is', async () => {
    const folder = await writeWeights(await temporaryFolder(), 'last.safetensors');
    expect(await resolveWeights(folder)).toBe(join(folder, 'weights', 'last.safetensors'));
    await writeWeights(folder, 'best.safetensors');
    expect(await resolveWeights(folder)).toBe(join(folder, 'weights', 'best.safetensors'));
    const file = join(folder, 'weights', 'last.safetensors');
    expect(await resolveWeights(file)).toBe(file);
  });

  it('says what is missing', async () => {
    const folder = await temporaryFolder();
    await expect(resolveWeights(folder)).rejects.toThrow(/contains no weights \(weights\/best\.safetensors\)/);
    await expect(resolveWeights(join(folder, 'x'))).rejects.toThrow(
      /x not found; it must be a run folder or a weights file$/,
    );
  });

  it('names model files of other formats, also in a folder', async () => {
    const folder = await temporaryFolder();
    const file = join(folder, 'model.h5');
    await writeFile(file, Uint8Array.of(0x89, 0x48, 0x44, 0x46, 0x0d, 0x0a, 0x1a, 0x0a));
    for (const path of [file, folder]) {
      await expect(FaceParser.load(path, engine)).rejects.toMatchObject({
        message: expect.stringMatching(
          /model\.h5 is an HDF5 file, as Keras writes, which faceparse does not load; pass a run folder/,
        ),
        exitCode: 2,
      });
    }
  });

  it('and a file that is cut short is named by load', async () => {
    const folder = await writeWeights(await temporaryFolder(), 'best.safetensors');
    const file = join(folder, 'weights', 'best.safetensors');
    await truncate(file, 1_000_000);
    await expect(FaceParser.load(folder, engine)).rejects.toThrow(`${file} cannot be read as weights`);
  });
});
