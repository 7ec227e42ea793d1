import { formatCount } from '../../text/counts.ts';
import { formatF, formatShare, formatTime } from '../facts/format-facts.ts';
import type { ReportFacts } from '../facts/report-facts.ts';
import { isAtEnd, validations } from '../facts/run-progress.ts';
import { blocks, figure, list, markup, paragraph, typstString } from '../typst/typst-text.ts';
import { worstMistakes } from './results.ts';

function legend({ measured }: ReportFacts): string {
  const { labelSet, worst } = measured!;
  const present = new Set(
    worst.flatMap(({ truth, prediction }) => [...new Set(truth.data), ...new Set(prediction.data)]),
  );
  const entries = labelSet.classes
    .filter(({ id }) => present.has(id))
    .map(
      ({ name, color }) =>
        `#box(width: 6pt, height: 6pt, fill: rgb(${color.join(', ')}), stroke: 0.3pt + gray)~${markup(name)}`,
    );
  return `align(left, text(7.8pt)[${entries.join(' #h(3pt)\n')}])`;
}

/** File names of data sets may be long hashes; their beginning tells them apart. */
function shortName(stem: string): string {
  return stem.length > 12 ? `${stem.slice(0, 8)}…` : stem;
}

/** What a bad image suffers from: the classes of its truth with the lowest F1. */
function sufferedClasses({ score }: NonNullable<ReportFacts['measured']>['worst'][number], facts: ReportFacts): string {
  const lowest = score.perClass.toSorted((a, b) => a.f1 - b.f1).slice(0, 2);
  const { classes } = facts.measured!.labelSet;
  return lowest.map(({ id, f1 }) => `${markup(classes[id].name)} ${f1.toFixed(2)}`).join(', ');
}

/** The worst validation images, and the classes that are confused. */
export function failuresSection(facts: ReportFacts): string {
  const { measured, figures } = facts;
  if (!measured || measured.worst.length === 0) {
    return blocks(
      '= Failure cases',
      'The validation pictures were not at hand when this report was made, so none can be shown.',
    );
  }
  const { worst, labelSet } = measured;
  const panels = worst.map((image, index) => {
    const caption = `[${markup(shortName(image.item.stem))}: F ${formatF(image.score.f)} (${sufferedClasses(image, facts)})]`;
    return `  stack(spacing: 3pt, image(${typstString(figures.failures[index])}, width: 100%), align(left, text(8pt)${caption})),`;
  });
  const body = [
    'grid(',
    '  columns: (1fr, 1fr),',
    '  column-gutter: 8pt,',
    '  row-gutter: 7pt,',
    ...panels,
    `  grid.cell(colspan: 2, ${legend(facts)}),`,
    ')',
  ];
  const absent = worst.filter(({ score }) => score.perClass.some(({ f1 }) => f1 === 0)).length;
  const mistakes = worstMistakes(measured, 2).map(
    ({ truth, predicted, share }) =>
      `${markup(labelSet.classes[truth].name)} with ${markup(labelSet.classes[predicted].name)} (${formatShare(Number(share.toFixed(2)))} of its pixels)`,
  );
  return blocks(
    '= Failure cases',
    paragraph(
      `@fig-failures shows the ${worst.length} validation pictures with the lowest F.`,
      absent > 0 &&
        `In ${absent === worst.length ? 'all of them' : `${absent} of them`} at least one class of the truth is missed altogether, which costs a picture of ten classes a tenth of its F, however small the class is.`,
      mistakes.length > 0 && `Over all pictures, what is confused most is ${list(mistakes)}.`,
    ),
    figure(
      body.join('\n'),
      'The worst validation pictures: photo, truth, prediction, wrong pixels (red). In brackets the two lowest F1 of classes.',
      'fig-failures',
      'auto',
    ),
  );
}

/** Images that chose the weights flatter them. */
function chosenBy({ run, network, measured, hasOwnData }: ReportFacts): string | undefined {
  if (!measured || !hasOwnData || network.weightsAre !== 'best' || validations(run).length === 0) return undefined;
  const { limit } = run.config.validation;
  const first = limit !== undefined && limit < measured.summary.images ? `the first ${limit} of ` : '';
  return (
    `The weights were chosen by ${first}the validation pictures that the scores are from, and hyper-parameters are usually tuned on them too, ` +
    'so that F on unseen pictures may be somewhat lower.'
  );
}

/** `384²`, or `320² to 448²` of several views. */
function seenAt({ network, averaging }: ReportFacts): string {
  const sides = averaging?.sides ?? [network.preprocessing.size];
  return [...new Set([sides[0], sides.at(-1)!])].map((side) => `${side}²`).join(' to ');
}

/** What the numbers do not show. */
export function limitsSection(facts: ReportFacts): string {
  const { run, measured, comparison } = facts;
  const last = run.metrics.at(-1)!;
  const { minutes, epochs } = run.config.train;
  const rare = measured?.summary.perClass.filter(({ images }) => images > 0 && images < 10) ?? [];
  const worn = rare.map(({ id }) => markup(measured!.labelSet.classes[id].name));
  const single = comparison?.variants.filter(({ summary }) => summary.results.length === 1).length ?? 0;
  return blocks(
    '= Limits',
    paragraph(
      !isAtEnd(run) &&
        `The run is not finished: when this report was made it was at ${minutes ? `${formatTime(last.seconds)} of ${minutes} minutes` : `epoch ${Number(last.epoch.toFixed(1))} of ${epochs}`}.`,
      chosenBy(facts),
      worn.length > 0 &&
        `${worn.length === 1 ? 'The class' : 'The classes'} ${list(worn)} ${worn.length === 1 ? 'is' : 'are'} in fewer than ten validation pictures, so that ${worn.length === 1 ? 'its score is' : 'their scores are'} uncertain.`,
      single > 0 &&
        `${single === comparison!.variants.length ? 'All' : `${formatCount(single)} of the`} ${comparison!.variants.length} configurations compared were trained with one seed only.`,
      `The network expects aligned portraits like those it was trained on, and sees them at ${seenAt(facts)}; what is thinner than a pixel there is lost.`,
    ),
  );
}
