import { readFile, stat } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { extname, join, normalize } from 'node:path';
import { chromium, type Page } from 'playwright-core';

/** What a page sets when it has parsed its photo. */
export interface PageResult {
  readonly labels: readonly number[];
  /** Of the faces that were found. */
  readonly angles: readonly number[];
  readonly device: string;
  /** If wanted: for other forms of the same image, how many labels differ; for what is no image, the error. */
  readonly forms: Readonly<Record<string, number | string>>;
  readonly crossOriginIsolated: boolean;
}

/** The page of every bundle. */
export const page = (script: string) =>
  `<!doctype html><meta charset="utf-8"><title>app</title><script type="module" src="${script}"></script>`;

/**
 * The app that is bundled: it parses the faces of the photo that photo.json holds. `weightsUrl`, `detectorUrl` and `ort` are what
 * a bundler's own way of naming files gives.
 */
export const appSource = (head: string) => `${head}
import { encodePng, FaceParser } from 'faceparse/browser';

/** The same image as pages have it. */
async function formsOf(photo) {
  const png = await encodePng({ ...photo, channels: 3 });
  const blob = new Blob([png], { type: 'image/png' });
  const bitmap = await createImageBitmap(blob);
  const canvas = document.createElement('canvas');
  canvas.width = photo.width;
  canvas.height = photo.height;
  canvas.getContext('2d').drawImage(bitmap, 0, 0);
  const offscreen = new OffscreenCanvas(photo.width, photo.height);
  offscreen.getContext('2d').drawImage(bitmap, 0, 0);
  const img = new Image();
  img.src = URL.createObjectURL(blob);
  await img.decode();
  return {
    blob, bitmap, canvas, offscreen, img,
    file: new File([png], 'face.png'),
    bytes: png,
    buffer: png.buffer,
    url: img.src,
    response: new Response(blob),
    stream: blob.stream(),
    frame: new VideoFrame(bitmap, { timestamp: 0 }),
    imageData: canvas.getContext('2d').getImageData(0, 0, photo.width, photo.height),
    nothing: undefined,
    text: new Blob(['no image']),
    missing: '/nothing.png',
    empty: new Image(),
    loading: Object.assign(new Image(), { src: '/photo.png' }),
    broken: Object.assign(new Image(), { src: '/nothing.png' }),
  };
}

async function main() {
  const device = new URLSearchParams(location.search).get('device') ?? 'wasm';
  const parser = await FaceParser.load(weightsUrl, { runtime: ort, device, detector: detectorUrl });
  const { width, height, data } = await (await fetch('photo.json')).json();
  const photo = { width, height, data: Uint8Array.from(data) };
  // Two at once: a runtime that cannot is one that pages trip over.
  const [{ labels, faces }] = await Promise.all([parser.parse(photo), parser.parse(photo)]);
  const forms = {};
  const wanted = location.search.includes('forms') ? await formsOf(photo) : {};
  for (const [name, image] of Object.entries(wanted)) {
    forms[name] = await parser.parse(image).then(
      (result) => result.labels.reduce((count, label, pixel) => count + (label === labels[pixel] ? 0 : 1), 0),
      (error) => error.name + ': ' + error.message,
    );
  }
  await parser.dispose();
  return { labels: [...labels], angles: faces.map(({ angle }) => angle), device: parser.engine.device, forms, crossOriginIsolated };
}
main().then(
  (result) => { window.faceparseResult = { result }; },
  (error) => { window.faceparseResult = { error: String(error && error.stack || error) }; },
);
`;

const types: Readonly<Record<string, string>> = {
  '.html': 'text/html',
  '.js': 'text/javascript',
  '.mjs': 'text/javascript',
  '.json': 'application/json',
  '.wasm': 'application/wasm',
};

/** Serves a folder on the loopback interface; with the headers that let pages share memory between threads, if wanted. */
async function serve(folder: string, isolated: boolean) {
  const requested: string[] = [];
  const server = createServer(async (request, response) => {
    const path = normalize(decodeURIComponent(new URL(request.url ?? '/', 'http://localhost').pathname));
    requested.push(path);
    const file = join(folder, path === '/' ? 'index.html' : path);
    const found = await stat(file).catch(() => undefined);
    if (!found?.isFile()) return response.writeHead(404).end();
    response.writeHead(200, {
      'content-type': types[extname(file)] ?? 'application/octet-stream',
      ...(isolated && { 'cross-origin-opener-policy': 'same-origin', 'cross-origin-embedder-policy': 'require-corp' }),
    });
    response.end(await readFile(file));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const close = () => {
    server.close();
    server.closeAllConnections();
  };
  return { url: `http://127.0.0.1:${port}/`, requested, close };
}

/** Debian's. */
export const chromiumPath = '/usr/bin/chromium';

interface ChromiumOptions {
  readonly device?: string;
  /** Whether the page may share memory between threads. */
  readonly isolated?: boolean;
  /** Whether the app also parses the other forms of the image. */
  readonly forms?: boolean;
}

/** Opens the page of a folder in headless Chromium, and gives what is found there; what the page says is added to an error. */
export async function openInChromium<T>(
  folder: string,
  { device = 'wasm', isolated = false, forms = false }: ChromiumOptions,
  use: (tab: Page, requested: readonly string[]) => Promise<T>,
): Promise<T> {
  const server = await serve(folder, isolated);
  const browser = await chromium.launch({
    executablePath: chromiumPath,
    timeout: 60_000,
    args: [
      '--no-sandbox',
      ...(device === 'webgpu'
        ? ['--enable-unsafe-webgpu', '--enable-features=Vulkan', '--use-webgpu-adapter=swiftshader']
        : []),
    ],
  });
  const complaints: string[] = [];
  try {
    const tab = await browser.newPage();
    tab.on('console', (message) => complaints.push(message.text()));
    tab.on('pageerror', (error) => complaints.push(String(error)));
    await tab.goto(`${server.url}?device=${device}${forms ? '&forms' : ''}`, { timeout: 30_000 });
    return await use(tab, server.requested);
  } catch (error) {
    throw new Error([String(error), ...complaints, ...server.requested].join('\n'), { cause: error });
  } finally {
    await browser.close();
    server.close();
  }
}

/** What the app of `appSource` parsed, and the paths that it asked for. */
export function runInChromium(
  folder: string,
  options: ChromiumOptions = {},
): Promise<PageResult & { readonly requested: readonly string[] }> {
  return openInChromium(folder, options, async (tab, requested) => {
    const handle = await tab.waitForFunction('window.faceparseResult', undefined, { timeout: 90_000 });
    const { result, error } = (await handle.jsonValue()) as { result?: PageResult; error?: string };
    if (!result) throw new Error(error);
    return { ...result, requested };
  });
}
