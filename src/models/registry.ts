import { defaultPreprocessing } from '../image/preprocessing.ts';
import { Scope } from '../nn/scope.ts';
import { FaceparseError } from '../text/errors.ts';
import { compact, compactAligned, compactDeep, compactFine, compactWide } from './compact.ts';
import type { Architecture, Model } from './model.ts';
import { unet } from './unet.ts';

const architectures: Architecture[] = [compact, compactAligned, compactDeep, compactFine, compactWide, unet];

/** Lists the names of all architectures, or of those that match a pattern with `*`. */
export function listModels(pattern = '*'): string[] {
  const expression = new RegExp(`^${pattern.replace(/[.+?^${}()|[\]\\]/g, '\\$&').replaceAll('*', '.*')}$`);
  return architectures.map(({ name }) => name).filter((name) => expression.test(name));
}

/**
 * Adds an architecture to the registry. It can then be trained, and its weights loaded, under its name.
 *
 * @throws FaceparseError (exit code 2) if the name is taken or invalid, or the multiple is not a positive integer
 *
 * @example registerModel({ name: 'tiny', summary: 'Three convolutions.', multiple: 8, build: (scope, x, classes) => … });
 */
export function registerModel(architecture: Architecture): void {
  const { name, multiple } = architecture;
  if (!/^[a-z0-9][a-z0-9-]{0,63}$/.test(name)) {
    throw new FaceparseError(`a model cannot be called '${name}'; use lower-case letters, digits and dashes`, {
      exitCode: 2,
    });
  }
  if (listModels().includes(name)) {
    throw new FaceparseError(`there is a model '${name}' already; choose another name`, { exitCode: 2 });
  }
  if (!Number.isInteger(multiple) || multiple < 1) {
    throw new FaceparseError(
      `the model '${name}' gives ${multiple} as its multiple, but must give a positive integer`,
      {
        exitCode: 2,
      },
    );
  }
  architectures.push(architecture);
}

/** Returns the architecture with that name. @throws FaceparseError that lists the valid names */
export function getArchitecture(name: string): Architecture {
  const found = architectures.find((architecture) => architecture.name === name);
  if (!found) {
    throw new FaceparseError(
      `unknown model '${name}'; the models are ${listModels().join(', ')} (register your own with registerModel first)`,
      { exitCode: 2 },
    );
  }
  return found;
}

/**
 * Creates a model by name.
 *
 * @example const model = createModel('compact', { classes: 19 });
 */
export function createModel(name: string, options: { classes: number }): Model {
  const architecture = getArchitecture(name);
  const { classes } = options;
  if (!Number.isInteger(classes) || classes < 2 || classes > 255) {
    throw new FaceparseError(`a model needs 2 to 255 classes, not ${classes}`, { exitCode: 2 });
  }
  return {
    name,
    classes,
    multiple: architecture.multiple,
    trainingPreprocessing: architecture.trainingPreprocessing ?? defaultPreprocessing,
    build(x, { training, seed = 0, auxiliary = false }) {
      const [, , height, width] = x.shape as [number, number, number, number];
      if (height % architecture.multiple !== 0 || width % architecture.multiple !== 0) {
        throw new FaceparseError(
          `${name} takes images whose sides are multiples of ${architecture.multiple}, not ${height}×${width}`,
          { exitCode: 2 },
        );
      }
      const scope = new Scope(x.graph, { training, seed, auxiliary });
      return scope.module(name, () => architecture.build(scope, x, classes), architecture.summary);
    },
  };
}
