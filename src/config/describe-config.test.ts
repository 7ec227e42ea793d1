import { readFile } from 'node:fs/promises';
import { expect, it } from 'vitest';
import { configKeys } from './config-keys.ts';
import { formatConfigReference } from './describe-config.ts';
import { configSchema } from './schema.ts';

it('knows every key that the schema fills in, with its default', () => {
  const check = (value: object, prefix: string): void => {
    for (const [name, entry] of Object.entries(value)) {
      const key = configKeys().get(`${prefix}${name}`);
      expect(key, `${prefix}${name}`).toBeDefined();
      if (key?.group) check(entry, `${prefix}${name}.`);
      else expect(key?.default).toEqual(entry);
    }
  };
  check(configSchema.parse({}), '');
});

it('lists every key once', () => {
  const reference = formatConfigReference();
  for (const key of configKeys().values()) {
    expect(reference.split(`| \`${key.path}\` |`).length - 1, key.path).toBe(key.group ? 0 : 1);
  }
  expect(reference).toContain(
    '| `train.schedule` | constant, cosine, polynomial, step, onecycle, cosine-restarts or plateau | `cosine` |',
  );
});

it('docs/config.md is up to date', async () => {
  const written = await readFile(new URL('../../docs/config.md', import.meta.url), 'utf8');
  expect(written, 'run: node dist/cli/main.js config --reference > docs/config.md').toBe(formatConfigReference());
});
