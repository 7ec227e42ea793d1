// Trains a network on drawn faces and scores it.
// node examples/04-train.mjs runs/my-run   (takes about a minute; for real data, pass its folder as the second argument)
import { rm } from 'node:fs/promises';
import { parseConfig, train, writeSyntheticDataset } from 'faceparse/node';

const [run = 'runs/example', folder] = process.argv.slice(2);
const data = folder ?? `${run}-data`;
if (!folder) {
  await rm(data, { recursive: true, force: true });
  for (const [split, count] of [
    ['train', 48],
    ['val', 12],
  ]) {
    await writeSyntheticDataset({ folder: data, split, count, size: 128, seed: 1 });
  }
}
// The same YAML as in configs/; `faceparse config --reference` lists every key.
const config = parseConfig(`
model: {name: compact}
train: {size: 64, batchSize: 8, epochs: ${process.env.EPOCHS ?? 20}}
`);
const { bestF, run: files } = await train({
  config,
  data,
  run,
  onProgress: ({ valF, epoch }) => valF !== undefined && console.log(`epoch ${epoch}: F ${valF.toFixed(3)}`),
});
console.log(`best F ${bestF.toFixed(3)}; weights in ${files.bestWeights}`);
