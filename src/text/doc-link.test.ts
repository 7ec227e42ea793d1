import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { docLink } from './doc-link.ts';

const root = fileURLToPath(new URL('../../', import.meta.url));

describe('docLink', () => {
  it('is in the repository that package.json names', () => {
    const { homepage } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { homepage: string };
    expect(docLink('a.md')).toBe(`${homepage.replace('#readme', '')}/blob/main/docs/a.md`);
  });

  it('is used with documents that exist', () => {
    const sources = readdirSync(join(root, 'src'), { recursive: true, encoding: 'utf8' });
    const texts = sources.filter((name) => /(?<!\.test)\.ts$/.test(name) && !name.endsWith('doc-link.ts'));
    const used = texts.flatMap((name) => [
      ...readFileSync(join(root, 'src', name), 'utf8').matchAll(/docLink\('([^']+)'\)/g),
    ]);
    expect(used.length).toBeGreaterThan(0);
    for (const [, name = ''] of used) expect(existsSync(join(root, 'docs', name)), name).toBe(true);
  });
});
