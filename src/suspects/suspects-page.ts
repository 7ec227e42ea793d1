import { basename, resolve } from 'node:path';
import { errorColor } from '../charts/error-image.ts';
import { type PageSection, pageHtml } from '../comparison/page/page-shell.ts';
import {
  classLegend,
  imageHtml,
  labelUri,
  largestClasses,
  type PictureSize,
  sizeWithin,
  webpUri,
} from '../comparison/page/pictures.ts';
import type { Photo } from '../image/image.ts';
import type { LabelSet } from '../labels/label-set.ts';
import { readOwnPackage } from '../packages/own-package.ts';
import { countOf, formatCount } from '../text/counts.ts';
import { escapeMarkup, shorten } from '../text/escape-markup.ts';
import { leastScore, leftAfterRepair, type SuspectPictures, type SuspectSearch, toLookAt } from './suspect.ts';
import { describeFinding, describeRepaired, describeUnjudged, disclaimer, repairNote } from './suspects-report.ts';

/** Longest side of a picture on the page in pixels. */
const pictureSide = 320;

/** The photo in pale grey with the marked pixels in red. */
function markedPhoto({ photo, disagreement }: SuspectPictures): Photo {
  const data = new Uint8Array(photo.data.length);
  for (let at = 0; at < disagreement.length; at++) {
    if (disagreement[at] === 1) {
      data.set(errorColor, at * 3);
      continue;
    }
    const [red, green, blue] = photo.data.subarray(at * 3, at * 3 + 3);
    data.fill(Math.round(150 + (0.299 * red + 0.587 * green + 0.114 * blue) * 0.4), at * 3, at * 3 + 3);
  }
  return { width: photo.width, height: photo.height, data };
}

/** Share of the marked pixels in percent. */
function markedShare(disagreement: Uint8Array): string {
  return `${((100 * disagreement.reduce((sum, mark) => sum + mark, 0)) / disagreement.length).toFixed(1)} %`;
}

function figure(image: string, caption: string): string {
  return `<figure>${image}<figcaption>${escapeMarkup(caption)}</figcaption></figure>`;
}

/** One suspect: why, and photo, mask, prediction and disagreement side by side. */
async function suspectHtml(pictures: SuspectPictures, rank: number, set: LabelSet): Promise<string> {
  const { suspect, photo, truth, prediction, disagreement } = pictures;
  const size: PictureSize = sizeWithin(photo, pictureSide);
  const { score, findings } = leftAfterRepair(suspect);
  const stem = shorten(suspect.stem, 80);
  const note = repairNote(suspect);
  const reasons = [...findings.map(describeFinding), ...(note === undefined ? [] : [note])];
  const classes = (labels: Uint8Array) => largestClasses(labels, set);
  return [
    `<article class="panel" aria-labelledby="suspect-${rank}">`,
    `<h3 id="suspect-${rank}">${rank}. <bdi>${escapeMarkup(stem)}</bdi></h3>`,
    `<p class="reason">Score ${score.toFixed(2)}: ${escapeMarkup(reasons.join('; '))}</p>`,
    // All four side by side where there is room.
    '<div class="pictures" style="grid-template-columns:repeat(auto-fit,minmax(max(8.6rem,20%),1fr))">',
    figure(imageHtml(await webpUri(photo, size), size, `Photo ${stem}.`), 'photo'),
    figure(imageHtml(labelUri(truth, size, set), size, `Mask of ${stem}: ${classes(truth.data)}.`), 'mask'),
    figure(
      imageHtml(labelUri(prediction, size, set), size, `Prediction for ${stem}: ${classes(prediction.data)}.`),
      'prediction',
    ),
    figure(
      imageHtml(
        await webpUri(markedPhoto(pictures), size),
        size,
        `Disagreement on ${stem}: ${markedShare(disagreement)} of the pixels.`,
      ),
      'disagreement',
    ),
    '</div>',
    '</article>',
  ].join('\n');
}

function paragraph(text: string | undefined): string {
  return text === undefined ? '' : `<p>${escapeMarkup(text)}</p>`;
}

function summaryOf(search: SuspectSearch): string {
  const { suspects, unused, commands, failures } = search;
  const found = toLookAt(suspects);
  const left = unused.map(({ run, reason }) => `Not used: ${run}: ${reason}.`);
  return [
    paragraph(disclaimer),
    paragraph(
      `${countOf(found.length, 'mask')} of ${formatCount(suspects.length)} ${found.length === 1 ? 'has' : 'have'} a score of ${leastScore} or more.`,
    ),
    ...[describeRepaired(suspects), describeUnjudged(search), ...failures, ...left].map((text) =>
      paragraph(text && shorten(text, 500)),
    ),
    commands.length === 0
      ? ''
      : `<p>Commands that train the missing runs:</p><pre tabindex="0" role="region" aria-label="Commands"><code>${escapeMarkup(commands[0])}${commands
          .slice(1)
          .map((line) => `\n${escapeMarkup(line)}`)
          .join('')}</code></pre>`,
  ].join('\n');
}

/** The words of the page and what they mean. */
const terms: readonly (readonly [string, string])[] = [
  [
    'Prediction',
    'The most probable class of each pixel, in the mean of all networks that provably never saw the pair. The networks were trained ' +
      'on other pairs.',
  ],
  [
    'Disagreement',
    'Pixels in red: mask and prediction differ, and the boundary between the two classes does not just run up to 1.5 % of the shorter ' +
      'side elsewhere.',
  ],
  [
    'Score',
    'From 0 to 1. Of each pair of classes, the pixels in red count where the networks are as sure of the predicted class as they usually ' +
      'are, by how much less probable than usual the label is. The score is their sum, divided by the size of the class in the mask or ' +
      'in the prediction, whichever is less, plus 0.1 % of the image. The worst pair of classes gives the score of the mask. It follows ' +
      'confident learning (Northcutt, Jiang and Chuang, JAIR 2021).',
  ],
  ['Pixels', 'Where the prediction is confident, in pixels of the mask file, to about four pixels.'],
];

/**
 * Writes the suspects with their pictures as one HTML document without scripts. It contains the photos: share it only where they
 * may be shared.
 *
 * @example await writeFileAtomic('suspects.html', await suspectsPage(await findSuspects('data/train', { runs, pictures: 20 })));
 */
export async function suspectsPage(search: SuspectSearch): Promise<string> {
  const { folder, labelSet, suspects, pairs, runs, pictures } = search;
  const shown: string[] = [];
  for (const [index, one] of pictures.entries()) shown.push(await suspectHtml(one, index + 1, labelSet));
  const more = toLookAt(suspects).length - pictures.length;
  const sections: PageSection[] = [
    { id: 'summary', title: 'Summary', look: 'summary', body: summaryOf(search) },
    {
      id: 'suspects',
      title: 'Masks to look at',
      body: [
        '<p class="intro">Highest score first. Each line says what the networks see, and what the mask says there.</p>',
        classLegend(labelSet),
        `<div class="panels" style="--least:40rem">`,
        ...shown,
        '</div>',
        shown.length === 0 ? '<p>There are none.</p>' : '',
        more > 0 ? `<p>${countOf(more, 'further mask')} with a lower score: raise --top to see more.</p>` : '',
      ].join('\n'),
    },
    {
      id: 'reading',
      title: 'How to read this',
      body: `<dl class="terms">${terms.map(([term, meaning]) => `<dt>${term}</dt><dd>${meaning}</dd>`).join('\n')}</dl>`,
    },
  ];
  return pageHtml({
    kicker: 'Check of masks by trained networks',
    title: `Masks of ${basename(resolve(folder))} that contradict the networks`,
    facts: [
      ['Masks', `${formatCount(suspects.length)} of ${formatCount(pairs)} judged`],
      [
        'Runs',
        runs.map(({ run, pairs: judged }) => `${basename(resolve(run))} (${countOf(judged, 'pair')})`).join(', '),
      ],
      ['Label set', labelSet.name],
    ],
    sections,
    version: readOwnPackage().version,
  });
}
