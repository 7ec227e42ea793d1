import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { writeSyntheticDataset } from '../../src/synthetic/dataset.ts';
import { runCli } from './run-cli.ts';

const script = fileURLToPath(new URL('../../bench/any-photo/main.mjs', import.meta.url));
const run = promisify(execFile);

/** Each starts several parsers. */
const slow = { timeout: 240_000 };

let folder: string;
let data: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'faceparse-'));
  await writeSyntheticDataset({ folder, count: 9, size: 256, seed: 3, split: 'val' });
  data = join(folder, 'val');
});
afterAll(() => rm(folder, { recursive: true, force: true }));

async function measure(...words: string[]) {
  const { stdout } = await run(process.execPath, [script, '--data', data, '--modes', 'whole', ...words]);
  return stdout;
}

it('the test of any photo has an aligned score, and scenes that keep it or cost some of it', slow, async () => {
  const names = 'aligned,backdrop,turned-180,exif';
  const report = JSON.parse(await measure('--cases', names, '--json'));
  const { aligned, backdrop, exif, 'turned-180': upsideDown } = report.results.whole;
  const { stdout } = await runCli(['evaluate', '--data', data, '--json']);
  expect(aligned.f).toBeCloseTo(JSON.parse(stdout).fPerImage, 9);
  // Nine photos: every orientation of EXIF, which the script checks itself.
  expect(exif.photos).toBe(9);
  expect(Math.abs(exif.f - aligned.f)).toBeLessThan(0.03);
  expect(Math.abs(backdrop.f - aligned.f)).toBeLessThan(0.1);
  expect(upsideDown.f).toBeLessThan(aligned.f - 0.2);
  // The labels of the aligned photos, moved to where the faces are, are as good as there.
  expect(Math.abs(upsideDown.moved - aligned.f)).toBeLessThan(0.01);
});

it('the test of any photo makes the same scenes for the same seed, and shows them as a table', slow, async () => {
  const words = '--photos 2 --canvas 256 --faceless 2 --cases aligned,half,two,faceless'.split(' ');
  const first = await measure(...words);
  expect(await measure(...words)).toBe(first);
  expect(await measure(...words, '--seed', '2')).not.toBe(first);
  expect(first).toMatch(/^F \(per image\) over the whole photo; 2 photos a case, canvas 256²/);
  expect(first).toMatch(/\| half of the side \| 0\.\d{3} \| 0\.\d{3} \| [−+]0\.\d{3} \|/);
  expect(first).toMatch(/\| no face \| 1\.000 \| [01]\.\d{3} \| [−+]0\.\d{3} \|/);
});

it('the test of any photo refuses unknown cases', async () => {
  await expect(measure('--cases', 'aligned,sideways')).rejects.toMatchObject({
    code: 2,
    stderr: expect.stringContaining("no case 'sideways'; cases: aligned, backdrop, half"),
  });
});
