import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { bundledWeights, requireBundledWeights } from './bundled-weights.ts';
import { loadWeights } from './face-parser.ts';

describe('the weights that come along', () => {
  it.skipIf(!existsSync(bundledWeights))('are those that README and model card tell the score of', async () => {
    const { weights } = await loadWeights();
    const score = weights.notes!.validationF;
    expect(score).toMatch(/^0\.\d{4}$/);
    for (const page of ['../../README.md', '../../weights/README.md']) {
      expect(readFileSync(new URL(page, import.meta.url), 'utf8'), page).toContain(`**${score}**`);
    }
  });

  it('may be missing, which is told', async () => {
    await expect(requireBundledWeights('no/such/file')).rejects.toThrow('are missing (no/such/file)');
  });
});
