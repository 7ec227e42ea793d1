import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { FaceparseError } from '../../errors.ts';
import type { Addon, AddonFacts } from './addon.ts';
import { createNativeEngine, type NativeEngine } from './native-engine.ts';

/** What became of looking for the add-on. */
export type NativeAvailability =
  | { readonly available: true; readonly facts: AddonFacts }
  /** `reason` says in a sentence why not, and what to do. */
  | { readonly available: false; readonly reason: string };

/** FACEPARSE_NATIVE_ADDON names another build, such as one with sanitizers. */
const file =
  process.env.FACEPARSE_NATIVE_ADDON ??
  fileURLToPath(new URL('../../../native/build/Release/faceparse_native.node', import.meta.url));
const installer = fileURLToPath(new URL('../../../native/install.mjs', import.meta.url));

type Loaded = { readonly addon: Addon } | { readonly reason: string };

let loaded: Loaded | undefined;

/** Loads the add-on once for the process; a failure is remembered too. */
function load(): Loaded {
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
  const remedy = `On Debian or Ubuntu: apt-get install libdnnl-dev g++ make python3, then: node ${installer}`;
  if (!existsSync(file)) return { reason: `the add-on is not built. ${remedy}` };
  try {
    return { addon: withSpinCount(() => createRequire(import.meta.url)(file) as Addon) };
  } catch (error) {
    return { reason: `the add-on cannot be loaded (${(error as Error).message.split('\n')[0]}). ${remedy}` };
  }
}

/** Whether the native engine can be used here, and what it is made of. */
export function findNative(): NativeAvailability {
  const result = load();
  return 'addon' in result
    ? { available: true, facts: result.addon.facts() }
    : { available: false, reason: result.reason };
}

/**
 * The `native` engine.
 *
 * @throws FaceparseError that says how to get it, where it is not there.
 */
export function createNodeNativeEngine({ threads }: { threads: number }): NativeEngine {
  const result = load();
  if ('addon' in result) return createNativeEngine(result.addon, threads);
  throw new FaceparseError(`The native engine is not available: ${result.reason}`, { exitCode: 2 });
}
