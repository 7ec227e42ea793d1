import { expect, it } from 'vitest';
import { checkOptions } from './check-options.ts';

it.each<[unknown, string | undefined]>([
  [{}, undefined],
  [{ maxSide: undefined, signal: 1 }, undefined],
  [{ maxside: 1 }, "unknown option 'maxside' of parse; did you mean 'maxSide'?"],
  [{ engine: 1 }, "unknown option 'engine' of parse; available: maxSide, signal"],
  [null, 'the options of parse must be an object, not null'],
  [false, 'the options of parse must be an object, not a boolean'],
])('%o', (options, message) => {
  const check = () => checkOptions(options, ['maxSide', 'signal'], 'parse');
  if (message === undefined) check();
  else expect(check).toThrow(message);
});
