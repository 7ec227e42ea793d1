import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import type { Addon, AddonAugmentation, AddonPixels } from './addon.ts';

/** FACEPARSE_NATIVE_ADDON selects another build, such as one with sanitizers. */
const file =
  process.env.FACEPARSE_NATIVE_ADDON ??
  fileURLToPath(new URL('../../native/build/Release/faceparse_native.node', import.meta.url));

/** The script that builds the add-on. */
export const addonInstaller = fileURLToPath(new URL('../../native/install.mjs', import.meta.url));

/** The add-on, or a sentence that says why it is unavailable and how to fix that. */
export type Loaded = { readonly addon: Addon } | { readonly reason: string };

let loaded: Loaded | undefined;

/** Loads the add-on once per process or worker thread; a failure is cached too. */
export function loadAddon(): Loaded {
  loaded ??= tryToLoad();
  return loaded;
}

/**
 * Spin count of idle threads, some tens of microseconds. By default OpenMP's threads spin so long that, on busy cores, they
 * take time from the thread that they wait for.
 */
const spinCount = '10000';

/** Sets the spin count while OpenMP's library is loaded; settings made by the user take precedence. */
function withSpinCount<T>(loadLibrary: () => T): T {
  const { env } = process;
  if (env.GOMP_SPINCOUNT !== undefined || env.OMP_WAIT_POLICY !== undefined) return loadLibrary();
  env.GOMP_SPINCOUNT = spinCount;
  try {
    return loadLibrary();
  } finally {
    delete env.GOMP_SPINCOUNT;
  }
}

function tryToLoad(): Loaded {
  const remedy = `On Debian or Ubuntu: apt-get install libdnnl-dev g++ make python3, then: node ${addonInstaller}`;
  if (!existsSync(file)) return { reason: `the add-on is not built. ${remedy}` };
  try {
    return { addon: withSpinCount(() => createRequire(import.meta.url)(file) as Addon) };
  } catch (error) {
    return { reason: `the add-on cannot be loaded (${(error as Error).message.split('\n')[0]}). ${remedy}` };
  }
}

/** Returns the add-on's image functions, or undefined if the add-on is unavailable. */
export function nativeAugmentation(): AddonAugmentation | undefined {
  const result = loadAddon();
  return 'addon' in result ? result.addon.augmentation : undefined;
}

/** Returns the add-on's work on pixels, or undefined if the add-on is unavailable. */
export function nativePixels(): AddonPixels | undefined {
  const result = loadAddon();
  return 'addon' in result ? result.addon.pixels : undefined;
}
