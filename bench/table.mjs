// Prints the medians of a training-step.mjs result as a Markdown table, with each engine relative to PyTorch.
//
//   node bench/table.mjs bench/results/2026-11-22-amd-epyc.csv
import { readFileSync } from 'node:fs';
import { readRows } from './sides.mjs';

const [path] = process.argv.slice(2);
if (!path) {
  console.error('usage: node bench/table.mjs RESULTS.csv');
  process.exit(2);
}
const rows = readRows(readFileSync(path, 'utf8'));
const sides = [...new Set(rows.map(({ side }) => side))];
const optimizers = [...new Set(rows.map(({ optimizer }) => optimizer))];
const medians = rows.filter(({ round }) => round === 'median');

const medianOf = (side, optimizer, column) =>
  Number(medians.find((row) => row.side === side && row.optimizer === optimizer)[column]);

const { cpu, cores, batch, size, date } = rows[0];
const columns = [
  ...optimizers.map((optimizer) => ({ title: `step, ${optimizer}`, optimizer, column: 'train_step_ms', unit: 'ms' })),
  { title: 'inference, 1×512²', optimizer: optimizers[0], column: 'infer_512_ms', unit: 'ms' },
  { title: 'peak memory', optimizer: optimizers[0], column: 'peak_mib', unit: 'MiB' },
];
console.log(
  `U-Net, batch ${batch} at ${size}², ${cpu}, ${cores} cores, ${date}; in brackets: relative to PyTorch with default settings.\n`,
);
console.log(`| | ${columns.map(({ title }) => title).join(' | ')} |`);
console.log(`|---|${columns.map(() => '---:|').join('')}`);
for (const side of sides) {
  const cells = columns.map(({ optimizer, column, unit }) => {
    const value = medianOf(side, optimizer, column);
    const share =
      sides.includes('pytorch') && side !== 'pytorch'
        ? ` (${(value / medianOf('pytorch', optimizer, column)).toFixed(2)})`
        : '';
    return `${Math.round(value)} ${unit}${share}`;
  });
  console.log(`| ${side} | ${cells.join(' | ')} |`);
}
