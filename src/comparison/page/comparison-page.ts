import { type LineLook, lineLook, markerPath, pageTheme } from '../../charts/chart-theme.ts';
import { escapeMarkup, shorten } from '../../text/escape-markup.ts';
import type { Comparison } from '../comparison.ts';
import { shownSplits } from '../split-scores.ts';
import { tableToHtml } from '../tables/render-table.ts';
import type { Table } from '../tables/table.ts';
import { type ComparisonChart, scoreCharts, splitLook } from './comparison-charts.ts';
import { curveCharts } from './curve-charts.ts';
import { definitions } from './definitions.ts';
import { type PageSection, pageHtml } from './page-shell.ts';
import { panelsHtml } from './panels.ts';
import { curvesNote, describeSubject, summarize, type Words } from './summary.ts';

/** Tables with more rows are closed at first. */
const mostOpenRows = 30;

function words(parts: Words): string {
  return parts
    .map((part) =>
      typeof part === 'string'
        ? escapeMarkup(shorten(part, 1000))
        : `<b><bdi>${escapeMarkup(shorten(part.run, 60))}</bdi></b>`,
    )
    .join('');
}

/** Scales an SVG with its column and gives it a text alternative. Ids that echarts gives are made unique in the page. */
function inlineSvg({ id, title, description, svg }: ComparisonChart): { html: string; width: number } {
  const [, width = '440', height = '300'] = /^<svg[^>]*? width="([\d.]+)" height="([\d.]+)"/.exec(svg) ?? [];
  const head =
    `<svg viewBox="0 0 ${width} ${height}" role="img" aria-labelledby="${id}-title ${id}-text">` +
    `<title id="${id}-title">${escapeMarkup(shorten(title, 200))}</title><desc id="${id}-text">${escapeMarkup(shorten(description, 2000))}</desc>`;
  return {
    html: svg
      .replace(/^<svg[^>]*>/, head)
      .replace(/\bzr0-/g, `${id}-`)
      .trim(),
    width: Number(width),
  };
}

function chartHtml(chart: ComparisonChart): string {
  const { html } = inlineSvg(chart);
  return [
    `<figure class="chart" id="chart-${chart.id}">`,
    `<figcaption>${escapeMarkup(shorten(chart.title, 200))}</figcaption>`,
    html,
    `<details><summary>Values<span class="unseen"> of ${escapeMarkup(shorten(chart.title, 200))}</span></summary>`,
    tableToHtml(chart.data),
    '</details>',
    '</figure>',
  ].join('\n');
}

/** Charts in columns, small ones enlarged. */
function gridHtml(charts: readonly ComparisonChart[]): string {
  const widest = charts.reduce((width, chart) => Math.max(width, inlineSvg(chart).width), 0);
  const [least, most] = widest < 400 ? [1.75, 2.1] : [0.9, 1.3];
  return `<div class="charts" style="--least:${Math.round(least * widest)}px;--most:${Math.round(most * widest)}px">${charts.map(chartHtml).join('\n')}</div>`;
}

function legendHtml(label: string, entries: readonly { readonly name: string; readonly look: LineLook }[]): string {
  const items = entries.map(({ name, look: { color, dash, marker } }) => {
    const dashes = dash.length > 0 ? ` stroke-dasharray="${dash.join(' ')}"` : '';
    return (
      `<li><svg width="38" height="12" viewBox="0 0 38 12" aria-hidden="true"><path d="M1 6H37" stroke="${color}" stroke-width="1.8"${dashes}/>` +
      `<path d="${markerPath(marker, 19, 6, 3.6)}" fill="${color}"/></svg><bdi>${escapeMarkup(shorten(name, 60))}</bdi></li>`
    );
  });
  return `<ul class="legend" aria-label="${escapeMarkup(label)}">${items.join('')}</ul>`;
}

function tablesHtml(tables: readonly Table[]): string {
  return tables
    .map((table) => {
      const html = tableToHtml(table);
      if (table.rows.length <= mostOpenRows) return html;
      return `<details class="long"><summary>${escapeMarkup(shorten(table.title, 200))} (${table.rows.length} rows)</summary>\n${html}\n</details>`;
    })
    .join('\n');
}

function sectionsOf(
  comparison: Comparison,
  tables: readonly Table[],
  charts: readonly ComparisonChart[],
  panels: string,
): PageSection[] {
  const { runs } = comparison;
  const [last] = shownSplits(comparison);
  const runLegend = legendHtml(
    'Runs',
    runs.map(({ name }, index) => ({ name, look: lineLook(index, pageTheme) })),
  );
  const splitLegend = legendHtml(
    'Splits',
    shownSplits(comparison)
      .reverse()
      .map((split) => ({ name: split, look: splitLook(split, pageTheme) })),
  );
  const chartsOf = (section: ComparisonChart['section']) => charts.filter((chart) => chart.section === section);
  const grid = (section: ComparisonChart['section']) => gridHtml(chartsOf(section));
  const isAbout =
    (...starts: string[]) =>
    ({ id }: Table) =>
      starts.some((start) => id === start || id.startsWith(`${start}-`));
  const [aboutClasses, aboutCost, aboutData] = [
    isAbout('classes'),
    isAbout('cost', 'settings'),
    isAbout('distribution'),
  ];
  const scores = tables.filter((table) => !aboutClasses(table) && !aboutCost(table) && !aboutData(table));
  const intro = (text: string) => `<p class="intro">${escapeMarkup(text)}</p>`;
  const aboutCurves = curvesNote(comparison);
  const sections: (PageSection | false)[] = [
    {
      id: 'scores',
      title: 'Scores',
      body: [
        intro('The best value of a column that compares runs is bold.'),
        splitLegend,
        grid('scores'),
        tablesHtml(scores),
      ].join('\n'),
    },
    tables.some(aboutCost) && {
      id: 'cost',
      title: 'Networks, cost and settings',
      body: tablesHtml(tables.filter(aboutCost)),
    },
    chartsOf('curves').length > 0 && {
      id: 'curves',
      title: 'Training curves',
      body: [...(aboutCurves === undefined ? [] : [intro(aboutCurves)]), runLegend, grid('curves')].join('\n'),
    },
    {
      id: 'classes',
      title: 'Classes',
      body: [
        intro(
          'F1 pooled over all pixels of a split, for the classes that occur in the ground truth or in a prediction.',
        ),
        runLegend,
        grid('classes'),
        tablesHtml(tables.filter(aboutClasses)),
      ].join('\n'),
    },
    chartsOf('confusion').length > 0 && {
      id: 'confusion',
      title: 'Confusion matrices',
      body: [
        intro(
          `On ${last}. Rows are true classes, columns predicted classes. Numbers are percentages of the pixels of the true class; shares below 0.5 % have no number.`,
        ),
        grid('confusion'),
      ].join('\n'),
    },
    panels !== '' && {
      id: 'pictures',
      title: 'Pictures',
      body: [
        intro(
          'Above: the photo and the predictions. Below: the ground truth and the errors. Errors are the wrong pixels in red on the photo in grey; hatched pixels are ignored in the ground truth.',
        ),
        panels,
      ].join('\n'),
    },
    (chartsOf('data').length > 0 || tables.some(aboutData)) && {
      id: 'data',
      title: 'Data',
      body: [
        intro(
          'From the ground truth. On the right, the marker is the median, the thick line spans the quartiles, and the thin line the 5 % and 95 % quantiles.',
        ),
        splitLegend,
        grid('data'),
        tablesHtml(tables.filter(aboutData)),
      ].join('\n'),
    },
    {
      id: 'reading',
      title: 'How to read this',
      body: `<dl class="terms">${definitions(comparison.boundaryTolerance)
        .map(([term, meaning]) => `<dt>${escapeMarkup(term)}</dt><dd>${escapeMarkup(meaning)}</dd>`)
        .join('\n')}</dl>`,
    },
    {
      id: 'command',
      title: 'Reproducing this page',
      body: `<pre tabindex="0" role="region" aria-label="Command"><code>${escapeMarkup(comparison.command)}</code></pre>\n<p>faceparse ${escapeMarkup(shorten(comparison.version, 60))}</p>`,
    },
  ];
  return sections.filter((section) => section !== false);
}

/**
 * Writes a comparison as one HTML document that needs nothing else: no script, no other file, no network. Charts are inline SVG,
 * pictures are data URIs.
 *
 * @param tables as `comparisonTables` gives them; those with other ids appear among the scores
 * @throws FaceparseError (exit code 1) if echarts is not installed
 * @example await writeFileAtomic('comparison.html', await comparisonPage(comparison, comparisonTables(comparison)));
 */
export async function comparisonPage(comparison: Comparison, tables: readonly Table[]): Promise<string> {
  const { title, question, labelSet, panels } = comparison;
  const charts = [...(await curveCharts(comparison, pageTheme, false)), ...scoreCharts(comparison, pageTheme)];
  const shownPanels = panels.length > 0 ? await panelsHtml(panels, labelSet) : '';
  const sections = sectionsOf(comparison, tables, charts, shownPanels);
  const summary = summarize(comparison).map((parts) => `<p>${words(parts)}</p>`);
  return pageHtml({
    kicker: 'Comparison of face parsing networks',
    title,
    ...(question !== undefined && { question }),
    facts: describeSubject(comparison),
    sections: [{ id: 'summary', title: 'Summary', look: 'summary', body: summary.join('\n') }, ...sections],
    version: comparison.version,
  });
}
