import { describe, expect, it } from 'vitest';
import { madeUpComparison } from '../../../test/comparison-fixture.ts';
import type { Comparison } from '../comparison.ts';
import { comparisonTables } from './comparison-tables.ts';
import type { Table } from './table.ts';

function tablesOf(comparison: Comparison): Map<string, Table> {
  return new Map(comparisonTables(comparison).map((table) => [table.id, table]));
}

/** The values of a column. */
function column(table: Table | undefined, key: string) {
  const index = table?.columns.findIndex((one) => one.key === key) ?? -1;
  expect(index, key).toBeGreaterThanOrEqual(0);
  return table?.rows.map((row) => row[index]) ?? [];
}

describe('comparisonTables', () => {
  it('has scores of each split, the last first, then cost, settings and distribution', () => {
    const comparison = madeUpComparison({ runs: ['a', 'b'], splits: ['train', 'val'], images: 6 });
    const tables = comparisonTables(comparison);
    expect(tables.map(({ id }) => id)).toEqual([
      ...['scores', 'macro', 'differences', 'classes'].flatMap((id) => [`${id}-val`, `${id}-train`]),
      'cost',
      'settings',
      'distribution',
    ]);
    for (const { rows, columns } of tables) for (const row of rows) expect(row).toHaveLength(columns.length);
  });

  it('shows the scores as they are', () => {
    const comparison = madeUpComparison({ runs: ['a', 'b'], splits: ['val'], images: 6 });
    const tables = tablesOf(comparison);
    const [a, b] = comparison.runs.map(({ scores }) => scores[0]);
    expect(column(tables.get('scores-val'), 'fPerImage')).toEqual([a.summary.fPerImage, b.summary.fPerImage]);
    expect(column(tables.get('scores-val'), 'fStandardError')).toEqual([a.f.standardError, b.f.standardError]);
    const macro = [a, b].flatMap(({ summary }) => [summary.macro.withBackground, summary.macro.withoutBackground]);
    expect(column(tables.get('macro-val'), 'iou')).toEqual(macro.map(({ iou }) => iou));
    const present = a.summary.perClass.filter(
      ({ id, truthPixels, predictedPixels }) =>
        truthPixels + predictedPixels + b.summary.perClass[id].truthPixels + b.summary.perClass[id].predictedPixels > 0,
    );
    expect(column(tables.get('classes-val'), 'precision')).toEqual(
      present.flatMap(({ id }) => [a.summary.perClass[id].precision, b.summary.perClass[id].precision]),
    );
    const { difference, low, high } = comparison.differences[0];
    expect(tables.get('differences-val')?.rows).toEqual([
      ['b', 'a', difference, low, high, high < 0 || low > 0 ? 'yes' : 'no'],
    ]);
  });

  it('has no standard error of one image, and no differences and settings of one run', () => {
    const tables = tablesOf(madeUpComparison({ runs: ['a'], splits: ['val'], images: 1 }));
    expect([...tables.keys()]).toEqual(['scores-val', 'macro-val', 'classes-val', 'cost', 'distribution']);
    expect(column(tables.get('scores-val'), 'fStandardError')).toEqual([undefined]);
  });

  it('compares many runs with the first and the best only', () => {
    const runs = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'];
    const comparison = madeUpComparison({ runs, splits: ['val'], images: 4 });
    const { rows, columns } = tablesOf(comparison).get('differences-val')!;
    expect(columns.map(({ key }) => key)).toEqual(['run', 'base', 'difference', 'low', 'high', 'excludesZero']);
    const best = comparison.runs.reduce((x, y) => (y.scores[0].f.mean > x.scores[0].f.mean ? y : x)).name;
    for (const [run, base] of rows) expect([run, base].some((name) => name === 'a' || name === best)).toBe(true);
    expect(rows).toHaveLength(best === 'a' ? 7 : 13);
  });

  it('says what was not measured, and which run is not finished', () => {
    const comparison = madeUpComparison({ runs: ['a', 'b'], splits: ['val'], images: 2 });
    const [a, b] = comparison.runs.map(({ measured: _, ...run }) => run);
    const measured = {
      stepMilliseconds: 10,
      inferenceMilliseconds: 5,
      trainingMebibytes: 900,
      inferenceMebibytes: 300,
    };
    const unfinished = 'stopped at epoch 1.0 of 9';
    const none = tablesOf({ ...comparison, runs: [a, b] }).get('cost')!;
    expect(none.columns.map(({ key }) => key)).not.toContain('stepMilliseconds');
    expect(none.note).toContain('were not measured');
    expect(none.columns.map(({ key }) => key)).not.toContain('state');
    expect(none.columns.map(({ key }) => key)).not.toContain('machine');
    const elsewhere = tablesOf({ ...comparison, runs: [a, { ...b, machine: 'another' }] }).get('cost');
    expect(column(elsewhere, 'machine')).toEqual([a.machine, 'another']);
    const some = tablesOf({ ...comparison, runs: [a, { ...b, measured, unfinished }] }).get('cost')!;
    expect(column(some, 'trainingMebibytes')).toEqual([undefined, 900]);
    expect(column(some, 'state')).toEqual(['finished', unfinished]);
  });

  it('shows all values of a setting that any run has changed', () => {
    const comparison = madeUpComparison({ runs: ['a', 'setting'], splits: ['val'], images: 2 });
    const [a, b] = comparison.runs;
    const changed = { ...b, config: { ...a.config, train: { ...a.config.train, lr: 0.5, resolutions: [] } } };
    const table = tablesOf({ ...comparison, runs: [a, changed] }).get('settings')!;
    expect(table.columns.map(({ key }) => key)).toEqual(['setting', 'run a', 'run setting']);
    expect(table.rows).toEqual([['train.lr', String(a.config.train.lr), '0.5']]);
  });
});
