import type { AddonFacts } from '../../native-addon/addon.ts';
import { addonInstaller, type Loaded, loadAddon } from '../../native-addon/load-addon.ts';
import { FaceparseError } from '../../text/errors.ts';
import { describeMismatch } from './capabilities.ts';
import { createNativeEngine, type NativeEngine } from './native-engine.ts';

/** What became of looking for the add-on. */
export type NativeAvailability =
  | { readonly available: true; readonly facts: AddonFacts }
  /** `reason` says in a sentence why not, and what to do. */
  | { readonly available: false; readonly reason: string };

/** The add-on, if it is of the same sources as the passes. */
function loadMatchingAddon(): Loaded {
  const result = loadAddon();
  if ('reason' in result) return result;
  const mismatch = describeMismatch(result.addon.facts());
  if (!mismatch) return result;
  return { reason: `the add-on was built from other sources: ${mismatch}. Build it again: node ${addonInstaller}` };
}

/** Whether the native engine can be used here, and what it is made of. */
export function findNative(): NativeAvailability {
  const result = loadMatchingAddon();
  return 'addon' in result
    ? { available: true, facts: result.addon.facts() }
    : { available: false, reason: result.reason };
}

/** Engines by their number of threads. They hold no state of their own, but a thread with its team each. */
const engines = new Map<number, NativeEngine>();

/**
 * The `native` engine; one for all who ask for so many threads.
 *
 * @throws FaceparseError that says how to get it, where it is not there.
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
