import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parseConfig } from '../../config/parse-config.ts';
import { inferenceGraph } from '../../models/model.ts';
import { createModel } from '../../models/registry.ts';
import { buildReport } from './build-report.ts';
import { networkParts } from './network-parts.ts';
import { bibliography } from './references.ts';
import type { ReportFacts } from './report-facts.ts';
import { reportSource } from './report-source.ts';
import { writeFigures } from './write-figures.ts';

const metrics = [
  { step: 10, epoch: 1, seconds: 5, loss: 2, learningRate: 1e-3, valF: 0.5 },
  { step: 100, epoch: 10, seconds: 50, loss: 1, learningRate: 1e-4, valF: 0.7 },
];

function factsOf(overrides: readonly string[], head: Partial<ReportFacts> = {}): Omit<ReportFacts, 'figures'> {
  const config = parseConfig('', '', ['train.epochs=10', ...overrides]);
  const graph = inferenceGraph(createModel(config.model.name, { classes: 19 }), { batch: 1, height: 64, width: 64 });
  const environment = { faceparse: '0', cpu: 'a #cpu', engine: { name: 'native', device: 'cpu', threads: 2 } };
  return {
    title: 'A title',
    run: { folder: 'runs/x', name: 'x', config, environment, metrics },
    network: {
      file: 'x.safetensors',
      model: config.model.name,
      size: 64,
      network: networkParts(graph),
      logitsSide: 32,
      coordinates: config.model.name !== 'unet',
      batchNormalization: true,
    },
    parameters: 1000,
    ...head,
  };
}

const figures = { network: 'figures/network.svg', loss: 'figures/loss.svg', score: 'figures/score.svg', failures: [] };

function sourceOf(overrides: readonly string[], head: Partial<ReportFacts> = {}): string {
  return reportSource({ ...factsOf(overrides, head), figures });
}

describe('the text of a report', () => {
  it('tells what the run had, and cites it', () => {
    const text = sourceOf([
      'loss.lovasz=0.5',
      'loss.labelSmoothing=0.05',
      'data.augmentation.copyPaste.probability=0.3',
      'data.augmentation.cutMix=0.25',
      'data.oversample={hat: 3}',
      'train.stages=[{until: 0.5, size: 32}]',
    ]);
    for (const wanted of [
      '@lovasz',
      '@label-smoothing',
      '@copy-paste',
      '@cutmix',
      'hat ×3',
      '32² to 50 %, then 256²',
    ]) {
      expect(text).toContain(wanted);
    }
    expect(bibliography(text)).toMatch(/@inproceedings\{lovasz,[\s\S]*@inproceedings\{sgdr,/);
  });

  it('does not tell what the run did not have', () => {
    const text = sourceOf([
      'model.name=unet',
      'loss.dice=0',
      'train.optimizer.kind=sgd',
      'train.schedule=constant',
      'train.warmup=0',
      'train.clipNorm=0',
      'train.averageDecay=0',
      'train.optimizer.weightDecay=0',
      'data.augmentation.flip=0',
      'data.augmentation.rotation=0',
      'data.augmentation.scale=0',
      'data.augmentation.shift=0',
    ]);
    expect(text).not.toMatch(
      /lovász|dice|adamw|sgdr|warm|clip|polyak|average of weights|copy-paste|cutmix|mirror|turned|coordconv|senet|pyramid|weight decay|one bilinear warp/i,
    );
    expect(text).toContain('SGD, momentum 0.9');
    expect(bibliography(text)).not.toMatch(/adamw|dice|polyak/);
  });

  it('takes names over as text', () => {
    const text = sourceOf([], { title: 'T" #read("x")', author: '*A* _b_', id: '#import' });
    expect(text).toContain('#set document(title: "T\\" #read(\\"x\\")", author: "*A* _b_", date: none)');
    expect(text).toContain('\\*A\\* \\_b\\_, \\#import');
    expect(text).toContain('a \\#cpu');
  });
});

describe('the report', () => {
  let folder: string;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'report-source-'));
  });

  afterAll(() => rm(folder, { recursive: true }));

  it.each([
    [
      'with everything',
      [
        'loss.lovasz=1',
        'loss.auxiliary=0.4',
        `loss.classWeights=[${'1,'.repeat(18)}2]`,
        'train.minutes=3',
        'data.augmentation.cutMix=0.1',
        'data.augmentation.noise=0.02',
        'train.labelSize=64',
      ],
    ],
    [
      'with as little as can be',
      [
        'model.name=unet',
        'loss.crossEntropy=0',
        'train.optimizer.kind=sgd',
        'train.optimizer.nesterov=true',
        'train.schedule=polynomial',
        'train.finalShare=0.1',
        'data.labels=face-8',
      ],
    ],
  ])('compiles %s', async (name, overrides) => {
    const out = join(folder, name);
    await mkdir(out);
    const facts = factsOf(overrides, { title: '= $ # < "', author: "É. O'Neil-Ångström", id: '\\u{41}' });
    const source = reportSource({ ...facts, figures: await writeFigures(out, facts) });
    await writeFile(join(out, 'report.typ'), source);
    await writeFile(join(out, 'references.bib'), bibliography(source));
    expect((await buildReport(out)).pages).toBeLessThanOrEqual(5);
  });
});
