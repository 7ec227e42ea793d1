import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as onnxRuntime from 'onnxruntime-node';
import { beforeAll, describe, expect, it } from 'vitest';
import { solutionFiles } from '../../src/challenge/solution.ts';
import type { Engine } from '../../src/engine/engine.ts';
import { createReferenceEngine } from '../../src/engine/reference/reference-engine.ts';
import { onnxModel } from '../../src/export/onnx/onnx.ts';
import { exportPyTorch } from '../../src/export/pytorch/pytorch.ts';
import { decodeSafetensors, encodeSafetensors } from '../../src/formats/safetensors.ts';
import type { Photo } from '../../src/image/image.ts';
import { encodeWeights, type Weights } from '../../src/models/weights-file.ts';
import { weightsGraph } from '../../src/models/weights-graph.ts';
import { loadWeights } from '../../src/node/face-parser.ts';
import { FaceParser } from '../../src/parser/face-parser.ts';
import { readNetworkFacts } from '../../src/report/facts/run-facts.ts';
import { drawPhoto } from '../image-fixture.ts';
import { randomStates, randomWeights } from '../random-weights.ts';
import { fileFolder } from './training-fixture.ts';

/** What is written into a weights file that said something else. */
const changed = { size: '64', mean: '[0.485,0.456,0.406]', std: '[0.229,0.224,0.225]' };
const [mean, std] = [JSON.parse(changed.mean), JSON.parse(changed.std)] as [number[], number[]];

const root = await fileFolder();
const run = join(root, 'run');
let weights: Weights;

beforeAll(async () => {
  const { weights: initial, graph } = randomWeights({ model: 'compact', size: 96 });
  const states = randomStates(graph, 'preprocessing');
  const { tensors, metadata } = decodeSafetensors(encodeWeights({ ...initial, states }, graph));
  await mkdir(join(run, 'weights'), { recursive: true });
  await writeFile(join(run, 'weights', 'best.safetensors'), encodeSafetensors(tensors, { ...metadata, ...changed }));
  ({ weights } = await loadWeights(run));
});

/** A photo of the network's size as its input, by the formula. */
function inputOf({ data }: Photo): Float32Array {
  return Float32Array.from({ length: data.length }, (_, at) => {
    const [channel, pixel] = [Math.floor(at / 64 ** 2), at % 64 ** 2];
    return (data[pixel * 3 + channel] / 255 - mean[channel]) / std[channel];
  });
}

function largestDifference(a: ArrayLike<number>, b: ArrayLike<number>): number {
  expect(a.length).toBe(b.length);
  return Array.from(a).reduce((most, value, index) => Math.max(most, Math.abs(value - b[index])), 0);
}

describe('mean, std and size of a weights file are used', () => {
  it('by the parser, in all views', async () => {
    const seen: Float32Array[] = [];
    const reference = createReferenceEngine();
    const watching: Engine = {
      ...reference,
      compile: async (graph) => {
        const program = await reference.compile(graph);
        const watched: typeof program.run = (values) => {
          seen.push(Float32Array.from(values.image));
          return program.run(values);
        };
        return Object.assign(Object.create(program), { run: watched });
      },
    };
    const parser = await FaceParser.create(weights, watching, { averaging: { flip: false, scales: [2] } });
    const photo = drawPhoto(64, 64, 1);
    await parser.parse(photo);
    await parser.dispose();
    expect(seen.map(({ length }) => length)).toEqual([3 * 64 ** 2, 3 * 128 ** 2]);
    expect(largestDifference(seen[0], inputOf(photo))).toBeLessThan(1e-5);
    const averageOf = (values: Float32Array) => values.reduce((sum, value) => sum + value) / values.length;
    expect(averageOf(seen[1])).toBeCloseTo(averageOf(seen[0]), 1);
  });

  it('by the ONNX export', async () => {
    const program = await createReferenceEngine().compile(weightsGraph(weights, 'it'));
    await program.writeStates(weights.states);
    const photo = drawPhoto(64, 64, 2);
    const { logits } = await program.run({ image: inputOf(photo) });
    const session = await onnxRuntime.InferenceSession.create(onnxModel(weights, { output: 'logits' }));
    const result = await session.run({ photo: new onnxRuntime.Tensor('uint8', photo.data, [1, 64, 64, 3]) });
    const seen = result.logits.data as Float32Array;
    const scale = logits.reduce((most, value) => Math.max(most, Math.abs(value)), 1);
    expect(largestDifference(seen, logits) / scale).toBeLessThan(1e-4);
    await session.release();
    await program.dispose();
  });

  it('by model.py and run.py', async () => {
    const [modulePath] = await exportPyTorch(weights, join(root, 'pytorch'));
    expect(await readFile(modulePath, 'utf8')).toContain(
      'Input: RGB images resized to 64 x 64, ignoring the aspect ratio (area averaging to shrink, bilinear to enlarge),\n' +
        'normalised as (value / 255 - mean) / std with mean (0.485, 0.456, 0.406) and std (0.229, 0.224, 0.225).\n',
    );
    const script = solutionFiles({ weights, file: 'it' }).get('run.py');
    expect(script).toContain('\nMEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)  # for red');
    expect(script).toContain('\nSIDES = [64]');
  });

  it('by the report', async () => {
    const { preprocessing, logitsSide } = await readNetworkFacts(run);
    expect(preprocessing).toEqual({ size: 64, resize: 'stretch-area-bilinear', mean, std });
    expect(logitsSide).toBe(32);
  });
});
