import { formatShape, type Tensor } from '../graph/graph.ts';
import { defaultPreprocessing } from '../image/preprocessing.ts';
import { Scope } from '../nn/scope.ts';
import { describeValue } from '../text/describe-value.ts';
import { FaceparseError } from '../text/errors.ts';
import { ofSameNumbers, suggestName } from '../text/similar-names.ts';
import { bisenet, bisenetSpatial } from './architectures/bisenet.ts';
import { compact, compactAligned, compactDeep, compactFine, compactWide } from './architectures/compact.ts';
import { deeplabv3plus } from './architectures/deeplabv3plus.ts';
import { deeplabv3plusEfficientnetB0Lite } from './architectures/deeplabv3plus-lite.ts';
import { icnet } from './architectures/icnet.ts';
import { linknet } from './architectures/linknet.ts';
import { mobileUnet } from './architectures/mobile-unet.ts';
import { pspnet } from './architectures/pspnet.ts';
import { pspnetResnet50Conv3 } from './architectures/pspnet-conv3.ts';
import { unet } from './architectures/unet.ts';
import { getEncoder } from './encoders/registry.ts';
import type { Architecture, Model, NetworkOutput } from './model.ts';
import { checkEntry } from './registry-entry.ts';
import { completeSettings, type ModelSettings, modelTitle, settingNames } from './settings.ts';

const architectures: Architecture[] = [
  compact,
  compactAligned,
  compactDeep,
  compactFine,
  compactWide,
  mobileUnet,
  pspnetResnet50Conv3,
  deeplabv3plusEfficientnetB0Lite,
  pspnet,
  deeplabv3plus,
  unet,
  linknet,
  icnet,
  bisenet,
  bisenetSpatial,
];

/** Lists the names of all architectures, or of those that match a pattern with `*`. */
export function listModels(pattern = '*'): string[] {
  const expression = new RegExp(`^${pattern.replace(/[.+?^${}()|[\]\\]/g, '\\$&').replaceAll('*', '.*')}$`);
  return architectures.map(({ name }) => name).filter((name) => expression.test(name));
}

/**
 * Adds an architecture to the registry. It can then be trained, and its weights loaded, under its name.
 *
 * @throws FaceparseError (exit code 2) if the name is taken or invalid, or another property is unusable
 *
 * @example registerModel({ name: 'tiny', summary: 'Three convolutions.', multiple: 8, build: (scope, x, classes) => … });
 */
export function registerModel(architecture: Architecture): void {
  const { name, multiple, build } = architecture;
  checkEntry(architecture, 'a model', listModels());
  if (!Number.isInteger(multiple) || multiple < 1) {
    throw refused(`the model '${name}' gives ${multiple} as its multiple, but must give a positive integer`);
  }
  if (typeof build !== 'function') {
    throw refused(`build of the model '${name}' must be a function, not ${describeValue(build)}`);
  }
  architectures.push(architecture);
}

function refused(message: string): FaceparseError {
  return new FaceparseError(message, { exitCode: 2 });
}

/** What to do about a stored network that is not registered; undefined for one that is. */
export function registrationHint(name: string): string | undefined {
  if (listModels().includes(name)) return undefined;
  return 'for a network of your own, import the module that registers it first (on the command line: NODE_OPTIONS="--import ./MODULE.mjs")';
}

/** Returns the architecture with that name. @throws FaceparseError that lists the valid names */
export function getArchitecture(name: string): Architecture {
  const found = architectures.find((architecture) => architecture.name === name);
  if (!found) {
    const names = listModels();
    throw refused(
      `unknown model '${name}'; ${suggestName(name, ofSameNumbers(name, names), `the models are ${names.join(', ')}`)}`,
    );
  }
  return found;
}

/** The classes of a model, and settings of its architecture. */
export interface ModelOptions extends ModelSettings {
  /** Number of classes, 2 to 255. */
  readonly classes: number;
}

/**
 * Creates a model by name.
 *
 * @throws FaceparseError (exit code 2) if the architecture does not exist, or does not have a given setting
 *
 * @example const model = createModel('compact', { classes: 19 });
 * @example const model = createModel('unet', { encoder: 'resnet18', classes: 19 });
 */
export function createModel(name: string, options: ModelOptions): Model {
  const architecture = getArchitecture(name);
  checkOptions(options);
  const { classes, ...given } = options;
  if (!Number.isInteger(classes) || classes < 2 || classes > 255) {
    throw new FaceparseError(`a model needs 2 to 255 classes, not ${classes}`, { exitCode: 2 });
  }
  const settings = completeSettings(name, architecture.settings, given);
  const encoderPreprocessing = settings.encoder === undefined ? undefined : getEncoder(settings.encoder).preprocessing;
  return {
    name,
    settings,
    title: modelTitle(name, settings),
    classes,
    multiple: architecture.multiple,
    trainingPreprocessing: architecture.trainingPreprocessing ?? encoderPreprocessing ?? defaultPreprocessing,
    build(x, { training, seed = 0, auxiliary = false, frozenBatchNorm }) {
      const [, , height, width] = x.shape as [number, number, number, number];
      const { multiple } = architecture;
      const wrong = [height, width].find((side) => side % multiple !== 0);
      if (wrong !== undefined) {
        throw refused(
          `${name} takes images whose sides are multiples of ${multiple}, not ${height}×${width}; ` +
            `the nearest to ${wrong} ${nearestMultiples(wrong, multiple)}`,
        );
      }
      const scope = new Scope(x.graph, { training, seed, auxiliary, ...(frozenBatchNorm && { frozenBatchNorm }) });
      const output = scope.module(name, () => architecture.build(scope, x, classes, settings), architecture.summary);
      checkOutput(name, output, x, classes);
      return output;
    },
  };
}

/** Refuses options that do not exist: a misspelled encoder would otherwise give another network. */
function checkOptions(options: unknown): void {
  if (typeof options !== 'object' || options === null) {
    throw refused(
      `createModel needs options with the number of classes, such as { classes: 19 }, not ${describeValue(options)}`,
    );
  }
  const known = ['classes', ...settingNames];
  const unknown = Object.keys(options).find((key) => !known.includes(key));
  if (unknown !== undefined) {
    throw refused(
      `unknown option '${unknown}' of createModel; ${suggestName(unknown, known, `the options are ${known.join(', ')}`)}`,
    );
  }
}

/** `is 32`, or `are 96 and 128`. */
function nearestMultiples(side: number, multiple: number): string {
  const below = Math.floor(side / multiple) * multiple;
  return below === 0 ? `is ${multiple}` : `are ${below} and ${below + multiple}`;
}

/** Checks what an architecture built, which may be a user's own: other shapes would give wrong labels without an error. */
function checkOutput(name: string, output: unknown, x: Tensor, classes: number): void {
  const { logits, auxiliary = [] } = (output ?? {}) as Partial<NetworkOutput>;
  if (!isTensor(logits)) {
    throw refused(`build of the model '${name}' must return { logits } with a tensor, not ${describeValue(output)}`);
  }
  const batch = x.shape[0];
  for (const [part, tensor] of [
    ['logits', logits] as const,
    ...auxiliary.map((entry) => ['auxiliary', entry] as const),
  ]) {
    const { shape, graph } = tensor;
    if (shape.length !== 4 || shape[0] !== batch || shape[1] !== classes) {
      throw refused(
        `${part} of the model '${name}' is ${formatShape(shape)}, but must be ${batch}×${classes}×height×width`,
      );
    }
    if (graph !== x.graph) throw refused(`${part} of the model '${name}' belongs to another graph than the input`);
  }
}

function isTensor(value: unknown): value is Tensor {
  return typeof value === 'object' && value !== null && 'graph' in value && 'shape' in value;
}
