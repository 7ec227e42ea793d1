import { FaceparseError } from '../text/errors.ts';
import { suggestName } from '../text/similar-names.ts';
import { celebamask19 } from './celebamask-19.ts';
import { ignoreLabel } from './label-set.ts';

/** The class order of another program or dataset, with the class of celebamask-19 for each of its ids. */
export interface ClassOrder {
  readonly name: string;
  /** Other names under which people know it. */
  readonly aliases: readonly string[];
  /** Description for messages: the program or dataset. */
  readonly title: string;
  /** `classes[id]` is the class name of celebamask-19, or `ignore` for a class that it lacks. */
  readonly classes: readonly string[];
  /** What the tables cannot say, for the documentation and the result of a conversion. */
  readonly note?: string;
}

const fewClasses =
  'Classes that this order lacks are not recovered: their pixels stay background or skin, as in the original masks.';

/**
 * The known orders. `l_` and `r_` are read by name: the person's left is left. Programs disagree about that, so a conversion
 * compares the result with the position of the parts.
 *
 * Sources: the attribute list of zllrunning/face-parsing.PyTorch; `list1` in g_mask.py of switchablenorms/CelebAMask-HQ;
 * farl.py of FacePerceiver/facer, with the part names of the FaRL dataset class (its `rb` is the part `l_brow`); the label
 * tables of LaPa, of the 11-class version of Helen, of ibug.face_parsing and of microsoft/FaceSynthetics.
 */
export const classOrders: readonly ClassOrder[] = [
  {
    name: 'face-parsing.pytorch',
    aliases: ['bisenet', 'face-parsing-pytorch', 'zllrunning'],
    title: 'face-parsing.PyTorch (BiSeNet)',
    classes:
      'background skin l_brow r_brow l_eye r_eye eye_g l_ear r_ear ear_r nose mouth u_lip l_lip neck neck_l cloth hair hat'.split(
        ' ',
      ),
  },
  {
    name: 'celebamask-list1',
    aliases: ['list1'],
    title: 'the first list in g_mask.py of CelebAMask-HQ',
    classes:
      'background skin neck hat eye_g hair ear_r neck_l cloth l_eye r_eye l_brow r_brow nose l_ear r_ear mouth u_lip l_lip'.split(
        ' ',
      ),
  },
  {
    name: 'facer-celebm',
    aliases: ['farl-celebm', 'facer'],
    title: 'facer (FaRL, farl/celebm)',
    classes:
      'background neck skin cloth l_ear r_ear l_brow r_brow l_eye r_eye nose mouth l_lip u_lip hair eye_g hat ear_r neck_l'.split(
        ' ',
      ),
  },
  {
    name: 'lapa',
    aliases: ['helen', 'helen-11', 'facer-lapa', 'farl-lapa', 'ibug-11'],
    title: 'LaPa and Helen (11 classes)',
    classes: 'background skin l_brow r_brow l_eye r_eye nose u_lip mouth l_lip hair'.split(' '),
    note: fewClasses,
  },
  {
    name: 'ibug-14',
    aliases: ['ibug', 'rtnet'],
    title: 'ibug.face_parsing (14 classes)',
    classes: 'background skin l_brow r_brow l_eye r_eye nose u_lip mouth l_lip hair l_ear r_ear eye_g'.split(' '),
    note: fewClasses,
  },
  {
    name: 'facesynthetics',
    aliases: ['face-synthetics'],
    title: 'Microsoft FaceSynthetics',
    classes:
      'background skin nose r_eye l_eye r_brow l_brow r_ear l_ear mouth u_lip l_lip neck hair skin cloth eye_g hat ignore'.split(
        ' ',
      ),
    note: 'Beard becomes skin, as in CelebAMask-HQ. Facewear becomes 255 (ignored). Earrings and necklaces are not labelled.',
  },
];

/** Programs whose masks need no conversion, by the names under which people look for them. */
const sameOrder = [
  'celebamask-19',
  'celebamask',
  'celebamask-hq',
  'segformer',
  'jonathandinu',
  'jonathandinu/face-parsing',
];

/**
 * Returns the class order with that name or alias; upper case is ignored.
 *
 * @throws FaceparseError (exit code 2) that suggests a similar name or lists all, or says that the order is that of
 * celebamask-19
 * @param remedy end of the message about an unknown name
 * @example getClassOrder('bisenet').classes[10] // 'nose'
 */
export function getClassOrder(name: string, remedy = ''): ClassOrder {
  const wanted = name.toLowerCase();
  const found = classOrders.find((order) => order.name === wanted || order.aliases.includes(wanted));
  if (found) return found;
  if (sameOrder.includes(wanted)) {
    throw new FaceparseError(
      `masks of ${name} already have the class ids of celebamask-19; use them without conversion`,
      { exitCode: 2 },
    );
  }
  const names = classOrders.map((order) => order.name);
  const hint = suggestName(
    wanted,
    [...names, ...classOrders.flatMap((order) => order.aliases)],
    `the known orders are ${names.join(', ')}${remedy}`,
  );
  throw new FaceparseError(`unknown class order '${name.slice(0, 80)}'; ${hint}`, { exitCode: 2 });
}

/**
 * Returns a table (256 entries) from the ids of an order to celebamask-19 ids. 255 and ids without a class map to 255; use
 * `order.classes.length` to find ids that the order does not have.
 *
 * @example classOrderTable(getClassOrder('lapa'))[6] // 2, the nose
 */
export function classOrderTable(order: ClassOrder): Uint8Array {
  const table = new Uint8Array(256).fill(ignoreLabel);
  for (const [id, name] of order.classes.entries()) {
    const found = celebamask19.classes.find((entry) => entry.name === name);
    if (!found && name !== 'ignore') throw new Error(`class order ${order.name}: ${name} is no class of celebamask-19`);
    table[id] = found ? found.id : ignoreLabel;
  }
  return table;
}
