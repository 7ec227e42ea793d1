import type { AddonFacts } from '../../native-addon/addon.ts';
import { addonInstaller, type Loaded, loadAddon } from '../../native-addon/load-addon.ts';
import { FaceparseError } from '../../text/errors.ts';
import { describeMismatch } from './capabilities.ts';
import { createNativeEngine, type NativeEngine } from './native-engine.ts';

/** Whether the native engine is available. */
export type NativeAvailability =
  | { readonly available: true; readonly facts: AddonFacts }
  /** `reason` is a sentence that says why not and how to fix that. */
  | { readonly available: false; readonly reason: string };

/** Loads the add-on if it was built from the same sources as the passes. */
function loadMatchingAddon(): Loaded {
  const result = loadAddon();
  if ('reason' in result) return result;
  const mismatch = describeMismatch(result.addon.facts());
  if (!mismatch) return result;
  return { reason: `the add-on was built from other sources: ${mismatch}. Rebuild it: node ${addonInstaller}` };
}

/** Returns whether the native engine can be used here, and facts about it. */
export function findNative(): NativeAvailability {
  const result = loadMatchingAddon();
  return 'addon' in result
    ? { available: true, facts: result.addon.facts() }
    : { available: false, reason: result.reason };
}

/** Engines by number of threads. They have no state, but each has a thread with its team. */
const engines = new Map<number, NativeEngine>();

/**
 * Returns the `native` engine; engines with the same number of threads are shared.
 *
 * @throws FaceparseError that says how to install it, if it is not available
 */
export function createNodeNativeEngine({ threads }: { threads: number }): NativeEngine {
  const result = loadMatchingAddon();
  if ('addon' in result) {
    const engine = engines.get(threads) ?? createNativeEngine(result.addon, threads);
    engines.set(threads, engine);
    return engine;
  }
  throw new FaceparseError(`The native engine is not available: ${result.reason}`, { exitCode: 2 });
}
