import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { encodePyTorchCheckpoint } from '../../src/formats/pytorch/pytorch-checkpoint.ts';
import { inferenceGraph } from '../../src/models/model.ts';
import { createModel } from '../../src/models/registry.ts';
import { decodeWeights } from '../../src/models/weights-file.ts';
import { FaceParser } from '../../src/node/face-parser.ts';
import { writeSyntheticDataset } from '../../src/synthetic/dataset.ts';
import { randomStates } from '../random-weights.ts';
import { runCli } from './run-cli.ts';
import { fileFolder, readTensors, smallTraining, train, writeFaces } from './training-fixture.ts';

const cwd = await fileFolder();
const graph = inferenceGraph(createModel('pspnet', { encoder: 'resnet18', classes: 19 }), {
  batch: 1,
  height: 64,
  width: 64,
});
const states = randomStates(graph, 'foreign');
const network = ['--model', 'pspnet', '--encoder', 'resnet18', '--labels', 'celebamask-19', '--size', '64'];
const training = [
  ...smallTraining.filter((word) => !word.startsWith('model.name=')),
  ...['model.name=pspnet', 'train.epochs=0.1', 'train.seed=9'],
];

const table = {
  name: 'two',
  classes: [
    { name: 'background', from: ['background', 'hair', 'hat', 'cloth', 'neck', 'neck_l', 'ear_r', 'eye_g'] },
    {
      name: 'face',
      from: ['skin', 'nose', 'l_eye', 'r_eye', 'l_brow', 'r_brow', 'l_ear', 'r_ear', 'mouth', 'u_lip', 'l_lip'],
    },
  ],
};

/** Writes states as a .pth under other names. */
async function writePth(file: string, rename: (name: string) => string | undefined): Promise<void> {
  const tensors = [...states].flatMap(([name, data]) => {
    const renamed = rename(name);
    return renamed === undefined
      ? []
      : [[renamed, { dtype: 'float32' as const, shape: graph.states.get(name)!.shape, data }] as const];
  });
  await writeFile(join(cwd, file), encodePyTorchCheckpoint({ state_dict: new Map(tensors), epoch: 3 }));
}

beforeAll(async () => {
  await writeFaces(cwd);
  await writePth('whole.pth', (name) => `module.${name}`);
  await writePth('resnet18.pth', (name) => (name.startsWith('encoder.') ? name.slice('encoder.'.length) : undefined));
});

describe('train --init with weights of another program', () => {
  it('starts from an encoder, freezes it on request, records it, and submit refuses the run', async () => {
    const words = ['--data', 'data', '--name', 'a', ...training, '--init', 'resnet18.pth'];
    const frozen = ['train.freeze.encoder=true', 'train.freeze.batchNorm=encoder'];
    const dry = await runCli(['train', ...words, ...frozen, '--dry-run'], { cwd });
    const { stderr } = await train([...words, ...frozen], { cwd });
    expect(dry.code).toBe(0);
    expect(dry.stderr.split('\n').length).toBeGreaterThan(2);
    expect(stderr.startsWith(dry.stderr)).toBe(true);
    expect(stderr).toMatch(
      /the run starts from the encoder of the weights of resnet18\.pth, which were trained elsewhere: the challenge forbids them\n/,
    );
    expect(stderr).toMatch(/resnet18\.pth: reads 50 tensors for the encoder of pspnet \(resnet18\)/);
    const { tensors, metadata } = await readTensors(join(cwd, 'runs', 'a', 'weights', 'last.safetensors'));
    for (const [name, values] of states) {
      const found = tensors.get(name)!.data as Float32Array;
      if (name.startsWith('encoder.')) expect(Buffer.compare(bytesOf(found), bytesOf(values)), name).toBe(0);
    }
    const environment = JSON.parse(await readFile(join(cwd, 'runs', 'a', 'environment.json'), 'utf8'));
    const origin = { kind: 'file', file: 'resnet18.pth', elsewhere: true, part: 'encoder' };
    expect(environment.origin).toMatchObject(origin);
    expect(JSON.parse(metadata.origin)).toEqual(environment.origin);
    expect(environment.initialWeights).toMatch(
      /^resnet18\.pth, SHA-256 [0-9a-f]{64}, encoder only, trained elsewhere$/,
    );
    await writeSyntheticDataset({ folder: cwd, count: 1, size: 512, seed: 1, split: 'test' });
    const refused = await runCli(['submit', 'runs/a', '--test', 'test'], { cwd });
    expect(refused.code).not.toBe(0);
    expect(refused.stderr).toMatch(/started from 'resnet18\.pth, [^\n]*trained elsewhere', [^\n]*are forbidden/);
  });

  it('leaves out a head for other classes only when asked', async () => {
    const words = ['train', '--data', 'data', '--name', 'b', ...training, 'data.labels=face-8', '--init', 'whole.pth'];
    const refused = await runCli(words, { cwd });
    expect(refused.code).toBe(2);
    expect(refused.stderr).toMatch(
      /^faceparse: train\.init=whole\.pth: whole\.pth: the head has 19 classes, but 8 are needed; leave it out with train\.initPart=body, or train with a label set that has as many classes\n {2}another shape/,
    );
    const { stderr } = await train([...words.slice(1), 'train.initPart=body'], { cwd });
    expect(stderr).toMatch(/starts from all but the head of the weights of whole\.pth/);
    const next = await train(
      ['--data', 'data', '--name', 'c', ...training, '--init', 'runs/b', 'train.initPart=body'],
      { cwd },
    );
    expect(next.stderr).toMatch(/best\.safetensors, which were trained elsewhere: the challenge forbids them/);
  });
});

const bytesOf = ({ buffer, byteOffset, byteLength }: Float32Array) => Buffer.from(buffer, byteOffset, byteLength);

describe('weights of another program', () => {
  it('are converted by import, and then used like any others', async () => {
    const done = await runCli(['import', 'whole.pth', ...network, '--out', 'whole.safetensors'], { cwd });
    expect(done).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/^wrote whole\.safetensors \(.*whole\.pth\n$/),
    });
    expect(done.stderr).toMatch(/whole\.pth: reads 74 tensors for pspnet \(resnet18\)/);
    const weights = decodeWeights(await readFile(join(cwd, 'whole.safetensors')));
    expect(weights).toMatchObject({ model: 'pspnet', origin: { file: 'whole.pth', elsewhere: true } });
    const predicted = await runCli(['predict', 'whole.safetensors', 'data/val', '--out', 'out', '--json'], { cwd });
    expect(predicted.code, predicted.stderr).toBe(0);
  });

  it('are loaded in Node with the network that they belong to', async () => {
    const engine = { name: 'onnx', threads: 1 } as const;
    const given = { model: 'pspnet', encoder: 'resnet18', labels: 'celebamask-19', size: 64 };
    const parser = await FaceParser.load(join(cwd, 'whole.pth'), { ...engine, ...given });
    expect(parser.sides).toEqual([64]);
    expect(parser.notices).toEqual([
      expect.stringMatching(
        /whole\.pth: reads 74 tensors for pspnet \(resnet18\), with the names of segmentation_models/,
      ),
      expect.stringMatching(
        /whole\.pth: photos are stretched to 64×64 pixels .*; change it with resize, mean and std$/,
      ),
    ]);
    const result = await parser.parse({ width: 4, height: 4, data: new Uint8Array(48) });
    expect(result.labels.length).toBe(16);
    await parser.dispose();
    await expect(FaceParser.load(join(cwd, 'whole.pth'), engine)).rejects.toThrow(
      /says which network its tensors belong to/,
    );
    await expect(FaceParser.load(undefined, given)).rejects.toThrow(/pass its path too/);
    const bytes = await readFile(join(cwd, 'whole.pth'));
    await expect(FaceParser.load(bytes as never, given)).rejects.toThrow(
      /takes the path of .*, but got a Buffer; for bytes in memory, use FaceParser\.create\(decodeWeights\(bytes\), await selectEngine\(\)\)$/,
    );
  });

  it('have the label set of a configuration and letterboxed photos, and come back from an export with the same masks', async () => {
    await writeFile(join(cwd, 'two.yaml'), JSON.stringify({ data: { labels: table } }));
    const three = ['--model', 'pspnet', '--encoder', 'resnet18', '--labels', 'two.yaml', '--size', '64'];
    const head = (shape: readonly number[], value: number) => ({
      dtype: 'float32' as const,
      shape,
      data: Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, at) => value * Math.sin(at)),
    });
    const tensors = new Map(
      [...states].map(([name, data]) => [
        name,
        { dtype: 'float32' as const, shape: graph.states.get(name)!.shape, data },
      ]),
    );
    tensors.set('segmentation_head.0.weight', head([2, 512, 3, 3], 1));
    tensors.set('segmentation_head.0.bias', head([2], 0));
    await writeFile(join(cwd, 'two.pth'), encodePyTorchCheckpoint({ state_dict: tensors }));
    const words = ['import', 'two.pth', ...three, '--resize', 'letterbox', '--out', 'two.safetensors'];
    expect(await runCli(words, { cwd })).toMatchObject({ code: 0 });
    const first = decodeWeights(await readFile(join(cwd, 'two.safetensors')));
    expect(first).toMatchObject({ labels: { name: 'two' }, preprocessing: { resize: 'letterbox-area-bilinear' } });
    expect(await runCli(['export', 'two.safetensors', '--format', 'pytorch', '--out', 'two'], { cwd })).toMatchObject({
      code: 0,
    });
    const again = await runCli(['import', 'two/ckpt.pth', '--out', 'again.safetensors'], { cwd });
    expect(again, again.stderr).toMatchObject({ code: 0 });
    const second = decodeWeights(await readFile(join(cwd, 'again.safetensors')));
    const { origin: _, states: ours, ...description } = first;
    expect(second).toMatchObject(description);
    const photo = { width: 6, height: 3, data: Uint8Array.from({ length: 54 }, (_, at) => (at * 37) % 256) };
    const masks = await Promise.all(
      ['two.safetensors', 'again.safetensors', 'two/ckpt.pth'].map(async (file) => {
        await using parser = await FaceParser.load(join(cwd, file), { name: 'onnx', threads: 1 });
        return Array.from((await parser.parse(photo)).labels);
      }),
    );
    expect(masks[1]).toEqual(masks[0]);
    expect(masks[2]).toEqual(masks[0]);
    for (const [name, values] of second.states)
      expect(Buffer.compare(bytesOf(values), bytesOf(ours.get(name)!)), name).toBe(0);
  });

  it.each<[string[], RegExp]>([
    [
      ['submit', 'whole.pth', '--test', 'test'],
      /submit takes the folder of a run, .* forbids weights that were trained elsewhere/,
    ],
    [
      ['evaluate', 'whole.pth', '--data', 'data/val'],
      /says which network .*; convert it with `faceparse import .* training\)\n$/,
    ],
    [
      ['import', 'whole.pth', ...network.slice(0, 4)],
      /add --labels \(.*\) and --size \(.*a configuration with a table/,
    ],
    [
      ['import', 'whole.pth', ...network, '--output-stride', '3'],
      /--output-stride 3: outputStride is 3, but must be 8 or 16/,
    ],
    [
      ['import', 'whole.pth'],
      /nothing in whole\.pth says which network .* pspnet \(resnet18\) with 19 classes; convert/,
    ],
    [['import', 'resnet18.pth'], /resnet18\.pth has no decoder; the tensors are those of the encoder resnet18; train/],
    [['import', 'nowhere.pth'], /nowhere\.pth not found; pass a \.pth or \.safetensors file/],
    [['import', 'data'], /data is a folder; pass a \.pth/],
    [['import', 'whole.pth', ...network], /no output given; pass --out NEW\.safetensors/],
    [['import', 'whole.pth', ...network, '--mean', '1,2'], /It must be three numbers for red, green and blue/],
    [
      ['import', 'whole.pth', '--model', 'unet', ...network.slice(2)],
      /does not fit unet \(resnet18\); .*: use --model pspnet\n/,
    ],
    [['export', 'whole.pth', '--format', 'onnx', '--out', 'x'], /nothing in whole\.pth says which network/],
    [['train', 'whole.pth', '--data', 'data'], /is a weights file, not a config; .* --init whole\.pth/],
    [['train', '--data', 'data', '--init', 'data/train/images/no.pth'], /no such file or folder; give a run folder, a/],
  ])('%j', async (words, message) => {
    const { code, stdout, stderr } = await runCli(words, { cwd });
    expect(stderr).toMatch(message);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
  });
});
