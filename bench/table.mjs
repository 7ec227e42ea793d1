// Writes the medians of a result of training-step.mjs as a Markdown table.
//
//   node bench/table.mjs bench/results/2026-11-22-amd-epyc.csv
import { readFileSync } from 'node:fs';

const [path] = process.argv.slice(2);
if (!path) {
  console.error('usage: node bench/table.mjs RESULTS.csv');
  process.exit(2);
}
const [header, ...lines] = readFileSync(path, 'utf8').trim().split('\n');
const names = header.split(',');
const rows = lines.map((line) => Object.fromEntries(line.split(',').map((value, index) => [names[index], value])));
const sides = [...new Set(rows.map(({ side }) => side))];

function median(side, column) {
  const values = rows
    .filter((row) => row.side === side)
    .map((row) => Number(row[column]))
    .sort((a, b) => a - b);
  return values[values.length >> 1];
}

const ratio = (side, column) => (median(sides[0], column) / median(side, column)).toFixed(2);
const { cpu, cores, batch, size, optimizer, date } = rows[0];
console.log(
  `| ${cpu}, ${cores} cores, ${date} | training step, batch ${batch} at ${size}², ${optimizer} | inference, 1×512² | peak memory |`,
);
console.log('|---|---|---|---|');
for (const side of sides) {
  const { version } = rows.find((row) => row.side === side);
  const cell = (column, unit) => {
    const value = `${Math.round(median(side, column))} ${unit}`;
    return side === sides[0] ? value : `${value} (${sides[0]}: ${ratio(side, column)}×)`;
  };
  console.log(
    `| ${side} (${version}) | ${cell('train_step_ms', 'ms')} | ${cell('infer_512_ms', 'ms')} | ${cell('peak_mib', 'MiB')} |`,
  );
}
