import type { EntryProgram, Program, Values } from './engine.ts';

/** The name of the entry in a program with a single one. */
export const singleEntry = 'run';

/** A program with a single graph, as a wrapper around an entry program. */
export class SingleEntryProgram implements Program {
  constructor(protected readonly entries: EntryProgram<typeof singleEntry>) {}

  run(inputs: Values, outputs?: readonly string[]): Promise<Record<string, Float32Array>> {
    return this.entries.run(singleEntry, inputs, outputs);
  }

  readStates(names?: readonly string[]): Promise<Map<string, Float32Array>> {
    return this.entries.readStates(names);
  }

  writeStates(values: ReadonlyMap<string, Float32Array>): Promise<void> {
    return this.entries.writeStates(values);
  }

  dispose(): Promise<void> {
    return this.entries.dispose();
  }
}
