import { z } from 'zod';
import { noAugmentation } from '../data/augmentation/augment.ts';
import { checkPasteLabels, pasteableClasses } from '../data/augmentation/copy-paste-rules.ts';
import { resizeRuleOf } from '../image/preprocessing.ts';
import { celebamask19 } from '../labels/celebamask-19.ts';
import { findClass } from '../labels/find-class.ts';
import type { LabelSetChoice } from '../labels/label-table.ts';
import { parseLabelTable } from '../labels/parse-label-table.ts';
import { getLabelSet, listLabelSets } from '../labels/registry.ts';
import { lossKeys, maxWeight } from '../losses/registry.ts';
import { getArchitecture, listModels } from '../models/registry.ts';
import { completeSettings, rateWanted, settingFaults } from '../models/settings.ts';
import { faultOf } from '../text/fault-of.ts';
import { earlyStopping, encoderLrFactor, freeze, optimizer, schedule, scheduleOptions } from './training-groups.ts';

const share = z.number().min(0).max(1);
const positive = z.number().positive();
const whole = z.number().int();
const factorWanted = 'the factor must be a number from 1 to 100';

/** Length of a run in epochs if a configuration sets none. */
export const defaultEpochs = 30;

/** Checks of a group also run if a key of it is wrong, so that all faults are found at once. */
const always = { when: ({ value }: { readonly value: unknown }) => typeof value === 'object' && value !== null };

/** The keys of a group that are already known to be wrong. */
function wrongKeys({ issues }: { readonly issues: readonly { readonly path?: PropertyKey[] }[] }): Set<PropertyKey> {
  return new Set(issues.flatMap(({ path = [] }) => path.slice(0, 1)));
}

/** A label table with its defaults filled in; every fault of it is an issue. */
const labels = z
  .union([z.string(), z.record(z.string(), z.unknown())])
  .meta({ title: 'a name, or a table of name, classes, drop and pairs' })
  .default(celebamask19.name)
  .transform((given, context): LabelSetChoice => {
    if (typeof given === 'string') return given;
    const { table, faults } = parseLabelTable(given);
    for (const { path, message } of faults) {
      context.issues.push({ code: 'custom', input: given, path: [...path], message });
    }
    return table ?? celebamask19.name;
  });

const copyPaste = z
  .strictObject({
    probability: share
      .default(0)
      .describe('Probability of pasting a class from another image, if the rules of the class find room for it'),
    classes: z
      .array(z.enum(pasteableClasses))
      .min(1)
      .default([...noAugmentation.copyPaste.classes])
      .describe('Classes to paste, with equal probability; requires data.labels celebamask-19'),
  })
  .prefault({});

const augmentation = z
  .strictObject({
    flip: share.default(0.5).describe('Probability of a horizontal flip'),
    flipSwap: z
      .boolean()
      .default(true)
      .describe('Swap left and right labels when flipping; disable only for ablations'),
    rotation: z.number().min(0).max(180).default(18).describe('Rotation in degrees, drawn uniformly from ± this value'),
    scale: z
      .number()
      .min(0)
      .max(2)
      .default(0.22)
      .describe('Scale factor e^s, with s drawn uniformly from ± this value'),
    shrink: z
      .number()
      .min(0)
      .max(2)
      .default(0)
      .describe('Further shrinking by a factor e^-s, with s drawn uniformly from 0 to this value (1.4 is a quarter)'),
    shift: share.default(0.06).describe('Shift as a fraction of the side, drawn uniformly from ± this value'),
    brightness: share.default(0.2).describe('Brightness factor, drawn uniformly from 1 ± this value'),
    contrast: share.default(0.2).describe('Contrast factor about mid-grey, drawn uniformly from 1 ± this value'),
    saturation: share.default(0.2).describe('Saturation factor, drawn uniformly from 1 ± this value'),
    grayscale: share.default(0).describe('Probability of conversion to greyscale'),
    blur: share
      .default(0)
      .describe('Probability of a Gaussian blur, with sigma drawn uniformly from 0.4 to 1.2 pixels'),
    jpeg: share.default(0).describe('Probability of JPEG artefacts, with quality drawn uniformly from 20 to 80'),
    noise: share
      .default(0)
      .describe(
        'Standard deviation of pixel noise, drawn uniformly from 0 to this fraction of the range (0.02 is 5 of 255)',
      ),
    cutMix: share
      .default(0)
      .describe('Probability of CutMix: a rectangle of 10 % to 40 % of the area comes from another augmented image'),
    copyPaste,
    outside: z
      .enum(['ignore', 'texture'])
      .default(noAugmentation.outside)
      .describe(
        'Area outside a photo that is rotated, shifted or made smaller. ignore: repeats the border of the photo, and the loss ignores it; texture: random textures, labelled as background',
      ),
  })
  .prefault({});

/** Why a fold cannot be held out; undefined if it can. */
function faultOfFold(folds: number | undefined, fold: number): string | undefined {
  if (folds === undefined) return fold === 0 ? undefined : `fold is ${fold}, but data.folds is not set; set both`;
  return fold < folds ? undefined : `fold is ${fold}, but with folds=${folds} the last one is ${folds - 1}`;
}

const data = z
  .strictObject({
    labels: labels.describe(
      'Label set: celebamask-19, face-8, or a table that merges and drops classes of celebamask-19 (see data.md)',
    ),
    resize: z
      .enum(Object.keys(resizeRuleOf) as (keyof typeof resizeRuleOf)[])
      .default('stretch')
      .describe(
        'How photos become square: stretch changes their aspect ratio; letterbox keeps it and pads them with grey, which loss and scores ignore',
      ),
    repair: z.boolean().default(true).describe('Repair training masks with swapped left and right labels'),
    folds: whole
      .min(2)
      .max(20)
      .optional()
      .describe(
        'Number of folds for cross-validation: one of them, data.fold, is held out of training. A pair belongs to a fold by its file name. Default: no folds, all training pairs are used',
      ),
    fold: whole.min(0).max(19).default(0).describe('Index of the held-out fold, from 0; requires data.folds'),
    cacheSize: whole.min(32).max(1024).default(512).describe('Side of cached decoded images in pixels'),
    diskCache: z.boolean().default(false).describe('Cache decoded images on disk for later runs, in the cache folder'),
    workers: whole.min(0).max(16).default(1).describe('Threads that prepare batches'),
    oversample: z
      .record(z.string(), z.number(factorWanted).min(1, factorWanted).max(100, factorWanted))
      .default({})
      .describe(
        'Sampling factors for images that contain a class, such as {hat: 3, ear_r: 1.5}; the largest factor of an image applies',
      ),
    augmentation,
  })
  .superRefine(({ labels, oversample, augmentation, folds, fold }, context) => {
    const wrong = wrongKeys(context);
    const foldFault = wrong.has('folds') || wrong.has('fold') ? undefined : faultOfFold(folds, fold);
    if (foldFault) context.addIssue({ code: 'custom', path: ['fold'], message: foldFault });
    // An unknown label set is reported where label sets are looked up.
    if (wrong.has('labels') || (typeof labels === 'string' && !listLabelSets().includes(labels))) return;
    const set = getLabelSet(labels);
    for (const name of wrong.has('oversample') ? [] : Object.keys(oversample)) {
      const problem = faultOf(() => findClass(set, name));
      if (problem) context.addIssue({ code: 'custom', path: ['oversample', name], message: problem });
    }
    if (wrong.has('augmentation')) return;
    const problem = faultOf(() => checkPasteLabels(set, augmentation.copyPaste));
    if (problem)
      context.addIssue({ code: 'custom', path: ['augmentation', 'copyPaste', 'probability'], message: problem });
  }, always)
  .prefault({});

const model = z
  .strictObject({
    name: z.string().default('compact').describe('Network architecture; `faceparse models` lists all'),
    encoder: z
      .string()
      .optional()
      .describe('Encoder of architectures that take one; default: the one of the architecture'),
    // The network knows which values of its settings are possible; see `settingFaults`.
    depth: whole
      .optional()
      .describe('Number of strides of the encoder that are used; default: the one of the architecture'),
    outputStride: whole
      .optional()
      .describe(
        'Stride of the deepest features; the encoder replaces further strides by dilation. Default: the one of the architecture',
      ),
    dropout: z
      .number()
      .meta({ title: rateWanted })
      .optional()
      .describe('Dropout rate of the decoder; default: the one of the architecture'),
    stochasticDepth: z
      .number()
      .meta({ title: rateWanted })
      .optional()
      .describe('Rate at which the last residual branch of the encoder is dropped; default: the one of the encoder'),
  })
  .superRefine(({ name, ...settings }, context) => {
    // An unknown architecture is reported where architectures are looked up.
    if (!listModels().includes(name)) return;
    const wrong = wrongKeys(context);
    for (const { setting, message } of settingFaults(name, getArchitecture(name).settings, settings)) {
      if (!wrong.has(setting)) context.addIssue({ code: 'custom', path: [setting], message });
    }
  }, always)
  .prefault({});

function lossGroup() {
  const { crossEntropy, dice, diceSmooth, lovasz, labelSmoothing, classWeights, ...laterLossKeys } = lossKeys;
  return z
    .strictObject({
      // The original order of files; later losses need not be listed here.
      crossEntropy,
      dice,
      diceSmooth,
      lovasz,
      labelSmoothing,
      auxiliary: z
        .number()
        .min(0)
        .max(maxWeight)
        .default(0)
        .describe(
          "Weight of the losses at the network's auxiliary heads, which are used in training only; 0 omits them. The paper of ICNet uses 0.4, the paper of BiSeNet 1",
        ),
      classWeights,
      ...laterLossKeys,
    })
    .prefault({});
}

const train = z
  .strictObject({
    size: whole.min(32).max(1024).default(256).describe('Side of the network input in pixels'),
    labelSize: whole
      .min(16)
      .max(1024)
      .optional()
      .describe('Side of the labels in the loss; default: the side of the logits'),
    resolutions: z
      .array(
        z.strictObject({
          until: z.number().gt(0).lt(1),
          size: whole.min(32).max(1024),
          labelSize: whole.min(16).max(1024).optional(),
        }),
      )
      .max(16)
      .default([])
      .describe(
        'Sizes used before train.size, such as [{until: 0.5, size: 128}], to train on small images first. Each lasts until that ' +
          'fraction of the steps, or of the time if minutes is set; labelSize defaults to the side of the logits',
      ),
    batchSize: whole.min(1).max(1024).default(8).describe('Images per batch'),
    accumulate: whole
      .min(1)
      .max(1024)
      .default(1)
      .describe('Gradient accumulation: batches per update. A step uses batchSize × accumulate images'),
    epochs: positive
      .max(100000)
      .default(defaultEpochs)
      .describe('Length of the run in epochs, including the earlier parts of a resumed run; minutes replaces it'),
    minutes: positive
      .max(100000)
      .optional()
      .describe(
        'Length of the run in minutes, including the earlier parts of a resumed run; if it is set, epochs has no effect',
      ),
    lr: positive.max(10).default(2e-3).describe('Peak learning rate'),
    encoderLrFactor,
    schedule,
    warmup: share.default(0.03).describe('Length of the warm-up as a fraction of the run'),
    finalShare: share
      .default(0)
      .describe('Final learning rate as a fraction of the peak; for step and plateau, the lowest one'),
    clipNorm: z.number().min(0).default(1).describe('Maximum gradient norm; 0 disables clipping'),
    averageDecay: z
      .number()
      .min(0)
      .max(0.99999)
      .default(0.998)
      .describe('Decay of the moving average of the weights (EMA); 0 disables it'),
    seed: whole
      .min(0)
      .max(2 ** 31)
      .default(0)
      .describe('Random seed for initial weights, order and augmentation'),
    init: z
      .string()
      .min(1)
      .optional()
      .describe(
        'Initial weights: a run folder, a weights file (.safetensors), or weights of PyTorch (.pth), of the same network or of its encoder alone; default: random weights',
      ),
    initPart: z
      .enum(['all', 'body', 'encoder'])
      .default('all')
      .describe(
        'Part of train.init to use: all, body (everything but the head, for other classes) or encoder; the rest starts from random weights',
      ),
    checkpointMinutes: z
      .number()
      .min(0)
      .max(100000)
      .default(5)
      .describe('Minutes between checkpoints, in addition to the one at each validation; 0 disables these'),
    optimizer,
    scheduleOptions,
    earlyStopping,
    freeze,
  })
  .superRefine(({ init, initPart }, context) => {
    if (init !== undefined || initPart === 'all' || wrongKeys(context).has('initPart')) return;
    const message = `initPart is ${initPart}, but train.init does not give any weights; set both`;
    context.addIssue({ code: 'custom', path: ['initPart'], message });
  }, always)
  .prefault({});

const validation = z
  .strictObject({
    every: positive.default(2).describe('Epochs between validations'),
    limit: whole.min(1).optional().describe('Maximum number of validation images during training; default: all'),
    trainImages: whole
      .min(0)
      .max(10_000)
      .default(30)
      .describe(
        'Training images scored at each validation, without augmentation, to show overfitting; at most as many as validation images; 0 disables',
      ),
  })
  .prefault({});

const parameters = z
  .strictObject({
    limit: whole.min(1).optional().describe('Networks with this many trainable parameters or more are refused'),
  })
  .prefault({});

const engine = z
  .strictObject({
    name: z
      .enum(['auto', 'native', 'onnx', 'reference'])
      .default('auto')
      .describe('Compute engine; auto selects native if its add-on is built, else onnx'),
    device: z
      .enum(['cpu', 'webgpu', 'cuda', 'dml'])
      .default('cpu')
      .describe('Device of the onnx engine; `faceparse doctor` lists the available ones'),
    threads: whole.min(1).max(256).optional().describe('Threads of the engine; default: the number of cores'),
  })
  .prefault({});

/** The schema of a training configuration, for YAML files and dotted overrides. Unknown keys are errors. */
export const configSchema = configSchemaWith(lossGroup());

/** `configSchema` including losses registered later. */
export function currentConfigSchema(): typeof configSchema {
  return configSchemaWith(lossGroup());
}

function configSchemaWith(loss: ReturnType<typeof lossGroup>) {
  return z.strictObject({
    name: z
      .string()
      .regex(/^[A-Za-z0-9._-]{1,100}$/, 'at most 100 letters, digits, dots, dashes and underscores')
      .default('run')
      .describe('Name of the run; default: the name of the file'),
    model,
    data,
    loss,
    train,
    validation,
    parameters,
    engine,
  });
}

/** A configuration with every default filled in. */
export type Config = z.output<typeof configSchema>;

/** A configuration with the settings of its network filled in. Unknown networks are reported where they are looked up. */
export function withModelSettings(config: Config): Config {
  const { name, ...given } = config.model;
  if (!listModels().includes(name)) return config;
  return { ...config, model: { name, ...completeSettings(name, getArchitecture(name).settings, given) } };
}

/** Images per optimiser step. */
export function imagesPerStep({ batchSize, accumulate }: Pick<Config['train'], 'batchSize' | 'accumulate'>): number {
  return batchSize * accumulate;
}
