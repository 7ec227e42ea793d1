// The results as Markdown.
import { caseTitles } from './cases.mjs';

const shown = (value, digits) => (value === undefined || Number.isNaN(value) ? '' : value.toFixed(digits));
const percent = (value) => (value === undefined ? '' : `${(100 * value).toFixed(1)} %`);
const row = (cells) => `| ${cells.join(' | ')} |`;

function facts({ photos, canvas, paste, seed, weights, engine, cpu, date }) {
  return (
    `F (per image) over the whole photo; ${photos} photos a case, canvas ${canvas}², faces pasted as \`${paste}\`, seed ${seed}. ` +
    `Weights: ${weights}; engine ${engine}, ${cpu}, ${date}.`
  );
}

/**
 * F of every case and mode, and how far it is from that of the moved labels, which is what a parser would reach that finds every face
 * and brings it to the framing of the aligned photo.
 */
function scoreTable(results, modes, cases) {
  const lines = [row(['case', 'aligned labels, moved', ...modes.flatMap((mode) => [`\`${mode}\``, 'difference'])])];
  lines.push(`|---|---:|${modes.map(() => '---:|---:|').join('')}`);
  for (const name of cases) {
    const { moved } = results[modes[0]][name];
    const cells = modes.flatMap((mode) => {
      const { f } = results[mode][name];
      return [shown(f, 3), `${f < moved ? '−' : '+'}${Math.abs(f - moved).toFixed(3)}`];
    });
    lines.push(row([caseTitles[name], shown(moved, 3), ...cells]));
  }
  return lines;
}

/** How faces were found in a mode that looks for them. */
function findTable(results, cases) {
  const titles = [
    'case',
    'recall',
    'false positives per 100 photos',
    'centre error, of the side',
    'side, of the true one',
    'angle error, median',
    'angle error, 90 %',
  ];
  const lines = [
    row(titles),
    `|---|${titles
      .slice(1)
      .map(() => '---:|')
      .join('')}`,
  ];
  for (const name of cases) {
    const { recall, falsePerHundred, centreError, sideRatio, angleError, angleError90 } = results[name];
    const degrees = [angleError, angleError90].map((value) => (value === undefined ? '' : `${shown(value, 1)}°`));
    const errors = [shown(centreError, 3), shown(sideRatio, 2), ...degrees];
    lines.push(row([caseTitles[name], percent(recall), shown(falsePerHundred, 1), ...errors]));
  }
  return lines;
}

function timeLines(times) {
  return Object.entries(times).map(([mode, parts]) => {
    const list = Object.entries(parts).map(([part, time]) => `${part} ${time.toFixed(1)}`);
    return `\`${mode}\` at 1920×1080 on one thread: ${list.join(', ')} ms`;
  });
}

/** The report of a run: `{ facts, cases, results: mode → case → scores, times: mode → part → ms }`. */
export function markdown({ cases, results, times, ...about }) {
  const modes = Object.keys(results);
  const lines = [facts(about), '', ...scoreTable(results, modes, cases)];
  for (const mode of modes) {
    if (results[mode][cases[0]].falsePerHundred === undefined) continue;
    lines.push('', `Faces found with \`${mode}\`:`, '', ...findTable(results[mode], cases));
  }
  if (times) lines.push('', ...timeLines(times));
  return lines.join('\n');
}
