import type { ReportFacts, ReportHead } from './facts/report-facts.ts';
import { figureFont } from './figures/svg-text.ts';
import { failuresSection, limitsSection } from './sections/closing.ts';
import { comparisonSection } from './sections/comparison.ts';
import { summarySection, taskSection } from './sections/introduction.ts';
import { lossesSection } from './sections/losses.ts';
import { networkSection } from './sections/network.ts';
import { resultsSection } from './sections/results.ts';
import { trainingSection } from './sections/training.ts';
import { citedWorks } from './typst/references.ts';
import { blocks, markup, typstString } from './typst/typst-text.ts';

/** Works that the text cites, beside the report. */
export const bibliographyName = 'references.bib';

function preamble({ title, author }: ReportHead, keywords: readonly string[], families: readonly string[]): string {
  const fonts = [figureFont, ...families].map(typstString);
  const font = fonts.length > 1 ? `(${fonts.join(', ')})` : fonts.join('');
  const listed = keywords.map((keyword) => `${typstString(keyword)}, `).join('');
  return `// The source of the report, in typst (https://typst.app/docs). Edit it, then run: faceparse report --build FOLDER
// Figures lie in figures/, cited works in ${bibliographyName}; at most five pages are allowed.
#set document(title: ${typstString(title)}${author ? `, author: ${typstString(author)}` : ''}${listed ? `, keywords: (${listed.trimEnd()})` : ''}, date: none)
#set page(paper: "a4", margin: (x: 2cm, top: 1.7cm, bottom: 1.8cm), numbering: "1")
// ${figureFont} has the widths of Arial and comes with faceparse; write "Arial" here where it is installed.
// No other font takes over what it lacks, so that the PDF is the same on every machine.
#set text(font: ${font}, size: 10pt, lang: "en", fallback: false)
#set par(justify: true, leading: 0.55em, spacing: 0.85em)
#set heading(numbering: "1")
#show heading.where(level: 1): it => block(above: 1.2em, below: 0.65em, text(11.5pt, it))
#set figure(gap: 5pt)
#show figure: set block(above: 1em, below: 1em)
#show figure.where(kind: table): set figure.caption(position: top)
#show figure.caption: it => text(8.5pt, it)
#set place(clearance: 1em)
#set table(stroke: none, inset: (x: 3.5pt, y: 2.6pt))
#show table: set text(8.5pt)
#show table: set par(justify: false)
// Keys of a configuration may be broken inside of tables.
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

/**
 * The whole report as typst source, with its prose; it reads the figures and the bibliography beside it.
 *
 * @param keywords of the PDF, which record what the report is about
 * @param families of fonts that fill in for letters that the font of reports lacks
 */
export function reportSource(
  facts: ReportFacts,
  keywords: readonly string[] = [],
  families: readonly string[] = [],
): string {
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
    `#show bibliography: set text(8.5pt)\n#show bibliography: set par(justify: false, leading: 0.45em, spacing: 0.55em)\n#bibliography("${bibliographyName}", title: "References", style: "springer-basic")`;
  return `${blocks(preamble(facts, keywords, families), head(facts), body, references)}\n`;
}
