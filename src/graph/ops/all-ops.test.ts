import { readdirSync } from 'node:fs';
import { expect, it } from 'vitest';
import { listOps } from '../op.ts';
import { allOps } from './all-ops.ts';

it('lists every op that a module of this folder defines, in order', async () => {
  const modules = readdirSync(new URL('.', import.meta.url)).filter((name) => /^[a-z-]+\.ts$/.test(name));
  for (const module of modules) await import(`./${module}`);
  expect(allOps.map(({ name }) => name)).toEqual(listOps());
});
