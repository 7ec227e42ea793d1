import { rm } from 'node:fs/promises';
import { basename } from 'node:path';
import { stringify } from 'yaml';
import { tableToCsv, tableToMarkdown } from '../../comparison/tables/render-table.ts';
import type { Config } from '../../config/schema.ts';
import { writeFileAtomic } from '../../files/atomic-write.ts';
import { countOf } from '../../text/counts.ts';
import { readLoggedJobs } from '../shard-log.ts';
import type { Sweep } from '../sweep.ts';
import { sweepFiles } from '../sweep-folder.ts';
import { bestTrial, type Trial } from '../trials.ts';
import { importanceChart, scoreChart, settingsChart } from './sweep-charts.ts';
import { importanceTable, sweepImportance, sweepTable } from './sweep-table.ts';

/** The configuration of a trial as one of its own: with the sweep's engine settings and another name. */
function bestConfig({ config }: Sweep, { run }: Trial): Config {
  return { ...run.config, name: `${config.name}-best`, engine: config.engine };
}

function bestFile(sweep: Sweep, best: Trial, trials: readonly Trial[]): string {
  const { metric } = sweep;
  const score = `${metric} ${best.score?.toFixed(4)} after ${countOf(Number(best.epochs.toFixed(2)), 'epoch')}`;
  return `# The best of ${countOf(trials.length, 'trial')} of faceparse sweep: trial ${best.trial}, ${score}\n${stringify(bestConfig(sweep, best))}`;
}

/** A Markdown page with the tables and charts of a sweep; charts without values are left out. */
export function markdownPage(
  sweep: Sweep,
  trials: readonly Trial[],
  charts: { readonly [chart in 'score' | 'importance' | 'settings']?: string },
): string {
  const image = (text: string, file: string | undefined) => (file === undefined ? [] : ['', `![${text}](${file})`]);
  const best = bestTrial(trials, sweep.metric);
  const measured = sweepImportance(sweep, trials);
  const failed = trials.filter((trial) => trial.failed).length;
  return [
    `# Sweep of ${sweep.config.name}`,
    '',
    `${countOf(trials.length, 'trial')}${failed > 0 ? `, of which ${failed} failed` : ''}. ` +
      (best ? `Trial ${best.trial} is the best; \`best.yaml\` is its configuration.` : 'None has a score yet.'),
    '',
    '## Trials',
    '',
    tableToMarkdown(sweepTable(sweep, trials)),
    ...image('Best score over the minutes of work', charts.score),
    ...image('Settings and scores of all trials as parallel coordinates', charts.settings),
    '',
    '## Importance',
    '',
    measured.importance.some(({ share }) => share !== undefined)
      ? tableToMarkdown(importanceTable(measured))
      : 'Not known yet: it needs more trials, with different settings and scores.',
    ...image('Importance of each key', charts.importance),
    '',
  ].join('\n');
}

/**
 * Writes the table of a sweep (CSV and Markdown), its charts (SVG) and the configuration of the best trial into its folder.
 *
 * @returns the files that were written
 */
export async function writeSweepReport(sweep: Sweep, out: string, trials: readonly Trial[]): Promise<string[]> {
  const files = sweepFiles(out);
  const { importance, note } = sweepImportance(sweep, trials);
  const drawn = {
    score: { path: files.scoreChart, text: await scoreChart(sweep, trials, await readLoggedJobs(out)) },
    settings: { path: files.settingsChart, text: await settingsChart(sweep, trials) },
    importance: { path: files.importanceChart, text: await importanceChart(importance, note) },
  };
  const links = Object.fromEntries(
    Object.entries(drawn).flatMap(([name, { path, text }]) => (text === undefined ? [] : [[name, basename(path)]])),
  );
  const best = bestTrial(trials, sweep.metric);
  const texts: [string, string | undefined][] = [
    ...Object.values(drawn).map(({ path, text }): [string, string | undefined] => [path, text]),
    [files.csv, tableToCsv(sweepTable(sweep, trials))],
    [files.best, best && bestFile(sweep, best, trials)],
    [files.markdown, markdownPage(sweep, trials, links)],
  ];
  const written: string[] = [];
  for (const [path, text] of texts) {
    if (text === undefined) {
      await rm(path, { force: true });
      continue;
    }
    await writeFileAtomic(path, text);
    written.push(path);
  }
  return written;
}
