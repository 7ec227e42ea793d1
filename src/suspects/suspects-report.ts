import { countOf, formatCount } from '../text/counts.ts';
import { nameSome } from '../text/name-some.ts';
import {
  isRepaired,
  leastScore,
  leftAfterRepair,
  type Suspect,
  type SuspectFinding,
  type SuspectSearch,
  toLookAt,
} from './suspect.ts';

/** What every output says about suspects. */
export const disclaimer =
  'No file was changed. A suspect is a mask to look at: the mask may be right and the networks wrong.';

/** `l_eye labelled r_eye, 1,240 px`: first what the networks see, then what the mask says. */
export function describeFinding({ labelled, predicted, pixels }: SuspectFinding): string {
  return `${predicted} labelled ${labelled}, ${formatCount(pixels)} px`;
}

/** Why a mask is suspect, in one line. */
export function describeSuspect(suspect: Suspect): string {
  const text = leftAfterRepair(suspect).findings.map(describeFinding).join('; ');
  const note = repairNote(suspect);
  return note === undefined ? text : `${text} (${note})`;
}

/** What training repairs in a mask; undefined if nothing. */
export function repairNote({ repaired }: Suspect): string | undefined {
  return repaired && `also left and right of ${repaired.parts.join(', ')}, which training exchanges (data.repair)`;
}

/** How many masks were judged, and by which runs. */
export function describeJudging({ folder, suspects, pairs, runs }: SuspectSearch): string[] {
  return [
    `${folder}: ${formatCount(suspects.length)} of ${countOf(pairs, 'mask')} judged by networks that never saw them`,
    ...runs.map(({ run, pairs: judged }) => `  ${run}: ${countOf(judged, 'pair')}`),
  ];
}

/** A line about masks whose sides training repairs; undefined if there are none. */
export function describeRepaired(suspects: readonly Suspect[]): string | undefined {
  const repaired = suspects.filter(isRepaired);
  if (repaired.length === 0) return undefined;
  return (
    `left and right exchanged: ${countOf(repaired.length, 'mask')}; training repairs ${repaired.length === 1 ? 'it' : 'them'} itself ` +
    `(data.repair): ${nameSome(repaired.map(({ stem }) => stem))}`
  );
}

/** A line about pairs that no run can judge; undefined if there are none. */
export function describeUnjudged({ unjudged }: SuspectSearch): string | undefined {
  if (unjudged.length === 0) return undefined;
  return `not judged, because every run saw them or may have seen them: ${countOf(unjudged.length, 'pair')}: ${nameSome(unjudged)}`;
}

/** Formats the result of `findSuspects` for a terminal, with at most `top` suspects. */
export function formatSuspects(search: SuspectSearch, top: number): string {
  const { unused, commands, failures, suspects } = search;
  const found = toLookAt(suspects);
  const shown = found.slice(0, top);
  const width = Math.max(0, ...shown.map(({ stem }) => stem.length));
  const unjudged = describeUnjudged(search);
  const repaired = describeRepaired(suspects);
  return [
    ...describeJudging(search),
    ...unused.map(({ run, reason }) => `  not used: ${run}: ${reason}`),
    ...(failures.length > 0
      ? [`not readable: ${countOf(failures.length, 'problem')}; the check of the folder lists them`]
      : []),
    '',
    found.length === 0
      ? `no suspects: no mask has a score of ${leastScore} or more`
      : `masks to look at, with a score of ${leastScore} to 1 and what the networks see there: ${formatCount(found.length)}`,
    ...shown.map(
      (suspect) =>
        `  ${leftAfterRepair(suspect).score.toFixed(2)}  ${suspect.stem.padEnd(width)}  ${describeSuspect(suspect)}`,
    ),
    ...(found.length > shown.length ? [`  … and ${formatCount(found.length - shown.length)} more (--top)`] : []),
    ...(repaired === undefined ? [] : ['', repaired]),
    ...(unjudged === undefined ? [] : ['', unjudged]),
    ...(commands.length > 0
      ? ['  → train the missing runs, and check with all of them:', ...commands.map((line) => `    ${line}`)]
      : []),
    '',
    disclaimer,
  ].join('\n');
}
