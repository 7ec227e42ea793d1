import { existsSync } from 'node:fs';
import { copyFile, cp, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import * as esbuild from 'esbuild';
import * as vite from 'vite';
import { afterAll, describe, expect, it } from 'vitest';
import webpack from 'webpack';
import { selectEngine } from '../../src/engine/select-engine.ts';
import { FaceDetector } from '../../src/faces/detector/face-detector.ts';
import { decodeWeights } from '../../src/models/weights-file.ts';
import { FaceParser } from '../../src/parser/face-parser.ts';
import type { ParseResult } from '../../src/parser/result/parse-result.ts';
import { photoPng } from '../image-fixture.ts';
import { drawScene } from '../scene-fixture.ts';
import { appSource, chromiumPath, openInChromium, page, runInChromium } from './browser-app.ts';
import { installPacked, tsc } from './packed-project.ts';

const timeout = 240_000;
const example = fileURLToPath(new URL('../../examples/02-page-with-vite/', import.meta.url));
const manifest = {
  name: 'app',
  type: 'module',
  overrides: { 'onnxruntime-node': 'npm:onnxruntime-common@1.30' },
};
const project = await installPacked(manifest, ['onnxruntime-web@1.30']);
afterAll(() => project.remove());

const path = (...parts: string[]) => join(project.folder, ...parts);
const packageFile = (name: string) => path('node_modules', name);
const weightsFile = packageFile('faceparse/weights/flagship.safetensors');
const detectorFile = packageFile('faceparse/weights/face-detector.safetensors');
const wasmFolder = packageFile('onnxruntime-web/dist');
const wasmFiles = ['ort-wasm-simd-threaded.mjs', 'ort-wasm-simd-threaded.wasm'];
/** Two faces, one of them turned. */
const { photo } = drawScene(420, 260, [
  { x: 110, y: 130, side: 190, angle: 0 },
  { x: 300, y: 125, side: 170, angle: 60 },
]);

/** What Node gives. */
let expected: Promise<ParseResult> | undefined;
const expectedResult = () => (expected ??= parseInNode());

async function parseInNode(): Promise<ParseResult> {
  const engine = await selectEngine({ name: 'onnx', threads: 1 });
  const detector = await FaceDetector.create(await readFile(detectorFile), engine);
  const parser = await FaceParser.create(decodeWeights(await readFile(weightsFile)), engine, { detector });
  const result = await parser.parse(photo);
  await parser.dispose();
  await detector.dispose();
  return result;
}

/** The one of the bundles that can use threads; a runtime that is bundled with the app hangs when it starts them. */
const copied = 'esbuild with copied wasm files';

/** How each bundler is used, as docs/browser.md has it; gives back the folder of the output. */
const bundlers: Readonly<Record<string, () => Promise<string>>> = {
  async Vite() {
    await project.write({
      'vite/index.html': page('/app.js'),
      'vite/app.js': appSource(`import * as ort from 'onnxruntime-web/wasm';
        import wasmUrl from 'onnxruntime-web/ort-wasm-simd-threaded.wasm?url';
        import weightsUrl from 'faceparse/weights/flagship.safetensors?url';
        import detectorUrl from 'faceparse/weights/face-detector.safetensors?url';
        ort.env.wasm.wasmPaths = { wasm: wasmUrl };`),
    });
    await vite.build({ root: path('vite'), configFile: false, logLevel: 'error', build: { emptyOutDir: true } });
    return path('vite/dist');
  },

  async esbuild() {
    await project.write({
      'esbuild/app.js': appSource(`import * as ort from 'onnxruntime-web/wasm';
        import wasmUrl from 'onnxruntime-web/ort-wasm-simd-threaded.wasm';
        import weightsUrl from 'faceparse/weights/flagship.safetensors';
        import detectorUrl from 'faceparse/weights/face-detector.safetensors';
        ort.env.wasm.wasmPaths = { wasm: new URL(wasmUrl, import.meta.url).href };`),
      'esbuild/dist/index.html': page('app.js'),
    });
    await esbuild.build({
      absWorkingDir: path('esbuild'),
      entryPoints: ['app.js'],
      outdir: 'dist',
      bundle: true,
      minify: true,
      format: 'esm',
      loader: { '.safetensors': 'file', '.wasm': 'file' },
      logLevel: 'silent',
    });
    return path('esbuild/dist');
  },

  async webpack() {
    await project.write({
      'webpack/app.js': appSource(`import * as ort from 'onnxruntime-web/wasm';
        const weightsUrl = new URL('faceparse/weights/flagship.safetensors', import.meta.url).href;
        const detectorUrl = new URL('faceparse/weights/face-detector.safetensors', import.meta.url).href;
        ort.env.wasm.wasmPaths = {
          wasm: new URL('onnxruntime-web/ort-wasm-simd-threaded.wasm', import.meta.url).href,
        };`),
    });
    const compiler = webpack({
      mode: 'production',
      context: path('webpack'),
      entry: './app.js',
      output: { path: path('webpack/dist'), filename: 'app.js' },
    });
    const stats = await promisify(compiler.run.bind(compiler))();
    if (stats?.hasErrors()) throw new Error(stats.toString('errors-only'));
    await writeFile(path('webpack/dist/index.html'), page('app.js'));
    return path('webpack/dist');
  },

  /** No bundler for the runtime's files: they are copied, and the condition keeps their URLs out of the bundle. */
  async [copied]() {
    await project.write({
      'copied/app.js': appSource(`import * as ort from 'onnxruntime-web/wasm';
        import weightsUrl from 'faceparse/weights/flagship.safetensors';
        import detectorUrl from 'faceparse/weights/face-detector.safetensors';
        ort.env.wasm.wasmPaths = new URL('./', import.meta.url).href;
        ort.env.wasm.numThreads = crossOriginIsolated ? 2 : 1;`),
      'copied/dist/index.html': page('app.js'),
    });
    await esbuild.build({
      absWorkingDir: path('copied'),
      entryPoints: ['app.js'],
      outdir: 'dist',
      bundle: true,
      minify: true,
      format: 'esm',
      conditions: ['onnxruntime-web-use-extern-wasm'],
      loader: { '.safetensors': 'file' },
      logLevel: 'silent',
    });
    for (const name of wasmFiles) await copyFile(join(wasmFolder, name), path('copied/dist', name));
    return path('copied/dist');
  },
};

async function outputFiles(folder: string): Promise<{ name: string; bytes: number }[]> {
  const names = (await readdir(folder, { recursive: true })) as string[];
  const files = await Promise.all(names.map(async (name) => ({ name, found: await stat(join(folder, name)) })));
  return files.filter(({ found }) => found.isFile()).map(({ name, found }) => ({ name, bytes: found.size }));
}

const skipped = project.missing ? ` (skipped: ${project.missing})` : '';
const noChromium = !existsSync(chromiumPath) && `${chromiumPath} is missing (Debian: apt-get install chromium)`;

describe.skipIf(project.missing)(`the packed package in a browser app${skipped}`, () => {
  it.each([
    ['nodenext', 'nodenext'],
    ['esnext', 'bundler'],
  ])('has declarations for module %s and moduleResolution %s, without those of Node', async (module, resolution) => {
    await project.write({
      'types/app.ts': `import { FaceParser, type ParseResult } from 'faceparse/browser';
        import * as ort from 'onnxruntime-web/wasm';
        await using parser = await FaceParser.load('weights', { runtime: ort });
        const images = [{ width: 1, height: 1, data: new Uint8Array(3) }, new ImageData(1, 1), document.createElement('canvas')];
        const results: ParseResult[] = await Promise.all(images.map((image) => parser.parse(image)));
        const { data, width, height } = await results[0].toRgba();
        document.querySelector('canvas')!.getContext('2d')!.putImageData(new ImageData(data, width, height), 0, 0);
        // @ts-expect-error: no runtime
        await FaceParser.load('weights');`,
      'types/tsconfig.json': JSON.stringify({
        compilerOptions: {
          module,
          moduleResolution: resolution,
          target: 'es2023',
          lib: ['es2023', 'dom'],
          types: [],
          strict: true,
          skipLibCheck: false,
          noEmit: true,
        },
        files: ['app.ts'],
      }),
    });
    expect(await project.run(process.execPath, tsc, '-p', 'types')).toBe('');
  });

  describe.each(Object.entries(bundlers))('bundled by %s', async (name, bundle) => {
    let folder = '';

    it('has the weights and one wasm file, and nothing of Node', { timeout }, async () => {
      folder = await bundle();
      const files = await outputFiles(folder);
      const listed = JSON.stringify(files, undefined, 1);
      expect(files.filter(({ bytes }) => bytes === 14_239_897).length, listed).toBe(1);
      expect(files.filter(({ name }) => name.endsWith('.wasm')).length, listed).toBe(1);
      const { size } = await stat(weightsFile);
      expect(files.filter(({ name, bytes }) => name.endsWith('.safetensors') && bytes === size).length, listed).toBe(1);
      const scripts = files.filter(({ name }) => name.endsWith('js'));
      console.log(`${name}: ${scripts.map(({ name, bytes }) => `${name} ${bytes} bytes`).join(', ')}`);
      for (const script of scripts.filter(({ name }) => !name.startsWith('ort-wasm'))) {
        expect(script.bytes, listed).toBeLessThan(500_000);
        // onnxruntime-web itself asks for node:os where it finds itself in Node.
        const text = await readFile(join(folder, script.name), 'utf8');
        expect(text).not.toMatch(/["'`]node:(?!os["'`])|sharp|onnxruntime-node/);
      }
    });

    it.skipIf(noChromium)(
      `gives the labels of Node${noChromium ? ` (skipped: ${noChromium})` : ''}`,
      { timeout },
      async () => {
        await writeFile(join(folder, 'photo.png'), await photoPng(photo));
        await writeFile(join(folder, 'photo.json'), JSON.stringify({ ...photo, data: [...photo.data] }));
        const isolated = name === copied;
        // Reading images is the same code in every bundle.
        const forms = name === 'Vite';
        const { labels, requested, ...parsed } = await runInChromium(folder, { isolated, forms });
        expect(parsed.crossOriginIsolated).toBe(isolated);
        const { labels: expected, faces } = await expectedResult();
        expect(faces).toHaveLength(2);
        expect(parsed.angles.map(Math.round)).toEqual(faces.map(({ angle }) => Math.round(angle)));
        expect(labels.length).toBe(expected.length);
        expect(new Set(labels).size).toBeGreaterThan(5);
        const different = expected.reduce((count, label, pixel) => count + (label === labels[pixel] ? 0 : 1), 0);
        expect(different / expected.length).toBeLessThanOrEqual(5e-3);
        expect(requested.filter((file) => file.endsWith('.wasm')).length).toBe(1);
        // The second is that of the thread.
        if (isolated) expect(requested.filter((file) => file.endsWith('.mjs')).length).toBe(2);
        if (forms) {
          const { nothing, text, missing, empty, broken, ...images } = parsed.forms;
          expect(Object.keys(images).length).toBeGreaterThan(10);
          // Browsers may round differently where they convert a frame from one colour space to another.
          for (const [form, count] of Object.entries(images))
            expect(count, form).toBeLessThanOrEqual(expected.length / 100);
          expect(nothing).toMatch(/^FaceparseError: cannot read an image from undefined; pass a URL/);
          expect(text).toMatch(/^FaceparseError: this browser cannot decode the image \(8 bytes\)/);
          expect(missing).toMatch(/^FaceparseError: cannot fetch \/nothing\.png: the server responded with status 404/);
          expect(empty).toBe('FaceparseError: the image element without an address cannot be loaded');
          expect(broken).toMatch(/^FaceparseError: the image element \S+\/nothing\.png cannot be loaded$/);
        }
      },
    );
  });

  it.skipIf(noChromium)(
    `the example with Vite shows what it finds in a photo${noChromium ? ` (skipped: ${noChromium})` : ''}`,
    { timeout },
    async () => {
      await cp(example, path('example'), { recursive: true });
      await vite.build({ root: path('example'), configFile: false, logLevel: 'error' });
      const { text } = await openInChromium(path('example/dist'), {}, async (tab) => {
        await tab.setInputFiles('input', { name: 'face.png', mimeType: 'image/png', buffer: await photoPng(photo) });
        await tab.waitForFunction("document.querySelector('pre').textContent !== ''", undefined, { timeout: 60_000 });
        const [text, width] = (await tab.evaluate(
          "[document.querySelector('pre').textContent, document.querySelector('canvas').width]",
        )) as [string, number];
        return { text, width };
      });
      expect(text).toMatch(/^\w+ \d+\.\d %\n/);
      expect(text).toMatch(/^hair /m);
    },
  );
});
