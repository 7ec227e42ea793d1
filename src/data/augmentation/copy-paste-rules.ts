import { celebamask19 } from '../../labels/celebamask-19.ts';
import type { LabelSet } from '../../labels/label-set.ts';
import { FaceparseError } from '../../text/errors.ts';

/** Classes of celebamask-19 that can be pasted from one pair into another. */
export const pasteableClasses = ['hat', 'eye_g', 'ear_r', 'neck_l', 'cloth', 'background'] as const;

export type PasteableClass = (typeof pasteableClasses)[number];

/** Pasting of rare classes from other pairs. */
export interface CopyPasteOptions {
  /** Probability that a class of another pair is pasted into a pair; 0 disables pasting. */
  readonly probability: number;
  /** The classes to paste, each equally often. */
  readonly classes: readonly PasteableClass[];
}

/** Where a class may be pasted for the result to look plausible. All names are classes of celebamask-19. */
export interface PasteRule {
  /** Classes of the target that may be covered; all others stay in front. */
  readonly onto: readonly string[];
  /** Classes of the donor that are pasted too if they lie between pixels of the class, such as the eyes behind glasses. */
  readonly along?: readonly string[];
  /** The class hangs from one of these. A half of the image in which the target has none of them is skipped. */
  readonly hangsFrom?: readonly string[];
  /** Minimum share of the donor's pixels that must be visible; otherwise most of the object would be hidden. */
  readonly room: number;
  /** Classes on which the class is worn, and the minimum overlap as a share of the donor's pixels. */
  readonly worn?: { readonly on: readonly string[]; readonly least: number };
  /** Minimum share of the target's own pixels of the class that must be replaced, to avoid a patchwork of two objects. */
  readonly cover?: number;
  /** Class of the target that must not stick out above the pasted pixels, and its maximum as a share of the donor's pixels. */
  readonly above?: { readonly class: string; readonly most: number };
  /** Whether to skip targets that already have the class: nobody wears two hats. */
  readonly once: boolean;
}

const parts = ['skin', 'nose', 'l_eye', 'r_eye', 'l_brow', 'r_brow', 'l_ear', 'r_ear'];

/**
 * The rules, for photos with aligned eyes. A class keeps the donor's position, so the rules only decide what lies in front
 * of it and what it is worn on.
 */
export const pasteRules: Readonly<Record<PasteableClass, PasteRule>> = {
  // Covers head and hair down to the eyes and extends over the background, but is never hidden by hair.
  hat: {
    onto: ['background', 'hair', 'skin', 'l_brow', 'r_brow', 'l_ear', 'r_ear'],
    room: 0.9,
    worn: { on: ['hair', 'skin'], least: 0.3 },
    above: { class: 'hair', most: 0.03 },
    once: true,
  },
  // The lenses show the donor's skin, so its eyes are pasted too. Over background they would lie beside the face; pushed up into
  // the hair they would fit few heads, so they must cover an eye.
  eye_g: {
    onto: [...parts, 'hair'],
    along: ['l_eye', 'r_eye'],
    room: 0.9,
    worn: { on: ['l_eye', 'r_eye'], least: 0.02 },
    once: true,
  },
  // Hangs in front of anything next to the face; the cheek stays in front, because earrings hang behind it.
  ear_r: {
    onto: ['background', 'hair', 'l_ear', 'r_ear', 'neck', 'neck_l', 'cloth'],
    hangsFrom: ['l_ear', 'r_ear', 'hair'],
    room: 0.7,
    once: true,
  },
  // Hair falls over it, so it is visible only on neck and cloth.
  neck_l: { onto: ['neck', 'cloth'], room: 0.7, once: true },
  // New clothes replace the old ones: hair and neck stay in front. Shoulders may be somewhat broader than the target's, but
  // cloth next to a body would float, and if most of the old cloth remained, the result would be a patchwork.
  cloth: {
    onto: ['cloth', 'background'],
    room: 0.5,
    worn: { on: ['cloth'], least: 0.4 },
    cover: 0.5,
    once: false,
  },
  // Only donors with as much background: the remains of the old one would form a halo.
  background: { onto: ['background'], room: 0, cover: 0.92, once: false },
};

/**
 * Checks the options.
 *
 * @throws FaceparseError that names the option, its value and the valid values
 */
export function checkCopyPaste({ probability, classes }: CopyPasteOptions): void {
  if (!(probability >= 0 && probability <= 1)) {
    throw new FaceparseError(`Augmentation "copyPaste.probability" is ${probability}; it must be from 0 (off) to 1.`);
  }
  const stray = classes.find((name) => !pasteableClasses.includes(name));
  if (stray !== undefined) {
    throw new FaceparseError(
      `Augmentation "copyPaste.classes" contains "${stray}"; valid classes are ${pasteableClasses.join(', ')}.`,
    );
  }
}

/**
 * Checks that the rules apply to the labels, if pasting is on.
 *
 * @throws FaceparseError (exit code 2) for another label set than celebamask-19
 */
export function checkPasteLabels({ name }: LabelSet, { probability }: CopyPasteOptions): void {
  if (probability === 0 || name === celebamask19.name) return;
  throw new FaceparseError(
    `copy-paste supports only ${celebamask19.name}, but the label set is ${name}; set its probability to 0`,
    { exitCode: 2 },
  );
}
