import { createHash } from 'node:crypto';
import { readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, expect, it } from 'vitest';
import { foldOf } from '../../src/data/dataset/folds.ts';
import type { LabelMap } from '../../src/image/image.ts';
import { encodeLabelPng } from '../../src/image/label-png.ts';
import { readMask } from '../../src/image/read-image.ts';
import { celebamask19 } from '../../src/labels/celebamask-19.ts';
import type { Suspect } from '../../src/suspects/suspect.ts';
import { askCli } from './run-cli.ts';
import { askTrain, fileFolder, listFiles, writeFaces } from './training-fixture.ts';

/** About five seconds on one core; the networks know little more than hair, skin, clothes and background. */
const training = [
  ...['--threads', '1', 'model.name=mobile-unet', 'train.size=64', 'data.cacheSize=64', 'train.batchSize=4'],
  ...['train.epochs=12', 'train.lr=1e-2', 'train.averageDecay=0.9', 'validation.every=100', 'validation.limit=2'],
  ...['validation.trainImages=0', 'data.augmentation.rotation=0', 'data.augmentation.scale=0'],
  'data.augmentation.shift=0',
];

const idOf = (name: string) => celebamask19.classes.findIndex((one) => one.name === name);

function exchange({ data, ...map }: LabelMap, a: string, b: string): LabelMap {
  const table = new Map([
    [idOf(a), idOf(b)],
    [idOf(b), idOf(a)],
  ]);
  return { ...map, data: data.map((id) => table.get(id) ?? id) };
}

/** Whole-class mistakes that a network of five seconds can tell, by stem. */
const planted: Readonly<Record<string, (map: LabelMap) => LabelMap>> = {
  'face-00003': (map) => exchange(map, 'skin', 'hair'),
  'face-00010': (map) => exchange(map, 'background', 'cloth'),
  'face-00021': (map) => exchange(map, 'hair', 'cloth'),
};

let folder: string;

/** The content of every file below a folder. */
async function hashes(path: string): Promise<string[]> {
  const files = await listFiles(path);
  return Promise.all(
    files.map(async (file) => {
      const bytes = await readFile(join(path, file));
      return `${file} ${createHash('sha256').update(bytes).digest('hex')} ${(await stat(join(path, file))).mtimeMs}`;
    }),
  );
}

const check = (...words: string[]) => askCli(['data', 'check', ...words], { cwd: folder });

beforeAll(async () => {
  folder = await fileFolder();
  await writeFaces(folder, { train: 48, val: 4 });
  for (const [stem, damage] of Object.entries(planted)) {
    const file = join(folder, 'data', 'train', 'masks', `${stem}.png`);
    await writeFile(file, encodeLabelPng(damage(await readMask(file)), celebamask19));
  }
  for (const fold of [0, 1]) {
    const words = [...training, 'data.folds=2', `data.fold=${fold}`, `name=fold${fold}`, '--data', 'data'];
    const { stderr } = await askTrain(words, { cwd: folder });
    const held = Array.from({ length: 48 }, (_, i) => `face-${String(i).padStart(5, '0')}`).filter(
      (stem) => foldOf(stem, 2) === fold,
    );
    expect(stderr).toContain(
      `fold ${fold} of 2 (data.fold, data.folds) is held out: ${held.length} pairs of 48 are not used for training`,
    );
  }
}, 300_000);

it('ranks planted errors first, judged by the runs that never saw them, and changes no file', async () => {
  const before = await hashes(join(folder, 'data'));
  const words = ['data/train', '--runs', 'runs/fold0', 'runs/fold1'];
  const { code, stdout, stderr } = await check(...words, '--top', '5', '--page', 'suspects.html', '--json');
  expect(code, stderr).toBe(0);
  const { suspects } = JSON.parse(stdout) as { suspects: { masks: Suspect[]; unjudged: string[]; judged: number } };
  expect(suspects).toMatchObject({ judged: 48, unjudged: [], commands: [], failures: [], labelSet: 'celebamask-19' });
  const first = suspects.masks.slice(0, 3);
  expect(first.map(({ stem }) => stem).sort()).toEqual(Object.keys(planted));
  for (const { stem, runs } of suspects.masks) expect(runs).toEqual([`runs/fold${foldOf(stem, 2)}`]);
  const { findings } = first.find(({ stem }) => stem === 'face-00003')!;
  expect(findings.map(({ labelled, predicted }) => `${predicted} labelled ${labelled}`)).toContain(
    'skin labelled hair',
  );
  const page = await readFile(join(folder, 'suspects.html'), 'utf8');
  expect(page).toContain('No file was changed.');
  expect(page.match(/<article /g)).toHaveLength(5);
  expect(page.match(/<img /g)).toHaveLength(20);
  expect(page).not.toContain(folder);
  const { stdout: text } = await check(...words, '--top', '4');
  expect(text).toMatch(/^data\/train: 48 of 48 masks judged by networks that never saw them$/m);
  expect(text).toContain('skin labelled hair');
  expect(await hashes(join(folder, 'data'))).toEqual(before);
}, 300_000);

it('leaves out what a run saw, and gives the commands that train what is missing', async () => {
  const { code, stdout } = await check('data/train', '--runs', 'runs/fold1');
  expect(code).toBe(0);
  const judged = Array.from({ length: 48 }, (_, i) => foldOf(`face-${String(i).padStart(5, '0')}`, 2)).filter(
    (fold) => fold === 1,
  ).length;
  expect(stdout).toContain(`data/train: ${judged} of 48 masks judged`);
  expect(stdout).toContain('faceparse train runs/fold1/config.yaml data.fold=0 --name fold0 --data data');
});

it('judges other pairs than those of the training by any run', async () => {
  // Faces of val/ have the names of faces of train/.
  const { code, stdout, stderr } = await check('data/val', '--runs', 'runs/fold1', '--threads', '1');
  expect(code, stderr).toBe(0);
  expect(stdout).toContain('data/val: 4 of 4 masks judged by networks that never saw them');
});

it.each<[string, string[], RegExp]>([
  [
    'weights without a run',
    ['data/train', '--runs', 'runs/fold1/weights/best.safetensors'],
    /it is a file; weights alone do not say which pairs they were trained on/,
  ],
  [
    'a folder without a run',
    ['data/train', '--runs', 'data'],
    /it is not the folder of a run: \S+config\.yaml is missing/,
  ],
  [
    'a run that is not there',
    ['data/train', '--runs', 'runs/fold7'],
    /runs\/fold7 not found; did you mean 'runs\/fold/,
  ],
  ['splits', ['data', '--runs', 'runs/fold1'], /--runs judges the masks of one split, but data contains train, val/],
  ['a page without runs', ['data/train', '--page', 'a.html'], /--page applies only to --runs; add --runs RUN/],
  ['a page of another format', ['data/train', '--runs', 'runs/fold1', '--page', 'a.pdf'], /use --page a\.pdf\.html/],
  ['a repair', ['data/train', '--runs', 'runs/fold1', '--repair-out', 'new'], /cannot be used with option/],
])('refuses %s', async (_, words, message) => {
  const { code, stderr } = await check(...words);
  expect(stderr).toMatch(message);
  expect(code).toBe(2);
});

it('ends with the commands if no pair can be judged', async () => {
  const words = [...training.slice(0, 6), 'train.epochs=1', 'validation.limit=2', 'name=whole', '--data', 'data'];
  await askTrain(words, { cwd: folder });
  const { code, stderr } = await check('data/train', '--runs', 'runs/whole');
  expect(code).toBe(2);
  expect(stderr).toMatch(/no run can judge any of the 48 pairs of data\/train, because a network must never have seen/);
  expect(stderr).toContain('runs/whole: it was trained on all pairs of data/train');
  for (let fold = 0; fold < 5; fold++) {
    expect(stderr).toContain(
      `faceparse train runs/whole/config.yaml data.folds=5 data.fold=${fold} --name whole-fold${fold} --data data`,
    );
  }
});
