import { spawnSync } from 'node:child_process';
import { readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import { jpegBytes, temporaryFolder } from '../dataset-fixture.ts';
import { numpyIsThere, python } from './python.ts';
import { askCli } from './run-cli.ts';
import { fileFolder, listFiles, writeFaces } from './training-fixture.ts';
import { succeed, writeRandomWeights } from './weights-fixture.ts';

const folder = await fileFolder();
const weights = await writeRandomWeights(folder, 64);
const data = join(await writeFaces(folder, { train: 1, val: 3 }), 'val');
const oneThread = ['--engine', 'onnx', '--threads', '1'];
const whole = ['--faces', 'whole', ...oneThread];

/** A folder with two photos in it. */
async function twoPhotos(): Promise<string> {
  const input = await temporaryFolder();
  await writeFile(join(input, 'a.jpg'), await jpegBytes(70, 50));
  await writeFile(join(input, 'b.jpg'), await jpegBytes(40, 60));
  return input;
}

describe('predict', () => {
  it('writes every output to a folder of its name, and replaces none without --force', async () => {
    const cwd = await twoPhotos();
    const words = ['predict', weights, 'a.jpg', 'b.jpg', '--overlay', '--only', 'hair,14', '--cutout', ...whole];
    expect(await succeed([...words, '--probabilities'], cwd)).toBe(
      'wrote 2 masks to masks, with overlays in masks/overlay, probabilities in masks/probabilities, masks of the classes in masks/only and cutouts in masks/cutout\n',
    );
    const written = ['a', 'b'].flatMap((stem) => [
      `masks/${stem}.png`,
      `masks/probabilities/${stem}.npy`,
      ...['overlay', 'only', 'cutout'].map((name) => `masks/${name}/${stem}.png`),
    ]);
    expect((await listFiles(cwd)).sort()).toEqual(['a.jpg', 'b.jpg', ...written].sort());
    expect(await sharp(join(cwd, 'masks/cutout/a.png')).metadata()).toMatchObject({
      width: 70,
      height: 50,
      channels: 4,
    });

    const again = await askCli(['predict', weights, 'a.jpg', '--out', 'masks/overlay', ...whole], { cwd });
    expect(again).toMatchObject({ code: 2, stderr: expect.stringContaining('overlay/a.png already exists') });
    const said = JSON.parse(await succeed([...words, '--probabilities', 'png', '--force', '--json'], cwd));
    expect(said.written[1]).toMatchObject({
      photo: 'b.jpg',
      mask: 'masks/b.png',
      overlay: 'masks/overlay/b.png',
      probabilities: 'masks/probabilities/b',
      only: 'masks/only/b.png',
      cutout: 'masks/cutout/b.png',
    });
    expect((await stat(join(cwd, 'masks/probabilities/b/hair.png'))).isFile()).toBe(true);
  });

  it('takes a run or photo that follows an optional value for what it is', async () => {
    const cwd = await twoPhotos();
    expect(await succeed(['predict', '--cutout', weights, '--probabilities', 'a.jpg', ...whole], cwd)).toBe(
      'wrote 1 mask to masks, with probabilities in masks/probabilities and cutouts in masks/cutout\n',
    );
  });

  it('suggests the class that was meant, and writes nothing', async () => {
    const cwd = await twoPhotos();
    const { code, stderr } = await askCli(['predict', weights, 'a.jpg', '--only', 'hairs', ...whole], { cwd });
    expect({ code, stderr }).toEqual({
      code: 2,
      stderr: "faceparse: --only: celebamask-19 has no class 'hairs'; did you mean 'hair'?\n",
    });
    expect(await listFiles(cwd)).toEqual(['a.jpg', 'b.jpg']);
  });

  it.skipIf(!numpyIsThere)(
    'writes probabilities that NumPy and Pillow read, and that agree with the mask',
    async () => {
      const cwd = await twoPhotos();
      const words = ['predict', weights, 'a.jpg', 'b.jpg', ...whole, '--force', '--probabilities'];
      await succeed([...words, 'npy'], cwd);
      await succeed([...words, 'png', '--tta', '--out', 'averaged'], cwd);
      const script = `
import glob, json, numpy, os
from PIL import Image
found = []
for stem in 'ab':
    array = numpy.load(f'masks/probabilities/{stem}.npy')
    mask = numpy.array(Image.open(f'masks/{stem}.png'))
    chosen = numpy.take_along_axis(array, mask[None].astype(int), 0)[0]
    found.append([str(array.dtype), array.shape, float(abs(array.sum(0, dtype='f4') - 1).max()), bool((chosen == array.max(0)).all())])
names = sorted(os.listdir('averaged/probabilities/a'))
images = {name: Image.open(f'averaged/probabilities/a/{name}') for name in names}
total = sum(numpy.array(image).astype(int) for image in images.values())
found.append([len(names), sorted({image.size for image in images.values()}), int(abs(total - 65535).max())])
print(json.dumps(found))`;
      const { stdout, stderr } = spawnSync(python, ['-c', script], { cwd, encoding: 'utf8' });
      expect(stderr).toBe('');
      const [a, b, images] = JSON.parse(stdout);
      expect([a, b]).toEqual([
        ['float16', [19, 50, 70], expect.any(Number), true],
        ['float16', [19, 60, 40], expect.any(Number), true],
      ]);
      for (const [, , error] of [a, b]) expect(error).toBeLessThan(0.002);
      expect(images.slice(0, 2)).toEqual([19, [[70, 50]]]);
      expect(images[2]).toBeLessThanOrEqual(10);
    },
  );
});

describe('evaluate --masks', () => {
  it('scores the masks of predict as evaluate scores the network', async () => {
    const out = join(await temporaryFolder(), 'out');
    await succeed(['predict', weights, data, '--out', out, ...whole]);
    const network = JSON.parse(await succeed(['evaluate', weights, '--data', data, '--json', ...oneThread]));
    const masks = JSON.parse(await succeed(['evaluate', '--masks', out, '--data', data, '--json']));
    const { weights: _, networkMilliseconds: __, ...scores } = network;
    const nothing = { missing: [], failures: [], extra: [], others: [] };
    expect(masks).toEqual({ ...scores, masks: out, labels: 'celebamask-19', ...nothing });

    const text = await succeed(['evaluate', weights, '--data', data, ...oneThread]);
    const table = await succeed(['evaluate', '--masks', out, '--data', data]);
    expect(table.split('\n')[0]).toBe(`${out}: 3 of 3 masks, celebamask-19`);
    expect(table.split('\n').slice(1)).toEqual(text.split('\n').slice(1));
  });

  it('names missing masks, counts extra ones, and fails after the scores', async () => {
    const out = join(await temporaryFolder(), 'out');
    await succeed(['predict', weights, data, '--out', out, ...whole]);
    const [first, second] = (await listFiles(out)).sort();
    await writeFile(join(out, 'stray.png'), await readFile(join(out, first)));
    await writeFile(join(out, second), 'damaged');
    const { code, stdout, stderr } = await askCli(['evaluate', '--masks', out, '--data', data, '--markdown']);
    expect({ code, lines: stderr.split('\n').slice(-4) }).toEqual({
      code: 1,
      lines: [
        expect.stringMatching(`${second}: is not usable as a mask`),
        `faceparse: 1 mask in ${out} without a photo in ${data}, not scored: stray.png`,
        'faceparse: 1 of 3 masks are not in the scores (0 missing, 1 unusable; see above)',
        '',
      ],
    });
    expect(stdout).toMatch(/^F \(per image\) \*\*0\.\d{4}\*\* over 2 images; /);
  });

  it.each([
    [
      ['random.safetensors', '--masks', 'x', '--data', 'y'],
      /--masks scores ready masks without a network; remove random/,
    ],
    [['--masks', 'x'], /--masks needs the masks to compare with; pass --data FOLDER/],
    [['--masks', 'x', '--data', 'y', '--tta'], /'--masks <folder>' cannot be used with option '--tta'/],
    [['--labels', 'face-8', '--data', 'y'], /--labels applies only to --masks/],
    [['--masks', 'x', '--data', 'y', '--labels', 'lapa'], /--labels has no label set 'lapa'; it takes celebamask-19/],
  ])('refuses evaluate %j', async (words, message) => {
    expect(await askCli(['evaluate', ...words])).toMatchObject({ code: 2, stderr: expect.stringMatching(message) });
  });
});

it('model files of other programs are named by every command that takes a run', async () => {
  const cwd = await twoPhotos();
  await succeed(['export', weights, '--format', 'pytorch', '--out', 'export'], cwd);
  await writeFile(join(cwd, 'net.onnx'), Uint8Array.of(8, 8, 0x12, 1));
  for (const [words, message] of [
    [['predict', 'export/ckpt.pth', 'a.jpg'], /export\/ckpt\.pth is a PyTorch checkpoint that faceparse exported;/],
    [['predict', 'a.jpg', 'net.onnx'], /net\.onnx is an ONNX model, which faceparse does not load;/],
    [['evaluate', 'export', '--data', data], /export\/ckpt\.pth is a PyTorch checkpoint that faceparse exported;/],
    [
      ['export', 'net.onnx', '--format', 'onnx', '--out', 'x'],
      /net\.onnx is an ONNX model, which faceparse does not load;/,
    ],
    [['report', 'export/ckpt.pth', '--out', 'x'], /export\/ckpt\.pth is a PyTorch checkpoint/],
    [['train', '--resume', 'export/ckpt.pth'], /export\/ckpt\.pth is a PyTorch checkpoint/],
  ] as const) {
    expect(await askCli(words, { cwd })).toMatchObject({ code: 2, stderr: expect.stringMatching(message) });
  }
});
