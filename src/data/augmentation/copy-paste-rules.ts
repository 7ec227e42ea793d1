import { celebamask19 } from '../../labels/celebamask-19.ts';
import type { LabelSet } from '../../labels/label-set.ts';
import { FaceparseError } from '../../text/errors.ts';

/** Classes of celebamask-19 that can be pasted from one pair into another. */
export const pasteableClasses = ['hat', 'eye_g', 'ear_r', 'neck_l', 'cloth', 'background'] as const;

export type PasteableClass = (typeof pasteableClasses)[number];

/** Pasting of rare classes from other pairs. */
export interface CopyPasteOptions {
  /** Probability that a pair gets a class of another pair, 0 for never. */
  readonly probability: number;
  /** The classes that are pasted, each equally often. */
  readonly classes: readonly PasteableClass[];
}

/** Where a class may come to lie, so that the result could be a photo. All names are classes of celebamask-19. */
export interface PasteRule {
  /** Classes of the target that give way; all others stay in front. */
  readonly onto: readonly string[];
  /** Classes of the donor that come along where they lie between pixels of the class, such as the eyes behind glasses. */
  readonly along?: readonly string[];
  /** The class hangs from one of these: each half of the image is left out where the target has none of them there. */
  readonly hangsFrom?: readonly string[];
  /** Least share of the donor's pixels that must find room: else most of the thing would be hidden by what stays in front. */
  readonly room: number;
  /** What the class is worn on, and the least that must come to lie there, as a share of the donor's pixels. */
  readonly worn?: { readonly on: readonly string[]; readonly least: number };
  /** Least share of the target's own pixels of the class that must be replaced: else two things would be patched together. */
  readonly cover?: number;
  /** Class of the target that may not stick out above what is pasted, and the most of it, as a share of the donor's pixels. */
  readonly above?: { readonly class: string; readonly most: number };
  /** A target that has the class already stays as it is: nobody wears two hats. */
  readonly once: boolean;
}

const parts = ['skin', 'nose', 'l_eye', 'r_eye', 'l_brow', 'r_brow', 'l_ear', 'r_ear'];

/**
 * The rules, for photos whose eyes are at the same place: a class keeps the donor's place, so only what lies in front of it and
 * what it is worn on has to be settled.
 */
export const pasteRules: Readonly<Record<PasteableClass, PasteRule>> = {
  // Covers head and hair down to the eyes, and reaches out over the background; what it cannot do is to hide under hair.
  hat: {
    onto: ['background', 'hair', 'skin', 'l_brow', 'r_brow', 'l_ear', 'r_ear'],
    room: 0.9,
    worn: { on: ['hair', 'skin'], least: 0.3 },
    above: { class: 'hair', most: 0.03 },
    once: true,
  },
  // The lenses show the donor's skin, so its eyes come along. Over background they would stand beside the face; pushed up into
  // the hair they would fit few heads, so they must be before an eye.
  eye_g: {
    onto: [...parts, 'hair'],
    along: ['l_eye', 'r_eye'],
    room: 0.9,
    worn: { on: ['l_eye', 'r_eye'], least: 0.02 },
    once: true,
  },
  // Dangles before anything beside the face; the cheek stays in front, since rings hang behind it.
  ear_r: {
    onto: ['background', 'hair', 'l_ear', 'r_ear', 'neck', 'neck_l', 'cloth'],
    hangsFrom: ['l_ear', 'r_ear', 'hair'],
    room: 0.7,
    once: true,
  },
  // Hair falls over it, so it shows on neck and cloth alone.
  neck_l: { onto: ['neck', 'cloth'], room: 0.7, once: true },
  // New clothes in place of the old ones: hair and neck stay in front. Shoulders may be somewhat broader than the target's, but
  // cloth beside a body would float, and where most of the old is left the two would be a patchwork.
  cloth: {
    onto: ['cloth', 'background'],
    room: 0.5,
    worn: { on: ['cloth'], least: 0.4 },
    cover: 0.5,
    once: false,
  },
  // Only a donor with as much background: what is left of the old one would be a halo.
  background: { onto: ['background'], room: 0, cover: 0.92, once: false },
};

/**
 * Checks the options, whatever wrote them.
 *
 * @throws FaceparseError that names the option, its value and what it may be
 */
export function checkCopyPaste({ probability, classes }: CopyPasteOptions): void {
  if (!(probability >= 0 && probability <= 1)) {
    throw new FaceparseError(`Augmentation "copyPaste.probability" is ${probability}, but must be from 0 (off) to 1.`);
  }
  const stray = classes.find((name) => !pasteableClasses.includes(name));
  if (stray !== undefined) {
    throw new FaceparseError(
      `Augmentation "copyPaste.classes" names "${stray}", but can name only ${pasteableClasses.join(', ')}.`,
    );
  }
}

/**
 * Checks that the labels are those that the rules are about, if anything is to be pasted.
 *
 * @throws FaceparseError (exit code 2) for another label set than celebamask-19
 */
export function checkPasteLabels({ name }: LabelSet, { probability }: CopyPasteOptions): void {
  if (probability === 0 || name === celebamask19.name) return;
  throw new FaceparseError(
    `copy-paste knows the classes of ${celebamask19.name}, but the labels are of ${name}; set its probability to 0`,
    { exitCode: 2 },
  );
}
