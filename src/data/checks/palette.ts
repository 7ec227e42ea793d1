import { ignoreLabel, type LabelSet } from '../../labels/label-set.ts';
import { getLabelSet, listLabelSets } from '../../labels/registry.ts';
import type { DatasetProblem } from './finding.ts';
import { idsIn } from './pixel-values.ts';

type Color = readonly [number, number, number];

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

/**
 * Finds ids that contradict the palette in the file: at least two have the colours of other classes of the label set, and
 * either all colours are those of classes, or most ids contradict.
 *
 * A palette with other colours (grays, PASCAL VOC) is no contradiction: many tools write it with any ids. Nor is a single
 * class in another colour.
 *
 * @param counts pixels of every id (256 entries)
 * @param palette colours of the file's palette; empty for grayscale
 */
export function findPaletteProblem(
  counts: Float64Array,
  palette: readonly Color[],
  set: LabelSet,
): Pick<DatasetProblem, 'kind' | 'message' | 'remedy'> | undefined {
  const { agreeing, contradicting, foreign } = comparePalette(counts, palette, set);
  const permuted = foreign === 0 || contradicting.length > agreeing + foreign;
  // A palette of one colour says nothing about the ids.
  const classes = new Set(contradicting.map(({ className }) => className));
  if (classes.size < 2 || !permuted) return undefined;
  const examples = contradicting
    .slice(0, 3)
    .map(({ id, className }) => `${id} (${set.classes[id]?.name ?? 'no class'}) has the colour of ${className}`);
  const more = contradicting.length > 3 ? ` and ${contradicting.length - 3} more` : '';
  const otherSet = otherSetOf(counts, palette, set);
  return {
    kind: 'palette-order',
    message: `has ids that contradict its palette: ${examples.join(', ')}${more}`,
    remedy: otherSet
      ? `the palette is that of ${otherSet}; check with --labels ${otherSet}`
      : `the colours are those of ${set.name}, but the ids are in another order; convert the masks with faceparse data convert, by their program (--from NAME) or by their colours (--palette FILE)`,
  };
}
