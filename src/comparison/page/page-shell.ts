import { escapeMarkup, shorten } from '../../text/escape-markup.ts';
import { style } from './style.ts';

/** A section of a page. */
export interface PageSection {
  readonly id: string;
  readonly title: string;
  /** HTML. */
  readonly body: string;
  /** Class of the section. */
  readonly look?: string;
}

/** A page in plain text and the HTML of its sections. */
export interface PageContent {
  /** What kind of page it is. */
  readonly kicker: string;
  readonly title: string;
  readonly question?: string;
  /** Names and values that head the page. */
  readonly facts: readonly (readonly [name: string, value: string])[];
  readonly sections: readonly PageSection[];
  readonly version: string;
}

/** An HTML document that needs nothing else: no script, no other file, no network. */
export function pageHtml({ kicker, title, question, facts, sections, version }: PageContent): string {
  const heading = escapeMarkup(shorten(title, 200));
  const maker = escapeMarkup(shorten(version, 60));
  const terms = facts.map(
    ([name, value]) => `<dt>${escapeMarkup(name)}</dt><dd>${escapeMarkup(shorten(value, 1000))}</dd>`,
  );
  const links = sections.map(({ id, title: name }) => `<li><a href="#${id}">${escapeMarkup(name)}</a></li>`);
  const bodies = sections.map(
    ({ id, title: name, body, look }) =>
      `<section id="${id}"${look === undefined ? '' : ` class="${look}"`} aria-labelledby="${id}-heading">\n<h2 id="${id}-heading">${escapeMarkup(name)}</h2>\n${body}\n</section>`,
  );
  return `<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; img-src data:; style-src 'unsafe-inline'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="generator" content="faceparse ${maker}">
<link rel="icon" href="data:,">
<title>${heading}</title>
<style>
${style}
</style>
</head>
<body>
<a class="skip" href="#main">Skip to the results</a>
<header>
<p class="kicker">${escapeMarkup(kicker)}</p>
<h1>${heading}</h1>
${question === undefined ? '' : `<p class="question">${escapeMarkup(shorten(question, 500))}</p>`}
<dl class="facts">${terms.join('\n')}</dl>
<nav aria-labelledby="contents"><h2 id="contents">Contents</h2>
<ol>${links.join('')}</ol></nav>
</header>
<main id="main" tabindex="-1">
${bodies.join('\n')}
</main>
<footer>Made by faceparse ${maker}. This file needs no network and contains no scripts.</footer>
</body>
</html>
`;
}
