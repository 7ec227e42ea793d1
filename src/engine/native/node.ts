import type { AddonFacts } from '../../native-addon/addon.ts';
import { loadAddon } from '../../native-addon/load-addon.ts';
import { FaceparseError } from '../../text/errors.ts';
import { createNativeEngine, type NativeEngine } from './native-engine.ts';

/** What became of looking for the add-on. */
export type NativeAvailability =
  | { readonly available: true; readonly facts: AddonFacts }
  /** `reason` says in a sentence why not, and what to do. */
  | { readonly available: false; readonly reason: string };

/** Whether the native engine can be used here, and what it is made of. */
export function findNative(): NativeAvailability {
  const result = loadAddon();
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
  const result = loadAddon();
  if ('addon' in result) {
    const engine = engines.get(threads) ?? createNativeEngine(result.addon, threads);
    engines.set(threads, engine);
    return engine;
  }
  throw new FaceparseError(`The native engine is not available: ${result.reason}`, { exitCode: 2 });
}
