import { mkdir, readFile, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { temporaryFolder } from '../../../test/dataset-fixture.ts';
import { encodeFileVersionEvent } from '../../formats/tensorboard-events.ts';
import { MetricsLog, readMetrics, requireNewRun, runFolder } from './run-folder.ts';

vi.mock('../../losses/registry.ts', async (importOriginal) => {
  const original = await importOriginal<typeof import('../../losses/registry.ts')>();
  return { ...original, losses: [...original.losses, { name: 'later' }] };
});

describe('requireNewRun', () => {
  it('passes where nothing is, and says what to do where something is', async () => {
    const path = join(await temporaryFolder(), 'run');
    await requireNewRun(path);
    await mkdir(path);
    await expect(requireNewRun(path)).rejects.toThrow(/already exists\. Choose another name with --name\.$/);
    await writeFile(runFolder(path).config, '');
    await expect(requireNewRun(path)).rejects.toThrow(/Resume it with --resume/);
    const inFile = join(runFolder(path).config, 'run');
    await expect(requireNewRun(inFile)).rejects.toThrow(/config\.yaml is not a folder; choose another --out$/);
  });
});

describe('MetricsLog', () => {
  it('writes lines that readMetrics gives back, with empty fields left out', async () => {
    const run = runFolder(await temporaryFolder());
    const log = MetricsLog.create(run);
    log.add({ step: 20, epoch: 0.5, seconds: 1.5, loss: 1.25, learningRate: 1e-7 });
    log.add({ step: 20, epoch: 0.5, seconds: 2, valF: 1 / 3 });
    await log.save();
    const [header, first, second] = (await readFile(run.metrics, 'utf8')).split('\n');
    expect(header).toMatch(/^step,epoch,seconds,loss,/);
    expect(first).toBe('20,0.5,1.5,1.25,,,,,1e-7,,,,');
    expect(second).toBe('20,0.5,2,,,,,,,,0.3333333,,');
    expect(await readMetrics(run.metrics)).toEqual([
      { step: 20, epoch: 0.5, seconds: 1.5, loss: 1.25, learningRate: 1e-7 },
      { step: 20, epoch: 0.5, seconds: 2, valF: 0.3333333 },
    ]);
  });

  it('has a column for a loss of later versions where the run has it, behind those of every file', async () => {
    const run = runFolder(await temporaryFolder());
    const log = MetricsLog.create(run);
    const line = { step: 20, epoch: 0.5, seconds: 1.5, loss: 1.25, later: 0.25 };
    log.add(line);
    await log.save();
    const [header, first] = (await readFile(run.metrics, 'utf8')).split('\n');
    expect(header).toMatch(/^step,epoch,seconds,loss,crossEntropy,dice,lovasz,.*,valPixelAccuracy,later$/);
    expect(first).toBe('20,0.5,1.5,1.25,,,,,,,,,,0.25');
    expect(await readMetrics(run.metrics)).toEqual([line]);
    expect((await readFile(run.events)).includes('later')).toBe(true);
  });

  it('has columns for validation loss and training F where the run has them, and reads files without', async () => {
    const run = runFolder(await temporaryFolder());
    const log = MetricsLog.create(run);
    const line = { step: 20, epoch: 1, seconds: 2, valF: 0.5, valLoss: 1.25, trainF: 0.625 };
    log.add(line);
    await log.save();
    const text = await readFile(run.metrics, 'utf8');
    expect(text.split('\n')[0]).toMatch(/,valPixelAccuracy,valLoss,trainF$/);
    expect(await readMetrics(run.metrics)).toEqual([line]);
    const older = await MetricsLog.reopen(run, { metrics: 'step,epoch,seconds,valF\n10,0.5,1,0.25\n', eventBytes: 0 });
    older.add(line);
    await older.save();
    expect(await readMetrics(run.metrics)).toEqual([{ step: 10, epoch: 0.5, seconds: 1, valF: 0.25 }, line]);
  });

  it('goes on from what a checkpoint knows, and drops what came after it', async () => {
    const run = runFolder(await temporaryFolder());
    const log = MetricsLog.create(run);
    for (const step of [20, 40]) log.add({ step, epoch: step, seconds: step, loss: step });
    const saved = await log.saveEvents();
    const events = await readFile(run.events);
    expect(saved.eventBytes).toBe(events.length);
    log.add({ step: 60, epoch: 60, seconds: 60, loss: 60 });
    await log.save();
    // A kill in the middle of a record.
    await truncate(run.events, (await readFile(run.events)).length - 5);
    const again = await MetricsLog.reopen(run, saved);
    expect(again.lines.map(({ step }) => step)).toEqual([20, 40]);
    again.add({ step: 60, epoch: 60, seconds: 60, loss: 7 });
    await again.save();
    expect((await readMetrics(run.metrics)).map(({ loss }) => loss)).toEqual([20, 40, 7]);
    const longer = await readFile(run.events);
    expect(longer.subarray(0, events.length).equals(events)).toBe(true);
    const { length: version } = encodeFileVersionEvent(0);
    expect(longer.length - version).toBe((events.length - version) * 1.5);
  });

  it('begins events anew where they are gone', async () => {
    const run = runFolder(await temporaryFolder());
    const log = await MetricsLog.reopen(run, { metrics: 'step,epoch,seconds\n20,1,3\n', eventBytes: 100 });
    expect(log.lines).toEqual([{ step: 20, epoch: 1, seconds: 3 }]);
    await log.save();
    expect((await readFile(run.events)).length).toBe(encodeFileVersionEvent(0).length);
  });

  it('names the file that it cannot write', async () => {
    const folder = await temporaryFolder();
    const run = runFolder(folder);
    await mkdir(run.events);
    const log = MetricsLog.create(run);
    await expect(log.save()).rejects.toThrow(`cannot write ${run.events}: a folder with that name already exists`);
  });
});
