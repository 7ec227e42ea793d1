import { describe, expect, it } from 'vitest';
import { studyGroup, studyResults } from '../../test/study-fixture.ts';
import { tableToCsv } from '../comparison/tables/render-table.ts';
import { markdownReport, studyRunsTable } from './study-table.ts';
import { summarizeGroup } from './summary.ts';

type Scores = Parameters<typeof studyResults>[1];

function summary(base: Scores, other: Scores) {
  return summarizeGroup(studyGroup, [...studyResults('base', base), ...studyResults('other', other)]);
}

function table(base: Scores, other: Scores): string[] {
  const lines = markdownReport(summary(base, other), { table: 'study/g.csv' }).split('\n');
  return lines.filter((line) => line.startsWith('|'));
}

describe('markdownReport', () => {
  it('has a row a variant, with differences in points', () => {
    expect(table([0.8, 0.81], [0.7, 0.71])).toEqual([
      '| variant | what changed | settings | F by seed | mean F | spread | to base | steps | minutes |',
      '| --- | --- | --- | --- | ---: | ---: | --- | ---: | ---: |',
      '| `base` | nothing |  | s0 0.8000; s1 0.8100 | 0.8050 | 1.00 | – | 1,000 | 1.5 |',
      '| `other` | a \\| b | `loss.classWeights=[1,2]` | s0 0.7000; s1 0.7100 | 0.7050 | 1.00 | −10.00 | 1,000 | 1.5 |',
    ]);
  });

  it('does not pretend', () => {
    expect(table([0.8, 0.81], [0.806])[3]).toContain('| +0.60, within noise |');
    expect(table([0.8, 0.81], [0.80001])[3]).toContain('| ±0.00, within noise |');
    expect(table([0.8], [0.9])[3]).toContain('| – | +10.00, noise unknown |');
    expect(table([0.8], ['missing', 'unfinished'])[3]).toContain(
      '| s0 missing; s1 unfinished, epoch 1.5 | – | – | – | – | – |',
    );
  });

  it('says what is common, how many runs are finished, how large the noise is, and where the rest is', () => {
    const links = { chart: 'study/g.svg', table: 'study/g.csv' };
    const text = markdownReport(summary([0.8, 0.81], ['missing', 0.7]), links);
    expect(text).toContain('**Does it matter?**');
    expect(text).toContain('All runs: `compact.yaml` `train.size=64`. Finished: 3 of 4 runs.');
    expect(text).toContain('The spread of the base over its 2 seeds is 1.00 points.');
    expect(text).toContain('[study/g.csv](study/g.csv)');
    expect(text).toContain('](study/g.svg)');
    expect(text).not.toContain('Within noise');
    expect(markdownReport(summary([0.8, 0.81], [0.806]), links)).toContain('Within noise: the mean difference');
    const without = markdownReport(summary([0.8], ['missing']), { table: 'study/g.csv' });
    expect(without).toContain('fewer than two finished seeds');
    expect(without).not.toContain('.svg');
  });
});

describe('studyRunsTable', () => {
  it('has a line a run, fields with commas in quotes, and nothing where there is nothing', () => {
    expect(tableToCsv(studyRunsTable(summary([0.8, 'unfinished'], ['missing', 0.7])))).toBe(
      [
        'variant,seed,state,f,bestF,steps,epochs,seconds,overrides',
        'base,0,finished,0.8,0.8,1000,4,90,',
        'base,1,unfinished,,,0,1.5,0,',
        'other,0,missing,,,,,,"loss.classWeights=[1,2]"',
        'other,1,finished,0.7,0.7,1000,4,90,"loss.classWeights=[1,2]"',
        '',
      ].join('\n'),
    );
  });
});
