import { readFile, stat } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { extname, join, normalize } from 'node:path';
import { chromium } from 'playwright-core';

/** What a page sets when it has parsed its photo. */
export interface PageResult {
  readonly labels: readonly number[];
  readonly device: string;
  readonly crossOriginIsolated: boolean;
}

/** The page of every bundle. */
export const page = (script: string) =>
  `<!doctype html><meta charset="utf-8"><title>app</title><script type="module" src="${script}"></script>`;

/**
 * The app that is bundled: it parses the photo that photo.json holds. `weightsUrl` and `ort` are what a bundler's own way of
 * naming files gives.
 */
export const appSource = (head: string) => `${head}
import { createOnnxEngine, decodeWeights, FaceParser } from 'faceparse/browser';

async function main() {
  const device = new URLSearchParams(location.search).get('device') ?? 'wasm';
  const engine = createOnnxEngine({ runtime: ort, device });
  const response = await fetch(weightsUrl);
  if (!response.ok) throw new Error(weightsUrl + ': ' + response.status);
  const parser = await FaceParser.create(decodeWeights(new Uint8Array(await response.arrayBuffer())), engine);
  const { width, height, data } = await (await fetch('photo.json')).json();
  const photo = { width, height, data: Uint8Array.from(data) };
  // Two at once: a runtime that cannot is one that pages trip over.
  const [{ labels }] = await Promise.all([parser.parse(photo), parser.parse(photo)]);
  await parser.dispose();
  return { labels: [...labels], device: engine.device, crossOriginIsolated };
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

/** Opens the page of a folder in headless Chromium; gives back what it parsed, and the paths that it asked for. */
export async function runInChromium(
  folder: string,
  { device = 'wasm', isolated = false, timeout = 90_000 } = {},
): Promise<PageResult & { readonly requested: readonly string[] }> {
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
  try {
    const tab = await browser.newPage();
    const complaints: string[] = [];
    tab.on('console', (message) => complaints.push(message.text()));
    tab.on('pageerror', (error) => complaints.push(String(error)));
    await tab.goto(`${server.url}?device=${device}`, { timeout: 30_000 });
    const outcome = await tab
      .waitForFunction('window.faceparseResult', undefined, { timeout })
      .then((handle) => handle.jsonValue() as Promise<{ result?: PageResult; error?: string }>)
      .catch((error) => ({ error: String(error), result: undefined }));
    if (!outcome.result) throw new Error([outcome.error, ...complaints, ...server.requested].join('\n'));
    return { ...outcome.result, requested: server.requested };
  } finally {
    await browser.close();
    server.close();
  }
}
