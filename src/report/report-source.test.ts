import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { endedBySemicolon, reportFacts } from '../../test/report-fixture.ts';
import type { Preprocessing } from '../image/preprocessing.ts';
import { celebamask19 } from '../labels/celebamask-19.ts';
import { buildReport } from './build-report.ts';
import type { ReportFacts } from './facts/report-facts.ts';
import { writeFigures } from './figures/write-figures.ts';
import { reportSource } from './report-source.ts';
import { limitsSection } from './sections/closing.ts';
import { bibliography } from './typst/references.ts';

const imageNet: Preprocessing = {
  size: 96,
  resize: 'stretch-area-bilinear',
  mean: [0.485, 0.456, 0.406],
  std: [0.229, 0.224, 0.225],
};
const figures = {
  network: 'figures/network.svg',
  loss: 'figures/loss.svg',
  score: 'figures/score.svg',
  confusion: 'figures/confusion.svg',
  failures: [],
};

function sourceOf(overrides: readonly string[], head: Partial<ReportFacts> = {}): string {
  return reportSource({ ...reportFacts(overrides, head), figures });
}

describe('the text of a report', () => {
  it('describes and cites the features that the run used', () => {
    const text = sourceOf([
      'loss.lovasz=0.5',
      'loss.jaccard=1',
      'loss.focal=1',
      'loss.tversky=1',
      'loss.labelSmoothing=0.05',
      'data.augmentation.copyPaste.probability=0.3',
      'data.augmentation.cutMix=0.25',
      'data.oversample={hat: 3}',
      'train.resolutions=[{until: 0.5, size: 32}]',
    ]);
    for (const wanted of [
      '@lovasz',
      'soft Dice, Lovász-softmax, soft Jaccard, focal loss and Tversky: $L =',
      '*Soft Jaccard* @jaccard over',
      '*Focal loss* @focal over',
      '*Tversky* @tversky over',
      '@label-smoothing',
      '@copy-paste',
      '@cutmix',
      'hat ×3',
      '32² until 50\u00a0%, then 256²',
    ]) {
      expect(text).toContain(wanted);
    }
    expect(bibliography(text)).toMatch(/@inproceedings\{lovasz,[\s\S]*@inproceedings\{sgdr,/);
  });

  it('lists all engines and lengths of a run that was resumed with different ones', () => {
    const cpu = 'a #cpu';
    const native = { name: 'native', device: 'cpu', threads: 2 };
    const resumes = [
      { step: 40, cpu, engine: native, length: '20 epochs' },
      { step: 1500, cpu, engine: { name: 'onnx', device: 'webgpu', threads: 4 }, length: '20 epochs' },
    ];
    const { run } = reportFacts([]);
    const environment = { ...run.environment, length: '10 epochs', resumes };
    const text = sourceOf([], { run: { ...run, environment } });
    expect(text).toContain(
      'on 2 threads of a CPU (a \\#cpu), without a GPU, with the native engine; ' +
        'from step 1,500 on: webgpu with 4 threads of a CPU (a \\#cpu), with the onnx engine.',
    );
    expect(text).toContain(
      'Its length was changed when it was resumed: 10 epochs at first, 20 epochs from step 40 on.',
    );
    const same = sourceOf([], { run: { ...run, environment: { ...environment, resumes: [] } } });
    expect(same).toContain('on 2 threads of a CPU (a \\#cpu), without a GPU.');
  });

  it('does not describe features that the run did not use', () => {
    const text = sourceOf([
      'model.name=mobile-unet',
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
      /lovász|dice|adamw|sgdr|warm|decays|clip|polyak|moving average|weight averaging|copy-paste|cutmix|flip|rotation|coordconv|senet|pyramid|weight decay|one bilinear warp/i,
    );
    expect(text).toContain('SGD, momentum 0.9');
    expect(bibliography(text)).not.toMatch(/adamw|dice|polyak/);
  });

  it.each<[string[], string[]]>([
    [
      ['train.schedule=onecycle', 'train.optimizer.kind=adam'],
      [
        'Adam @adam, $beta$',
        'one cycle @one-cycle from 1/25 of the peak, which is at 30\u00a0% of the run',
        'rises to its peak',
      ],
    ],
    [
      ['train.schedule=step', 'train.finalShare=0.01', 'train.encoderLrFactor=0.1'],
      [
        '× 0.1 at 50\u00a0% and 75\u00a0% of the run, at least 1\u00a0% of the peak',
        '[learning rate of the encoder], [× 0.1]',
      ],
    ],
    [
      ['train.schedule=step', 'train.scheduleOptions.every=0.2', 'train.optimizer.kind=muon'],
      [
        '× 0.1 every 20\u00a0% of the run',
        'reduced in steps',
        'Muon @muon, momentum 0.95, for convolution kernels; AdamW @adamw',
      ],
    ],
    [
      [
        'train.schedule=cosine-restarts',
        'train.scheduleOptions.cycleFactor=2',
        'train.freeze.encoder=true',
        'train.freeze.batchNorm=all',
      ],
      ['first cycle 25\u00a0% of the run, each 2 times as long', '[frozen], [encoder and batch normalisation]'],
    ],
    [
      ['train.schedule=plateau', 'train.scheduleOptions.watch=valLoss', 'train.earlyStopping.patience=9'],
      [
        '× 0.1 after 4 validations without improvement of validation loss',
        'reduced whenever validation loss stops improving',
        'after 9 validations without improvement of validation F',
      ],
    ],
  ])('describes the settings %j', (overrides, wanted) => {
    const text = sourceOf(overrides);
    for (const part of wanted) expect(text).toContain(part);
  });

  it('says why a run stopped early', () => {
    const { run } = reportFacts(['train.earlyStopping.patience=2']);
    const metrics = [...run.metrics.slice(0, -1), { ...run.metrics.at(-1)!, valF: 0.5, staleValidations: 2 }];
    const text = sourceOf(['train.earlyStopping.patience=2'], { run: { ...run, metrics } });
    expect(text).toContain('Training stopped early, because validation F had not improved in 2 validations.');
    expect(text).not.toContain('The run is not finished');
    expect(text).not.toContain('so the last steps are small');
  });

  it('says how often a plateau has reduced the learning rate', () => {
    const { run } = reportFacts([]);
    const source = (rates: readonly number[], environment = {}) => {
      const lines = rates.map((learningRate, index) => ({ step: index + 1, epoch: 0.1, seconds: index, learningRate }));
      const { learningRate: _, ...last } = run.metrics.at(-1)!;
      const metrics = [...lines, last];
      const { config } = reportFacts(['train.schedule=plateau']).run;
      const given = { ...run, config, metrics, environment: { ...run.environment, ...environment } };
      return sourceOf(['train.schedule=plateau'], { run: given });
    };
    const sentence = 'It is then reduced whenever validation F stops improving';
    expect(source([0.001, 0.002, 0.002])).toContain(`${sentence}, which did not happen in this run.`);
    expect(source([0.001, 0.002, 0.0002])).toContain(`${sentence}, which happened once in this run.`);
    expect(source([0.002, 0.0002, 0.0002, 0.00002])).toContain(`${sentence}, which happened 2 times in this run.`);
    const resumes = [{ step: 2, changes: [{ key: 'train.lr', from: 0.002, to: 0.001 }] }];
    expect(source([0.002, 0.001], { resumes })).toContain(`${sentence}.`);
  });

  it('says what surrounds photos that are made smaller', () => {
    const ignored = 'Pixels outside the photo, introduced by rotation, shift or scaling, are ignored.';
    const textures = 'Random textures, labelled as background, surround a photo';
    expect(sourceOf([])).toContain(ignored);
    expect(sourceOf([])).not.toMatch(/further shrinking|Random textures/);
    const still = ['rotation', 'scale', 'shift'].map((key) => `data.augmentation.${key}=0`);
    expect(sourceOf(still)).not.toContain(ignored);
    expect(sourceOf([...still, 'data.augmentation.shrink=1.4'])).toContain(ignored);
    const wild = sourceOf([...still, 'data.augmentation.shrink=1.4', 'data.augmentation.outside=texture']);
    expect(wild).toContain('[further shrinking], [× $e^(-s)$, $s$ from 0 to 1.4]');
    expect(wild).toContain(textures);
    expect(wild).not.toContain(ignored);
    expect(sourceOf([...still, 'data.augmentation.outside=texture'])).not.toContain(textures);
  });

  it('omits regularisation without any, and augmentation if images are only oversampled', () => {
    const none = [
      'train.averageDecay=0',
      'train.optimizer.weightDecay=0',
      'train.warmup=0',
      ...['flip', 'rotation', 'scale', 'shift', 'brightness', 'contrast', 'saturation'].map(
        (key) => `data.augmentation.${key}=0`,
      ),
    ];
    const text = sourceOf(none);
    expect(text).not.toMatch(/\*Regularisation\.|tab-augmentation|It then decays/);
    expect(text).toContain('The learning rate decays from the first step');
    const oversampled = sourceOf([...none, 'data.oversample={hat: 3}']);
    expect(oversampled).not.toMatch(/at random|tab-augmentation/);
    expect(oversampled).toContain('[oversampling], [hat ×3]');
  });

  it('does not mention sides and hair for label sets without them', () => {
    const told = /swapped|left and right|as hair/;
    expect(sourceOf([])).toMatch(told);
    expect(sourceOf(['data.labels=face-8'])).not.toMatch(told);
  });

  it('describes the preprocessing of the weights', () => {
    const { network } = reportFacts([]);
    expect(sourceOf([])).toContain(
      'A photo is resized to 64 × 64 pixels and its channels are scaled from 0–1 to −2–2 (#box[$(x - 0.5) slash 0.25$]), in both training and prediction.',
    );
    expect(sourceOf([], { network: { ...network, preprocessing: imageNet } })).toContain(
      'A photo is resized to 96 × 96 pixels and the values 0–1 of its channels become #box[$(x - mu) slash sigma$] with ' +
        '#box[$mu = (0.485, 0.456, 0.406)$] and #box[$sigma = (0.229, 0.224, 0.225)$] for red, green and blue, in both training and prediction.',
    );
    const centred: Preprocessing = { ...imageNet, mean: [0.5, 0.5, 0.5], std: [0.3, 0.3, 0.3] };
    expect(sourceOf([], { network: { ...network, preprocessing: centred } })).toContain(
      'its channels are scaled from 0–1 to −1.67–1.67 (#box[$(x - 0.5) slash 0.3$]), in both training',
    );
  });

  it('describes the initial weights as the environment records them', () => {
    const { run } = reportFacts([]);
    const trainingData = { folder: 'x/train', pairs: 1000 };
    const from = (environment: object) =>
      sourceOf([], { run: { ...run, environment: { ...run.environment, ...environment } } });
    expect(from({ trainingData, initialWeights: 'random, seed 3' })).toContain(
      'It was trained from random weights on 1,000 pairs only, without pretraining or other data, in',
    );
    const heldOut = { folds: 5, fold: 2, pairs: 200 };
    expect(from({ trainingData: { ...trainingData, heldOut } })).toContain(
      '200 further pairs of the training data, fold 2 of 5, were held out: the network never saw them.',
    );
    expect(from({ trainingData, initialWeights: 'imagenet #1' })).toContain(
      'It was trained on 1,000 pairs from initial weights recorded as “imagenet \\#1”, in',
    );
    const sum = '0123456789abcdef'.repeat(4);
    expect(from({ trainingData, initialWeights: `smp.pth, SHA-256 ${sum}, trained elsewhere` })).toContain(
      'recorded as “smp.pth, SHA\\-256 0123456789ab, trained elsewhere”',
    );
    expect(from({})).toContain('It was trained in 50 seconds');
    const first = { name: 'first #1', step: 20, initialWeights: 'random, seed 4', trainingData: [trainingData] };
    expect(from({ trainingData, initialWeights: 'a.safetensors', initialRun: first })).toContain(
      'It was trained on 1,000 pairs from the weights of an earlier run, “first \\#1” (20 steps), which started from random weights; this run was trained in 50 seconds',
    );
    const second = { ...first, name: 'second', initialWeights: 'a.safetensors', initialRun: first };
    expect(from({ trainingData, initialWeights: 'b.safetensors', initialRun: second })).toContain(
      'an earlier run, “first \\#1” (20 steps), then “second” (20 steps), which started from random weights;',
    );
  });

  it('says which settings and data were changed at which step', () => {
    const { run } = reportFacts([]);
    const trainingData = { folder: 'y/train', pairs: 30 };
    const changes = [
      { key: 'train.epochs', from: 5, to: 10 },
      { key: 'train.lr', from: 0.002, to: 0.0005 },
    ];
    const engine = { name: 'native', device: 'cpu', threads: 1 };
    const resumes = [{ step: 50, cpu: 'a', engine, changes, trainingData }];
    const environment = { ...run.environment, trainingData: { ...trainingData, pairs: 24 }, resumes };
    const source = sourceOf([], { run: { ...run, environment: { ...environment, initialWeights: 'random, seed 0' } } });
    expect(source).toContain('It was trained from random weights on 24 pairs and 30 pairs only');
    expect(source).toContain(
      'From step 50 on, #raw("train.lr") was 0.0005 instead of 0.002 and the training pairs were read from another folder (30 pairs). The tables below show the last settings.',
    );
  });

  it.each([
    [[], 'The loss is computed at the resolution of the logits'],
    [['train.labelSize=128', 'train.size=256'], 'The loss is computed at the resolution of the logits'],
    [['train.labelSize=256', 'train.size=256'], 'the resolution of the labels: 128² upsampled to 256².'],
    [['train.labelSize=64', 'train.size=256'], 'the resolution of the labels: 128² downsampled to 64².'],
    [
      ['train.size=256', 'train.resolutions=[{until: 0.5, size: 64, labelSize: 64}]'],
      'the resolution of the labels: 32² upsampled to 64²; in the other stages the loss is computed at the resolution of the logits.',
    ],
  ])('with %j states the resolution of the loss', (overrides, said) => {
    expect(sourceOf(overrides)).toContain(said);
  });

  it('weights each share of a smoothed label by its own class', () => {
    const weights = `loss.classWeights=[${'1,'.repeat(18)}2]`;
    const [plain, smoothed] = [[weights], [weights, 'loss.labelSmoothing=0.1']].map((overrides) => sourceOf(overrides));
    expect(plain).toContain('/ (sum_i w_(y_i)) sum_(i in Omega) w_(y_i) log p_(i y_i). $');
    expect(smoothed).toContain('/ (sum_i w_(y_i)) sum_(i in Omega) sum_c w_c t_(i c) log p_(i c). $');
  });

  it('is correct for a run that stopped before its first validation', () => {
    const { run, network } = reportFacts([
      'train.epochs=1',
      'train.resolutions=[{until: 0.4, size: 32}, {until: 0.8, size: 64}]',
    ]);
    const stopped = { ...run, metrics: [{ step: 64, epoch: 0.64, seconds: 5, loss: 2, learningRate: 1e-3 }] };
    const text = reportSource({
      ...reportFacts([]),
      run: stopped,
      network: { ...network, weightsAre: 'last', step: 64 },
      figures: { network: 'n.svg', loss: 'l.svg', failures: [] },
    });
    expect(text).toContain(
      'The weights are the last ones saved (step 64, epoch 0.6), because the run had no validation yet.',
    );
    expect(text).toContain('The run is not finished: when this report was written, it had reached epoch 0.6 of 1.');
    expect(text).toContain('was planned to change in 3 stages; the run reached the first 2.');
    expect(text).toContain('caption: [Training: loss and learning rate.]');
    expect(text).not.toMatch(/highest validation F|was selected|last steps are small|The image size grows/);
  });

  it('names the images that selected the weights, if known', () => {
    const measured = { summary: { images: 8, perClass: [] } };
    const chosen = (overrides: readonly string[], head: object) =>
      limitsSection({ ...reportFacts(overrides), measured, ...head } as unknown as ReportFacts);
    expect(chosen([], { hasOwnData: true })).toContain('was selected by its F on the validation images, and');
    expect(chosen(['validation.limit=4'], { hasOwnData: true })).toContain(
      'was selected by its F on the first 4 validation images, and',
    );
    expect(chosen(['validation.limit=9'], { hasOwnData: true })).toContain(
      'was selected by its F on the validation images, and',
    );
    expect(chosen([], { hasOwnData: false })).not.toContain('selected');
    expect(chosen([], { hasOwnData: true, measured: undefined })).not.toContain('selected');
  });

  it('reports F on the images of curves and table if training scored only the first', () => {
    const perClass = celebamask19.classes.map(({ id }) => ({
      id,
      meanImageF1: [0, 0, 0.8, 0.9, 0.7, 0.6][id] ?? 0,
      images: id > 5 ? 0 : id === 0 ? 3 : 4,
      truthPixels: id > 5 ? 0 : 9,
      predictedPixels: id > 5 ? 0 : 9,
      ...{ precision: 1, recall: 1, f1: 1, iou: 1 },
    }));
    const ratios = { precision: 1, recall: 1, f1: 1, iou: 1 };
    const summary = {
      images: 4,
      fPerImage: 0.5,
      perClass,
      macro: { withBackground: ratios, withoutBackground: ratios },
      pixelAccuracy: 1,
      confusion: new Float64Array(19 * 19),
    };
    const images = [0.8, 0.6, 0.4, 0.2].map((f) => ({ score: { f, perClass: [] } }));
    const measured = { labelSet: celebamask19, summary, images, worst: [], wrongNearBorders: 0 };
    const text = sourceOf(['validation.limit=2'], { measured, hasOwnData: true } as unknown as Partial<ReportFacts>);
    expect(text).toContain('it reaches an F (per image) of *0.5000* on 4 validation images.');
    expect(text).toContain('scored only the first 2 validation images, on which F is 0.7000. F in @fig-curves refers');
    expect(text).toContain('F (per image) on the first 2 validation images (right).');
    expect(text).toContain('2 of the 6 classes have an F of 0.00: skin and background, in order of frequency.');
    expect(text).toContain(
      '2 of the 6 classes have an F of 0.00; of the others, the weakest by mean F are r\\_eye (0.60), l\\_eye (0.70) and nose (0.80).',
    );
    const all = sourceOf([], { measured, hasOwnData: true } as unknown as Partial<ReportFacts>);
    expect(all).not.toContain('validations during training');
    expect(all).toContain('F (per image) on the validation images (right).');
  });

  it('uses the singular for one', () => {
    const text = sourceOf(['train.epochs=1', 'train.minutes=1']);
    expect(text).toContain('[planned length], [1 minute]');
    expect(sourceOf(['train.epochs=1'])).toContain('[length], [1 epoch]');
    expect(text).not.toMatch(/\b1 (epochs|minutes|pairs|images|views|threads|steps|seconds)\b/);
  });

  it('describes how predictions are averaged', () => {
    const text = sourceOf([], { averaging: { flip: true, sides: [320, 384, 448] } });
    expect(text).toContain('For prediction, a photo is resized to 320 × 320, 384 × 384 and 448 × 448 pixels');
    expect(text).toContain('sees the photo and its mirror image at all sizes, 6 views in all');
    expect(text).toContain('sees them at 320² to 448²');
    expect(text).not.toContain('No test-time augmentation');
    expect(sourceOf([], { averaging: { flip: false, sides: [64, 96] } })).toContain('sees the photo at both sizes.');
  });

  it('does not say that the only validation selected the weights', () => {
    const { run } = reportFacts([]);
    const once = { ...run, metrics: run.metrics.slice(-1) };
    const text = sourceOf([], { run: once, hasOwnData: true, measured: undefined });
    expect(text).toContain('The weights are those of the only validation.');
    expect(text).not.toContain('highest validation F');
    const measured = { summary: { images: 8, perClass: [] } };
    const limits = limitsSection({
      ...reportFacts([]),
      run: once,
      measured,
      hasOwnData: true,
    } as unknown as ReportFacts);
    expect(limits).toContain('Hyperparameters are usually tuned on the validation set');
    expect(limits).not.toContain('was selected');
  });

  it('has no semicolon that Typst would take as the end of an expression', () => {
    const everything = ['loss.lovasz=1', 'loss.auxiliary=0.4', 'train.minutes=3', 'data.augmentation.cutMix=0.1'];
    for (const overrides of [everything, ['model.name=mobile-unet'], ['train.resolutions=[{until: 0.5, size: 64}]']]) {
      const averaging = { flip: true, sides: [320, 384] };
      expect(sourceOf(overrides)).not.toMatch(endedBySemicolon);
      expect(sourceOf(overrides, { averaging })).not.toMatch(endedBySemicolon);
    }
    expect('keys #raw("a=(1);"); the').toMatch(endedBySemicolon);
    expect('10#super[9]; the').toMatch(endedBySemicolon);
  });

  it('escapes names as text', () => {
    const text = sourceOf([], { title: 'T" #read("x")', author: '*A* _b_', id: '#import' });
    expect(text).toContain('#set document(title: "T\\" #read(\\"x\\")", author: "*A* _b_", date: none)');
    expect(text).toContain('\\*A\\* \\_b\\_, \\#import');
    expect(text).toContain('a \\#cpu');
  });

  it('does not contain the name of a package that only looks like an import', async () => {
    const text = sourceOf([], { title: '@preview/x:1.0.0', author: '@preview/x:1.0.0' });
    expect(text).not.toMatch(/"@/);
    expect(text).toContain('(title: "\\u{40}preview/x:1.0.0", author: "\\u{40}preview/x:1.0.0"');
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
        'loss.jaccard=1',
        'loss.focal=0.5',
        'loss.tversky=0.25',
        'loss.tverskySmooth=0',
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
        'model.name=mobile-unet',
        'loss.crossEntropy=0',
        'train.optimizer.kind=sgd',
        'train.optimizer.nesterov=true',
        'train.schedule=polynomial',
        'train.finalShare=0.1',
        'data.labels=face-8',
      ],
    ],
    ['with one cycle', ['train.schedule=onecycle', 'train.optimizer.kind=adam']],
    ['with Muon', ['train.optimizer.kind=muon']],
  ])('compiles %s', async (name, overrides) => {
    const out = join(folder, name);
    await mkdir(out);
    const head = { title: '= $ # < "', author: "É. O'Neil-Ångström", id: '\\u{41}' };
    const { network } = reportFacts(overrides);
    const facts = reportFacts(overrides, { ...head, network: { ...network, preprocessing: imageNet } });
    const source = reportSource({ ...facts, figures: await writeFigures(out, facts) });
    await writeFile(join(out, 'report.typ'), source);
    await writeFile(join(out, 'references.bib'), bibliography(source));
    expect((await buildReport(out)).pages).toBeLessThanOrEqual(5);
  });
});
