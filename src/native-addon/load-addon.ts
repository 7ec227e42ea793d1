import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import type { Addon, AddonAugmentation } from './addon.ts';

/** FACEPARSE_NATIVE_ADDON names another build, such as one with sanitizers. */
const file =
  process.env.FACEPARSE_NATIVE_ADDON ??
  fileURLToPath(new URL('../../native/build/Release/faceparse_native.node', import.meta.url));

/** The script that builds the add-on. */
export const addonInstaller = fileURLToPath(new URL('../../native/install.mjs', import.meta.url));

/** The add-on, or why it is not there and what to do, in a sentence. */
export type Loaded = { readonly addon: Addon } | { readonly reason: string };

let loaded: Loaded | undefined;

/** Loads the add-on once for the process, or the worker thread; a failure is remembered too. */
export function loadAddon(): Loaded {
  loaded ??= tryToLoad();
  return loaded;
}

/**
 * How often a thread looks for work before it sleeps, some tens of microseconds. By default OpenMP's threads go on looking for so
 * long that, beside other work on the same cores, they take the time of the thread that they wait for.
 */
const spinCount = '10000';

/** OpenMP reads its settings when its library is loaded; those that the user has made stand. */
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

/** The add-on's work on images, where the add-on is there. */
export function nativeAugmentation(): AddonAugmentation | undefined {
  const result = loadAddon();
  return 'addon' in result ? result.addon.augmentation : undefined;
}
