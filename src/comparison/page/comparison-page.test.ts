import { describe, expect, it } from 'vitest';
import { madeUpComparison } from '../../../test/comparison-fixture.ts';
import { face8 } from '../../labels/face-8.ts';
import type { Comparison } from '../comparison.ts';
import { comparisonTables } from '../tables/comparison-tables.ts';
import { comparisonMarkdown } from './comparison-markdown.ts';
import { comparisonPage } from './comparison-page.ts';

const six = ['a', 'b', 'c', 'd', 'e', 'f'];
const hostile = `<script>alert(1)</script> "x" & | \`c\` 'y' שלום 👩🏽‍🔬 ](javascript:alert(1))`;

/** Everything that a user can name has this name. */
function renamed(comparison: Comparison, name: string): Comparison {
  const names = new Map(comparison.runs.map((run, index) => [run.name, `${name} ${index}`]));
  return {
    ...comparison,
    title: name,
    question: name,
    command: `faceparse compare ${name}`,
    version: name,
    labelSet: {
      ...comparison.labelSet,
      name,
      classes: comparison.labelSet.classes.map((one) => ({ ...one, name: `${name} ${one.id}` })),
    },
    runs: comparison.runs.map((run) => ({
      ...run,
      name: names.get(run.name)!,
      machine: name,
      unfinished: name,
      cost: { ...run.cost, model: name },
    })),
    differences: comparison.differences.map((one) => ({
      ...one,
      run: names.get(one.run)!,
      base: names.get(one.base)!,
    })),
    panels: comparison.panels.map((panel) => ({
      ...panel,
      stem: name,
      predictions: panel.predictions.map((one) => ({ ...one, run: names.get(one.run)! })),
    })),
  };
}

/** The opening tags of a page in order, without those that need no end. */
function unbalanced(html: string): string[] {
  const open: string[] = [];
  const empty = new Set(['meta', 'link', 'img', 'br', 'wbr', 'path', 'rect']);
  for (const [, end, name, self] of html.matchAll(/<(\/?)([a-z][\w-]*)(?:[^<>"]|"[^"]*")*?(\/?)>/gi)) {
    if (empty.has(name) || self === '/') continue;
    if (end === '') open.push(name);
    else if (open.at(-1) === name) open.pop();
    else return [`</${name}> in ${open.join(' ')}`];
  }
  return open;
}

const pageOf = (comparison: Comparison) => comparisonPage(comparison, comparisonTables(comparison));

describe('comparisonPage', () => {
  it('has all parts, nothing from elsewhere and no script', async () => {
    const comparison = madeUpComparison({ labelSet: face8 });
    const html = await pageOf(comparison);
    for (const id of ['summary', 'scores', 'cost', 'curves', 'classes', 'confusion', 'pictures', 'data', 'reading']) {
      expect(html).toContain(`<section id="${id}"`);
      expect(html).toContain(`<a href="#${id}">`);
    }
    expect(html.match(/<h1>/g)).toHaveLength(1);
    expect(html.replace(/"data:[^"]*"/g, '"data:"')).not.toMatch(
      /<script|\bon\w+=|(?:src|href)="(?!data:|#)|url\((?!#)|@import|zr0-/,
    );
    expect(unbalanced(html)).toEqual([]);
    for (const table of comparisonTables(comparison)) expect(html).toContain(`id="table-${table.id}"`);
    // Photo and truth of each panel, prediction and errors of each run.
    expect(html.match(/<img /g)).toHaveLength(2 * (2 + 2 * 2));
    expect(html).toContain('within 3 pixels');
    expect(html).toContain(comparison.command);
  });

  it('has each id once', async () => {
    const html = await pageOf(madeUpComparison({ runs: six, labelSet: face8, images: 3 }));
    const ids = [...html.matchAll(/ id="([^"]*)"/g)].map(([, id]) => id);
    expect(ids.filter((id, index) => ids.indexOf(id) !== index)).toEqual([]);
    for (const [, id] of html.matchAll(/(?:aria-labelledby="|href="#|url\(#)([^" )]+)/g)) expect(ids).toContain(id);
  });

  it('shows hostile names as text', async () => {
    const comparison = renamed(madeUpComparison({ labelSet: face8, images: 3, panels: 1 }), hostile);
    const html = await pageOf(comparison);
    expect(html).not.toMatch(/<script/i);
    expect(html).toContain('&lt;script&gt;alert(1)&lt;/script&gt; &quot;x&quot; &amp; | `c` &#39;y&#39; שלום');
    expect(unbalanced(html)).toEqual([]);
  });

  it('bounds long names', async () => {
    const name = 'x'.repeat(50_000);
    const html = await pageOf(renamed(madeUpComparison({ labelSet: face8, images: 2, panels: 1 }), name));
    expect(html.replace(/data:[^"]*/g, '').replace(/<code>.*<\/code>/, '').length).toBeLessThan(400_000);
  });

  it('stays small for six runs and eight pictures', async () => {
    const html = await pageOf(madeUpComparison({ runs: six, splits: ['val'], images: 8, panels: 8, size: 192 }));
    expect(html.length).toBeLessThan(3_000_000);
  });

  it('does without splits, curves and pictures that there are not, and with one run', async () => {
    const one = madeUpComparison({ runs: ['only'], splits: ['val'], images: 1, panels: 0 });
    const html = await pageOf({ ...one, runs: one.runs.map((run) => ({ ...run, metrics: [] })) });
    expect(html).not.toContain('id="curves"');
    expect(html).not.toContain('id="pictures"');
    expect(html).toMatch(/<b><bdi>only<\/bdi><\/b> has an F \(per image\) of 0\.\d{4}\.</);
    expect(html).not.toMatch(/NaN|undefined|Infinity/);
    const { question: _, ...unasked } = one;
    expect(await pageOf(unasked)).not.toContain('class="question"');
  });

  it('takes values that are missing', async () => {
    const two = madeUpComparison({ labelSet: face8, images: 3 });
    const [first, second] = two.runs;
    const html = await comparisonPage(
      {
        ...two,
        runs: [first, { ...second, scores: second.scores.slice(0, 1), metrics: [{ step: 1, epoch: 1, seconds: 1 }] }],
        differences: [],
      },
      [],
    );
    expect(html).toContain('deeplab: 0.');
    expect(html).toContain('no score on test');
    expect(html).not.toMatch(/NaN|undefined/);
  });
});

describe('comparisonMarkdown', () => {
  it('has summary, tables, and links to the files that there are', () => {
    const comparison = madeUpComparison({ labelSet: face8, splits: ['val'], panels: 1 });
    const text = comparisonMarkdown(comparison, comparisonTables(comparison), {
      page: 'my comparison (1).html',
      tables: { 'scores-val': 'tables/scores-val.csv' },
      panels: ['panels/0.png'],
    });
    expect(text).toMatch(/^# PSPNet and DeepLabv3\+ on eight classes\n\n\*\*Which decoder/);
    expect(text).toContain('[my comparison (1).html](my%20comparison%20%281%29.html)');
    expect(text).toContain('Unrounded: [tables/scores-val.csv](tables/scores-val.csv)');
    expect(text).toContain('![Photo, predictions, ground truth and errors of 0](panels/0.png)');
    expect(text).toContain('| run | F (per image) |');
    expect(comparisonMarkdown(comparison, [])).not.toContain('](');
  });

  it('shows hostile names as text', () => {
    const comparison = renamed(madeUpComparison({ labelSet: face8, images: 2, panels: 1 }), hostile);
    const text = comparisonMarkdown(comparison, comparisonTables(comparison), { panels: ['0.png'] });
    const lines = text.split('\n').filter((line) => !line.startsWith('    faceparse compare'));
    expect(lines.join('\n')).not.toMatch(/<script|(?<!\\)`|(?<!\\)\]\(javascript/);
  });
});
