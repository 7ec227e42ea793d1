import { ignoreLabel, type LabelSet } from '../../labels/label-set.ts';
import { getLabelSet, listLabelSets } from '../../labels/registry.ts';
import { nameSome } from '../../text/name-some.ts';
import type { DatasetProblem } from './finding.ts';
import { idsIn } from './pixel-values.ts';

type Color = readonly [number, number, number];
interface PaletteProblem extends Pick<DatasetProblem, 'kind' | 'message' | 'remedy'> {
  /** The label set that the palette belongs to, if it is another one. */
  readonly otherSet?: string;
}

/** Largest difference per channel; the colours of two classes differ by at least 51, those of PASCAL VOC by 12. */
const tolerance = 8;

function isColor(a: Color, b: Color): boolean {
  return a.every((value, channel) => Math.abs(value - b[channel]) <= tolerance);
}

/** How the colours of the ids in use compare with the classes of a label set. */
interface PaletteComparison {
  /** Number of ids with the colour of their class. */
  readonly agreeing: number;
  /** Ids with the colour of another class. */
  readonly contradicting: readonly { readonly id: number; readonly className: string }[];
  /** Number of ids with the colour of no class. */
  readonly foreign: number;
}

/** Compares the colours of the ids in use. Black says nothing: every palette has it, and most begin with it. */
function comparePalette(counts: Float64Array, palette: readonly Color[], set: LabelSet): PaletteComparison {
  let agreeing = 0;
  let foreign = 0;
  const contradicting: { id: number; className: string }[] = [];
  for (const id of idsIn(counts)) {
    const color = palette[id];
    if (id === ignoreLabel || !color || isColor(color, [0, 0, 0])) continue;
    const own = set.classes[id];
    const other = set.classes.find((entry) => isColor(entry.color, color));
    if (own && isColor(own.color, color)) agreeing++;
    else if (other) contradicting.push({ id, className: other.name });
    else foreign++;
  }
  return { agreeing, contradicting, foreign };
}

/** The name of another label set whose colours and ids both fit. */
function otherSetOf(counts: Float64Array, palette: readonly Color[], set: LabelSet): string | undefined {
  return listLabelSets().find((name) => {
    if (name === set.name) return false;
    const { agreeing, contradicting, foreign } = comparePalette(counts, palette, getLabelSet(name));
    return agreeing > 0 && contradicting.length === 0 && foreign === 0;
  });
}

/** Number of classes of PASCAL VOC, background included. */
const vocClasses = 21;

/** A colour of the PASCAL VOC palette: its channels are the bits of the id, spread from the highest down. */
function vocColor(id: number): Color {
  const channel = (first: number): number =>
    [0, 1, 2].reduce((value, step) => value | (((id >> (3 * step + first)) & 1) << (7 - step)), 0);
  return [channel(0), channel(1), channel(2)];
}

/**
 * Finds the masks of PASCAL VOC itself: its palette, its ids, and no skin. Its palette alone proves nothing, because labelme
 * and others write it with any ids.
 */
function findVocProblem(counts: Float64Array, palette: readonly Color[], set: LabelSet): PaletteProblem | undefined {
  const ids = idsIn(counts).filter((id) => id > 0 && id !== ignoreLabel);
  const skin = set.classes.find(({ name }) => name === 'skin');
  if (!skin || ids.length === 0 || counts[skin.id] > 0) return undefined;
  const isVoc = Array.from({ length: vocClasses }, (_, id) => id).every(
    (id) => palette[id] && isColor(palette[id], vocColor(id)),
  );
  if (!isVoc || ids.some((id) => id >= vocClasses)) return undefined;
  return {
    kind: 'palette-order',
    message: `has the palette of PASCAL VOC and no skin (${skin.id}), so its ids seem to be those of PASCAL VOC: 15 is a person there`,
    remedy: `use masks of ${set.name}; PASCAL VOC has no parts of faces`,
  };
}

/**
 * Finds ids that contradict the palette in the file: at least two have the colours of other classes of the label set, and
 * either all colours are those of classes, or most ids contradict.
 *
 * A palette with other colours (grays, PASCAL VOC) is no contradiction: many tools write it with any ids. Nor is a single
 * class in another colour. Masks of PASCAL VOC itself are found too.
 *
 * @param counts pixels of every id (256 entries)
 * @param palette colours of the file's palette; empty for greyscale
 */
export function findPaletteProblem(
  counts: Float64Array,
  palette: readonly Color[],
  set: LabelSet,
): PaletteProblem | undefined {
  const { agreeing, contradicting, foreign } = comparePalette(counts, palette, set);
  const permuted = foreign === 0 || contradicting.length > agreeing + foreign;
  // A palette of one colour says nothing about the ids.
  const classes = new Set(contradicting.map(({ className }) => className));
  if (classes.size < 2 || !permuted) return findVocProblem(counts, palette, set);
  const all = contradicting.map(
    ({ id, className }) => `${id} (${set.classes[id]?.name ?? 'no class'}) has the colour of ${className}`,
  );
  const otherSet = otherSetOf(counts, palette, set);
  return {
    kind: 'palette-order',
    message: `has ids that contradict its palette: ${nameSome(all)}`,
    ...(otherSet !== undefined && { otherSet }),
    remedy: otherSet
      ? `the palette is that of ${otherSet}; check with --labels ${otherSet}`
      : `the colours are those of ${set.name}, but the ids are in another order; convert the masks with faceparse data convert, by their program (--from NAME) or by their colours (--palette FILE)`,
  };
}
