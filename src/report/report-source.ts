import { figureFont } from '../charts/svg-text.ts';
import type { ReportFacts, ReportHead } from './facts/report-facts.ts';
import { failuresSection, limitsSection } from './sections/closing.ts';
import { comparisonSection } from './sections/comparison.ts';
import { summarySection, taskSection } from './sections/introduction.ts';
import { lossesSection } from './sections/losses.ts';
import { networkSection } from './sections/network.ts';
import { resultsSection } from './sections/results.ts';
import { trainingSection } from './sections/training.ts';
import { citedWorks } from './typst/references.ts';
import { blocks, markup, typstString } from './typst/typst-text.ts';

/** File of the cited works, next to the report. */
export const bibliographyName = 'references.bib';

/** Layout density of a report; both use 10 pt text. */
export type ReportDensity = 'normal' | 'tight';

const spacings: Readonly<Record<ReportDensity, Readonly<Record<string, string>>>> = {
  normal: {
    top: '1.7cm',
    bottom: '1.8cm',
    leading: '0.55em',
    paragraph: '0.85em',
    above: '1.2em',
    below: '0.65em',
    figure: '1em',
  },
  tight: {
    top: '1.5cm',
    bottom: '1.6cm',
    leading: '0.5em',
    paragraph: '0.7em',
    above: '1em',
    below: '0.55em',
    figure: '0.8em',
  },
};

function preamble(
  { title, author }: ReportHead,
  { density = 'normal', keywords = [], families = [] }: SourceOptions,
): string {
  const fonts = [figureFont, ...families].map(typstString);
  const font = fonts.length > 1 ? `(${fonts.join(', ')})` : fonts.join('');
  const listed = keywords.map((keyword) => `${typstString(keyword)}, `).join('');
  const { top, bottom, leading, paragraph, above, below, figure } = spacings[density];
  return `// Source of the report in Typst (https://typst.app/docs). After editing, run: faceparse report --build FOLDER
// Figures are in figures/, references in ${bibliographyName}. The limit is five pages.
#set document(title: ${typstString(title)}${author ? `, author: ${typstString(author)}` : ''}${listed ? `, keywords: (${listed.trimEnd()})` : ''}, date: none)
#set page(paper: "a4", margin: (x: 2cm, top: ${top}, bottom: ${bottom}), numbering: "1")
// ${figureFont} is metric-compatible with Arial and ships with faceparse; use "Arial" where it is installed.
// Font fallback is off, so the PDF is the same on every machine.
#set text(font: ${font}, size: 10pt, lang: "en", fallback: false)
#set par(justify: true, leading: ${leading}, spacing: ${paragraph})
// An equation stays on the page of its sentences. Without a width, Typst would not justify them.
#let together = block.with(width: 100%, breakable: false, spacing: ${paragraph})
#set heading(numbering: "1")
#show heading.where(level: 1): it => block(above: ${above}, below: ${below}, text(11.5pt, it))
#set figure(gap: 5pt)
#show figure: set block(above: ${figure}, below: ${figure})
#show figure.where(kind: table): set figure.caption(position: top)
#show figure.caption: it => text(8.5pt, it)
#set place(clearance: ${figure})
#set table(stroke: none, inset: (x: 3.5pt, y: 2.6pt))
#show table: set text(8.5pt)
#show table: set par(justify: false)
// Configuration keys may break across lines in tables.
#show table: it => {
  show raw: key => key.text.replace(regex("[.=,:]"), sign => sign.text + sym.zws)
  it
}
#show raw: set text(font: "${figureFont}", size: 1.25em, style: "italic")
#set math.equation(numbering: none)
#show math.equation.where(block: true): set block(above: 0.8em, below: 0.8em)`;
}

function head({ title, author, id }: ReportHead): string {
  const line = [author, id].filter((word) => word !== undefined).map(markup);
  return `#align(center)[\n  #text(16pt)[*${markup(title)}*]${line.length > 0 ? ` \\\n  ${line.join(', ')}` : ''}\n]`;
}

/** Layout options of a report. */
export interface SourceOptions {
  /** Default `normal`. */
  readonly density?: ReportDensity;
  /** Keywords of the PDF, which record what the report is about. */
  readonly keywords?: readonly string[];
  /** Font families for characters that Arimo lacks. */
  readonly families?: readonly string[];
}

/** Writes the whole report as Typst source; it reads the figures and the bibliography next to it. */
export function reportSource(facts: ReportFacts, options: SourceOptions = {}): string {
  const body = blocks(
    summarySection(facts),
    taskSection(facts),
    networkSection(facts),
    lossesSection(facts),
    trainingSection(facts),
    resultsSection(facts),
    comparisonSection(facts),
    failuresSection(facts),
    limitsSection(facts),
  );
  const references =
    citedWorks(body).length > 0 &&
    `#show bibliography: set text(8.5pt)\n#show bibliography: set par(justify: false, leading: 0.45em, spacing: 0.55em)
// The references stay on one page, so that the last page never has only a few of them.
#block(breakable: false, above: ${spacings[options.density ?? 'normal'].above}, bibliography("${bibliographyName}", title: "References", style: "springer-basic"))`;
  return `${blocks(preamble(facts, options), head(facts), body, references)}\n`;
}
