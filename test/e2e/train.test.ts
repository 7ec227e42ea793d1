import { existsSync } from 'node:fs';
import { copyFile, mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import sharp from 'sharp';
import { beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { decodePalettePng } from '../../src/formats/png/palette-png.ts';
import { encodeSafetensors } from '../../src/formats/safetensors.ts';
import { jpegBytes, temporaryFolder } from '../dataset-fixture.ts';
import { defaultEngine } from './default-engine.ts';
import { askCli } from './run-cli.ts';
import {
  askTrain,
  fileFolder,
  listFiles,
  readCsv,
  readTensors,
  smallTraining,
  train,
  writeFaces,
} from './training-fixture.ts';

const folder = await fileFolder();
let data: string;
let run: string;
let printed: string;
let progress: string;

beforeAll(async () => {
  data = await writeFaces(folder);
  run = join(folder, 'runs', 'first');
  const words = ['--data', data, '--out', join(folder, 'runs'), '--name', 'first'];
  const result = await askTrain([...words, ...smallTraining, 'train.epochs=4', 'validation.every=2']);
  ({ stdout: printed, stderr: progress } = result);
});

describe('train', () => {
  it('writes a complete run folder', async () => {
    expect(await listFiles(run)).toEqual([
      'batch.png',
      'checkpoint.safetensors',
      'config.yaml',
      'curves.svg',
      'environment.json',
      'events.out.tfevents.faceparse',
      'metrics.csv',
      'validation.png',
      'weights/best.safetensors',
      'weights/last.safetensors',
    ]);
    expect(await readFile(join(run, 'curves.svg'), 'utf8')).toMatch(/^<svg [\s\S]*<\/svg>\s*$/);
    for (const name of ['batch.png', 'validation.png']) {
      const { width, height } = await sharp(join(run, name)).metadata();
      expect(Math.min(width, height)).toBeGreaterThan(100);
    }
  });

  it('records configuration and environment', async () => {
    const config = parse(await readFile(join(run, 'config.yaml'), 'utf8'));
    expect(config).toMatchObject({ name: 'first', model: { name: 'mobile-unet' }, train: { size: 64, epochs: 4 } });
    expect(config.engine).toMatchObject({ threads: 1 });
    const environment = JSON.parse(await readFile(join(run, 'environment.json'), 'utf8'));
    expect(environment).toMatchObject({
      node: process.version,
      parameters: 1_220_691,
      engine: { name: defaultEngine, device: 'cpu', threads: 1 },
      trainingData: { folder: join(data, 'train'), pairs: 24, repaired: { whole: 0, part: 0 } },
      validationData: { folder: join(data, 'val'), pairs: 8 },
      initialWeights: 'random, seed 0',
      origin: { kind: 'random', seed: 0 },
    });
    expect(environment.trainingData.stemsSha256).toMatch(/^[0-9a-f]{64}$/);
  });

  it('writes consistent metrics', async () => {
    const rows = await readCsv(join(run, 'metrics.csv'));
    const steps = rows.filter(({ loss }) => loss !== undefined);
    const validations = rows.filter(({ valF }) => valF !== undefined);
    expect(steps.map(({ step }) => step)).toEqual([12, 20, 24]);
    expect(validations.map(({ step, epoch }) => [step, epoch])).toEqual([
      [12, 2],
      [24, 4],
    ]);
    for (const { loss, crossEntropy, dice, gradientNorm, learningRate, imagesPerSecond } of steps) {
      expect(loss).toBeCloseTo(crossEntropy! + dice!, 4);
      expect(dice).toBeGreaterThan(0);
      expect(dice).toBeLessThan(1);
      expect(gradientNorm).toBeGreaterThan(0);
      expect(learningRate).toBeLessThanOrEqual(2e-3);
      expect(imagesPerSecond).toBeGreaterThan(0.1);
    }
    // It learns: from the two epochs at the start to the last steps.
    expect(steps.at(-1)!.loss).toBeLessThan(0.95 * steps[0].loss!);
    for (const { valF, valMacroIou, valPixelAccuracy } of validations) {
      for (const value of [valF, valMacroIou, valPixelAccuracy]) {
        expect(value).toBeGreaterThan(0);
        expect(value).toBeLessThan(1);
      }
    }
    for (const { valF, valLoss, trainF } of validations) {
      expect(valLoss).toBeGreaterThan(0);
      expect(valLoss).toBeLessThan(5);
      expect(trainF).toBeGreaterThan(0);
      const scores = `F (per image) ${valF!.toFixed(4)}  training F ${trainF!.toFixed(4)}  validation loss ${valLoss!.toFixed(3)}`;
      expect(progress).toContain(scores);
    }
    const seconds = rows.map((row) => row.seconds!);
    expect(seconds).toEqual([...seconds].sort((a, b) => a - b));
    const events = await stat(join(run, 'events.out.tfevents.faceparse'));
    expect(events.size).toBeGreaterThan(rows.length * 3 * 40);
  });

  it('prints the result', async () => {
    expect(printed).toMatch(/^F \(per image\) +0\.\d{4} /m);
    expect(printed).toMatch(/^24 steps in .*; best F \(per image\) 0\.\d{4}$/m);
    expect(printed).toContain(run);
  });

  it('prints the scores of the best weights, which are those of evaluate', async () => {
    const stepOf = async (path: string) => {
      const { metadata } = await readTensors(join(path, 'weights', 'best.safetensors'));
      return Number(metadata['note.step']);
    };
    const step = await stepOf(run);
    expect(printed).toContain(
      `Scores of weights/best.safetensors, step ${step} (epoch ${step / 6}), on 4 validation images (validation.limit=4; faceparse evaluate ${run} scores all):\n`,
    );
    const cwd = await temporaryFolder();
    const words = ['--data', data, '--name', 'all', ...smallTraining, 'train.epochs=2', 'validation.every=0.5'];
    // At this rate the last weights are hardly ever the best.
    const { stdout } = await askTrain([...words, 'validation.limit=null', 'train.lr=1', 'train.averageDecay=0'], {
      cwd,
    });
    const best = await stepOf(join(cwd, 'runs', 'all'));
    expect(stdout).toContain(
      `Scores of weights/best.safetensors, step ${best} (epoch ${best / 6}), on 8 validation images:\n`,
    );
    const evaluated = (await askCli(['evaluate', 'runs/all', '--threads', '1'], { cwd })).stdout;
    const table = evaluated.slice(evaluated.indexOf('F (per image)'));
    expect(table.split('\n').length).toBeGreaterThan(8);
    expect(stdout).toContain(table);
    const rows = await readCsv(join(cwd, 'runs', 'all', 'metrics.csv'));
    const last = rows.at(-1)?.valF ?? Number.NaN;
    const lastLine = `weights/last.safetensors, step 12: F (per image) ${last.toFixed(4)}\n`;
    expect(stdout.includes(lastLine)).toBe(best !== 12);
  });

  it('saves the best weights with their score, and the last weights', async () => {
    const best = await readTensors(join(run, 'weights', 'best.safetensors'));
    const rows = await readCsv(join(run, 'metrics.csv'));
    const scores = rows.flatMap(({ valF }) => valF ?? []);
    expect(Number(best.metadata['note.validationF'])).toBeCloseTo(Math.max(...scores), 4);
    const last = await readTensors(join(run, 'weights', 'last.safetensors'));
    expect(last.metadata).toMatchObject({
      model: 'mobile-unet',
      labels: 'celebamask-19',
      size: '64',
      'note.step': '24',
    });
    const { metadata, tensors } = await readTensors(join(run, 'checkpoint.safetensors'));
    expect(metadata).toMatchObject({ step: '24' });
    expect(Number(metadata.bestF)).toBeCloseTo(Math.max(...scores), 5);
    for (const [name, { shape }] of last.tensors) expect(tensors.get(name)!.shape).toEqual(shape);
  });

  it('refuses an existing run folder before doing anything', async () => {
    const before = await readFile(join(run, 'checkpoint.safetensors'));
    const words = ['train', '--data', data, '--out', join(folder, 'runs'), '--name', 'first', ...smallTraining];
    const { code, stdout, stderr } = await askCli(words);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toBe(
      `faceparse: the run folder ${run} already exists. Resume it with --resume ${run}, or choose another name with --name.\n`,
    );
    expect((await readFile(join(run, 'checkpoint.safetensors'))).equals(before)).toBe(true);
  });

  it('does nothing when a finished run is resumed', async () => {
    const before = await readFile(join(run, 'weights', 'last.safetensors'));
    const { stdout } = await askTrain(['--resume', run, '--threads', '1']);
    expect(stdout).toContain(`${run} is finished: 24 steps (4 epochs) in `);
    expect((await readFile(join(run, 'weights', 'last.safetensors'))).equals(before)).toBe(true);
  });

  it("caches decoded images in the user's cache folder, not in the working directory", async () => {
    const [cwd, cache] = [await temporaryFolder(), await temporaryFolder()];
    const words = ['--data', data, '--out', 'runs', '--name', 'cached', ...smallTraining, 'train.epochs=0.2'];
    await train([...words, 'data.diskCache=true'], { cwd, env: { XDG_CACHE_HOME: cache } });
    expect(await readdir(cwd)).toEqual(['runs']);
    expect(await listFiles(cache)).toEqual([expect.stringMatching(/^faceparse\/images-[0-9a-f]{16}\.bin$/)]);
  });

  it('says what to do with a run or weights in place of a config', async () => {
    const folderGiven = await askCli(['train', run, 'train.epochs=9', '--data', data]);
    expect(folderGiven.code).toBe(2);
    expect(folderGiven.stderr).toBe(
      `faceparse: ${run} is a run, not a config; go on with it by --resume ${run}, or train a new run with its settings: ${join(run, 'config.yaml')} --name NEW\n`,
    );
    const weights = join(run, 'weights', 'best.safetensors');
    const fileGiven = await askCli(['train', weights, '--data', data]);
    expect(fileGiven.code).toBe(2);
    expect(fileGiven.stderr).toBe(
      `faceparse: ${weights} is a weights file, not a config; to start from its weights, give CONFIG --init ${weights}\n`,
    );
  });

  it('keeps its name when it is resumed', async () => {
    const { code, stderr } = await askCli(['train', '--resume', run, '--name', 'other']);
    expect(code).toBe(2);
    expect(stderr).toBe(
      `faceparse: --name cannot be used with --resume: a resumed run keeps its name; rename the folder ${run} instead\n`,
    );
  });

  it('only describes the training with --dry-run', async () => {
    const cwd = await temporaryFolder();
    // At the limit it is refused, below it is not.
    const limit = 'parameters.limit=1220692';
    const words = ['train', '--data', data, '--dry-run', ...smallTraining, 'train.epochs=10', limit];
    const { code, stdout, stderr } = await askCli(words, { cwd });
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toMatch(/^network +mobile-unet, 1,220,691 trainable parameters$/m);
    expect(stdout).toMatch(/^data +24 training pairs, 8 for validation$/m);
    expect(stdout).toMatch(/^batches +4 images, 6 steps per epoch$/m);
    expect(stdout).toMatch(
      new RegExp(`^engine +${defaultEngine} on cpu, [\\d.]+ m?s per step \\(just measured\\)$`, 'm'),
    );
    expect(stdout).toMatch(/^length +60 steps \(10 epochs\), about /m);
    const estimate = JSON.parse((await askCli([...words, '--json'], { cwd })).stdout);
    expect(estimate).toMatchObject({ parameters: 1_220_691, steps: 60, stepsPerEpoch: 6, trainingPairs: 24 });
    expect(estimate.seconds).toBeCloseTo((60 * estimate.stepMilliseconds) / 1000, 6);
    expect(await readdir(cwd)).toEqual([]);
  });

  it('describes schedule, early stopping and frozen parts with --dry-run', async () => {
    const cwd = await temporaryFolder();
    const words = [
      'train',
      '--data',
      data,
      '--dry-run',
      ...smallTraining,
      'model.name=unet',
      'train.encoderLrFactor=0.5',
    ];
    const settings = ['train.freeze.batchNorm=encoder', 'train.schedule=plateau', 'train.earlyStopping.patience=3'];
    const { stdout, stderr } = await askCli([...words, ...settings], { cwd });
    expect(stderr).toBe(
      'faceparse: train.freeze.batchNorm=encoder: batch normalisation stays at mean 0 and variance 1, because train.init is not set\n',
    );
    expect(stdout).toMatch(
      /^frozen +the batch normalisation of the encoder; [\d,]+ of [\d,]+ parameters are trained$/m,
    );
    expect(stdout).toMatch(
      /^learning rate +peak 0\.002, plateau after a warm-up over 3 % of the run, follows valF, × 0\.5 for the encoder$/m,
    );
    expect(stdout).toMatch(/^may end +earlier, after 3 validations without improvement of valF$/m);
  });

  it('says with --dry-run and at the start which settings have no effect', async () => {
    const cwd = await temporaryFolder();
    const words = ['train', '--data', data, ...smallTraining, 'train.epochs=3', 'validation.every=1', '--name', 'idle'];
    const settings = ['train.earlyStopping.patience=5', 'train.schedule=plateau'];
    const dry = await askCli([...words, ...settings, '--dry-run'], { cwd });
    expect(dry.stderr).toBe(
      'faceparse: train.earlyStopping.patience=5 has no effect in a run of 3 validations; use at most 1, or lower validation.every\n' +
        'faceparse: train.schedule=plateau never reduces the learning rate: train.scheduleOptions.patience is 3 and the run has 3 validations; use at most 0, or lower validation.every\n',
    );
    expect(dry.stdout).not.toMatch(/^may end/m);
    const { stderr, code } = await askCli([...words, ...settings], { cwd });
    expect([code, stderr]).toEqual([0, expect.stringContaining(dry.stderr)]);
    expect((await readCsv(join(cwd, 'runs/idle/metrics.csv'))).filter(({ valF }) => valF !== undefined)).toHaveLength(
      3,
    );
    const resumed = await askCli(['train', '--resume', 'runs/idle', '--minutes', '600', '--dry-run'], { cwd });
    expect(resumed.stderr).toMatch(
      /^faceparse: train\.minutes=600 is the length of the whole run: [\d.]+ min are done, [\d.]+ min are left\n$/,
    );
  });

  it('stops early, says why, is finished, and goes on with more patience', async () => {
    const cwd = await temporaryFolder();
    const stopping = ['validation.every=1', 'train.earlyStopping.minDelta=0.9', 'train.earlyStopping.patience=1'];
    const words = ['train', '--data', data, ...smallTraining, 'train.epochs=4', ...stopping, '--name', 'early'];
    const first = await askCli(words, { cwd });
    expect(first.stdout).toMatch(/^Stopped early: valF did not improve in 1 validation\n12 steps in /m);
    expect(first.stdout).toMatch(/^train longer: faceparse train --resume \S+ train\.earlyStopping\.patience=2$/m);
    const resume = ['train', '--resume', join('runs', 'early')];
    const again = await askCli(resume, { cwd });
    expect(again.stdout).toMatch(/ is finished: 12 steps .*\nstopped early: valF did not improve in 1 validation\n/);
    const other = await askCli([...resume, 'train.lr=1e-3'], { cwd });
    expect([other.code, other.stderr]).toEqual([
      2,
      expect.stringMatching(/no step is left \(stopped early: .*\)\. Give it a greater patience too, such as: .*=2\n$/),
    ]);
    const more = await askCli([...resume, 'train.earlyStopping.patience=2', '--json'], { cwd });
    expect(JSON.parse(more.stdout)).toMatchObject({ steps: 18, earlyStop: 'valF did not improve in 2 validations' });
  });

  it('lowers batches that the pairs cannot fill, says so, and records it', async () => {
    const cwd = await temporaryFolder();
    const words = ['train', '--data', data, ...smallTraining, 'train.accumulate=7', 'train.epochs=1', '--name', 'few'];
    const notice = 'faceparse: 24 training pairs cannot fill a step of 28 images: train.accumulate is 6, not 7\n';
    const dry = await askCli([...words, '--dry-run'], { cwd });
    expect([dry.code, dry.stderr]).toEqual([0, expect.stringContaining(notice)]);
    expect(dry.stdout).toMatch(/^batches +6 × 4 images, 1 steps per epoch$/m);
    const { code, stderr } = await askCli(words, { cwd });
    expect([code, stderr]).toEqual([0, expect.stringContaining(notice)]);
    expect(await readFile(join(cwd, 'runs/few/config.yaml'), 'utf8')).toMatch(/^ +accumulate: 6$/m);
  });

  it('refuses a network over parameters.limit with both numbers, before writing anything', async () => {
    const cwd = await temporaryFolder();
    const words = ['train', '--data', data, ...smallTraining];
    const { code, stdout, stderr } = await askCli([...words, 'parameters.limit=1220691'], { cwd });
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toMatch(/^faceparse: mobile-unet has 1,220,691 [^\n]*fewer than 1,220,691\. [^\n]*\n$/);
    expect(await readdir(cwd)).toEqual([]);
  });

  it.each([
    ['without data', [], /^faceparse: no data given; pass --data FOLDER/],
    ['resumed from nothing', ['--resume', 'runs/none'], /^faceparse: no run to resume at runs\/none/],
    [
      'resumed from nothing, with data',
      ['--resume', 'runs/none', '--data', '.'],
      /^faceparse: no run to resume at runs\/none/,
    ],
    ['for no time', ['--data', '.', '--minutes', '0'], /^faceparse: .*--minutes.* It must be a number above 0\.\n$/],
    [
      'at a size out of bounds',
      ['--data', '.', 'train.resolutions=[{until: 0.5, size: 8}]'],
      /entry 1 of train\.resolutions: size is 8, but must be a whole number from 32 to 1024\n$/,
    ],
    [
      'at a size that does not fit',
      ['--data', '.', 'train.size=100'],
      /multiples of 32, not 100×100; the nearest to 100 are 96 and 128\n$/,
    ],
  ])('%s is refused in one line', async (_, words, message) => {
    const cwd = await temporaryFolder();
    const { code, stderr } = await askCli(['train', ...words], { cwd });
    expect(code).toBe(2);
    expect(stderr).toMatch(/^[^\n]*\n$/);
    expect(stderr).toMatch(message);
    expect(await readdir(cwd)).toEqual([]);
  });
});

describe('evaluate', () => {
  it('reproduces the score that training recorded for the best weights', async () => {
    const words = ['evaluate', run, '--data', join(data, 'val'), '--threads', '1', '--json'];
    const { code, stdout } = await askCli(words);
    expect(code).toBe(0);
    const result = JSON.parse(stdout);
    expect(result).toMatchObject({ images: 8, weights: join(run, 'weights', 'best.safetensors') });
    expect(result.confusion).toHaveLength(19 * 19);
    const ownData = await askCli(['evaluate', run, '--threads', '1', '--json']);
    const { fPerImage, data: used } = JSON.parse(ownData.stdout);
    expect({ fPerImage, used }).toEqual({ fPerImage: result.fPerImage, used: join(data, 'val') });

    // Training looked at the first four only.
    const four = join(await temporaryFolder(), 'four');
    for (const [part, ending] of [
      ['images', 'jpg'],
      ['masks', 'png'],
    ] as const) {
      await mkdir(join(four, part), { recursive: true });
      for (let index = 0; index < 4; index++) {
        const name = join(part, `face-0000${index}.${ending}`);
        await copyFile(join(data, 'val', name), join(four, name));
      }
    }
    const again = JSON.parse((await askCli(['evaluate', run, '--data', four, '--threads', '1', '--json'])).stdout);
    const rows = await readCsv(join(run, 'metrics.csv'));
    expect(again.fPerImage).toBeCloseTo(Math.max(...rows.flatMap(({ valF }) => valF ?? [])), 6);
  });

  it('prints a table, and scores a weights file by its name', async () => {
    const file = join(run, 'weights', 'last.safetensors');
    const { code, stdout } = await askCli(['evaluate', file, '--data', join(data, 'val')]);
    expect(code).toBe(0);
    expect(stdout).toMatch(/last\.safetensors: mobile-unet at 64×64, network \d+ ms per image/);
    expect(stdout).toMatch(/^skin +8 /m);
  });
});

describe('predict', () => {
  async function photos(): Promise<string> {
    const input = join(await temporaryFolder(), 'photos');
    await mkdir(input);
    await writeFile(join(input, 'wide.one.JPG'), await jpegBytes(90, 41));
    await writeFile(
      join(input, 'tall.jpeg'),
      await sharp(await jpegBytes(50, 30))
        .withMetadata({ orientation: 6 })
        .toBuffer(),
    );
    await writeFile(join(input, 'note.txt'), 'no photo');
    return input;
  }

  it('writes one palette PNG per photo, with its name and upright size', async () => {
    const input = await photos();
    const out = join(input, '..', 'masks');
    const { code, stdout, stderr } = await askCli([
      'predict',
      run,
      input,
      '--faces',
      'whole',
      '--out',
      out,
      '--overlay',
    ]);
    expect({ code, stderr }).toEqual({
      code: 0,
      stderr: `faceparse: left alone in ${input}: note.txt (a text file)\n`,
    });
    expect(stdout).toContain(`wrote 2 masks to ${out}`);
    expect(await listFiles(out)).toEqual(['overlay/tall.png', 'overlay/wide.one.png', 'tall.png', 'wide.one.png']);
    for (const [name, width, height] of [
      ['tall.png', 30, 50],
      ['wide.one.png', 90, 41],
    ] as const) {
      const mask = decodePalettePng(await readFile(join(out, name)));
      expect([mask.width, mask.height]).toEqual([width, height]);
      expect(Math.max(...mask.data)).toBeLessThan(19);
      expect(await sharp(join(out, 'overlay', name)).metadata()).toMatchObject({ width, height });
    }
  });

  it('never replaces a photo, and replaces a mask only with --force', async () => {
    const input = await photos();
    const photo = join(input, 'same.png');
    await sharp(await jpegBytes(40, 40))
      .png()
      .toFile(photo);
    const before = await readFile(photo);
    for (const words of [[], ['--force']]) {
      const { code, stderr } = await askCli(['predict', run, photo, '--out', input, ...words]);
      expect(code).toBe(2);
      expect(stderr).toMatch(/^faceparse: [^\n]*same\.png is an input photo; choose another --out\n$/);
    }
    expect((await readFile(photo)).equals(before)).toBe(true);
    const out = join(input, '..', 'masks');
    const words = ['predict', run, photo, '--out', out];
    expect((await askCli(words)).code).toBe(0);
    expect(await askCli(words)).toMatchObject({ code: 2, stderr: expect.stringContaining('use --force') });
    expect((await askCli([...words, '--force'])).code).toBe(0);
  });

  it('reports areas in JSON and continues after a bad photo', async () => {
    const input = await photos();
    await writeFile(join(input, 'broken.jpg'), (await jpegBytes(64, 64)).subarray(0, 1500));
    const out = join(input, '..', 'masks');
    const { code, stdout, stderr } = await askCli(['predict', run, input, '--faces', 'whole', '--out', out, '--json']);
    expect(code).toBe(1);
    expect(stderr).toMatch(/broken\.jpg: is truncated or damaged/);
    const { written, failures } = JSON.parse(stdout);
    expect(failures).toHaveLength(1);
    expect(written.map(({ mask }: { mask: string }) => mask)).toEqual([
      join(out, 'tall.png'),
      join(out, 'wide.one.png'),
    ]);
    for (const { areas } of written) {
      const total = Object.values<number>(areas).reduce((sum, share) => sum + share, 0);
      expect(total).toBeCloseTo(1, 2);
    }
  });

  it.each([
    [
      'cut short',
      async (bytes: Buffer) => bytes.subarray(0, 2_000_000),
      /^faceparse: [^\n]*w\.safetensors cannot be read as weights: [^\n]*truncated[^\n]*\n$/,
    ],
    [
      'of another network',
      async (_: Buffer, file: string) => {
        const { tensors, metadata } = await readTensors(file);
        return encodeSafetensors(tensors, { ...metadata, model: 'compact' });
      },
      /^faceparse: [^\n]*w\.safetensors belongs to another network: [^\n]*\n$/,
    ],
    [
      'that is a checkpoint',
      async (_: Buffer, file: string) => readFile(join(file, '..', '..', 'checkpoint.safetensors')),
      /^faceparse: [^\n]*w\.safetensors is a safetensors file but not a faceparse weights file\. [^\n]*\n$/,
    ],
  ])('refuses weights %s in one line', async (_, spoil, message) => {
    const input = await photos();
    const original = join(run, 'weights', 'best.safetensors');
    const file = join(input, 'w.safetensors');
    await writeFile(file, await spoil(await readFile(original), original));
    const out = join(input, '..', 'masks');
    const { code, stdout, stderr } = await askCli(['predict', file, join(input, 'tall.jpeg'), '--out', out]);
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toMatch(message);
    expect(existsSync(out)).toBe(false);
  });

  it.each([
    [['nowhere'], /^faceparse: nowhere: not found; check the path\n$/],
    [['.'], /^faceparse: \. contains no photos \(JPEG, /],
  ])('refuses %j', async (paths, message) => {
    const { code, stderr } = await askCli(['predict', run, ...paths, '--out', 'x'], { cwd: await temporaryFolder() });
    expect(code).toBe(2);
    expect(stderr).toMatch(message);
  });
});
