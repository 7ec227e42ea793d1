import { challengeRules } from '../rules.ts';
import { type Fault, nameFirst } from './fault.ts';
import { groupBy } from './group-by.ts';

/** A file of the zip: the name of its entry, and its path without a folder that wraps everything. */
export interface PlacedFile {
  readonly name: string;
  readonly path: string;
}

/** The parts of a submission by purpose. */
export interface Layout {
  readonly faults: readonly Fault[];
  /** Masks by image stem, including those in a wrong folder. */
  readonly masks: ReadonlyMap<string, PlacedFile>;
  /** The checkpoint, even if it is misplaced or renamed. */
  readonly checkpoint?: PlacedFile;
  /** Whether script and checkpoint are in the right place. */
  readonly runnable: boolean;
  /** Everything in `solution/`. */
  readonly solution: readonly PlacedFile[];
  /** All files except weights files, which are recognised by name. */
  readonly code: readonly PlacedFile[];
}

const { zip } = challengeRules;
const litter =
  /(^|\/)(__MACOSX\/|__pycache__\/|\.ipynb_checkpoints\/|\.git\/|(\.DS_Store|Thumbs\.db|desktop\.ini|\._[^/]*)$)/i;
const weights = /\.(pth|pt|th|ckpt|pkl|pickle|safetensors|onnx|bin|h5|hdf5|npy|npz|tflite|pb|msgpack|joblib)(\.tar)?$/i;
const images = /\.(png|jpe?g|webp|bmp|gif|tiff?)$/i;
const maxWrapperDepth = 4;
/** Message about weights other than the checkpoint. */
export const extraWeights = `only ${zip.checkpoint} may contain weights, because only one network is allowed; remove the others`;

/**
 * Compares the names in a zip with the layout of the challenge, and finds misplaced files.
 *
 * @param names the names of all files
 * @param stems names without extension of the test images
 * @example inspectLayout(['out/0.png'], ['0']).faults // masks-misplaced, missing-file (three times)
 */
export function inspectLayout(names: readonly string[], stems: readonly string[]): Layout {
  const litterNames = names.filter((name) => litter.test(name));
  const rest = names.filter((name) => !litter.test(name));
  const wrapper = wrapperOf(rest);
  const files = new Map(
    rest.map((name) => {
      const path = name.slice(wrapper.length);
      return [path, { name, path }] as const;
    }),
  );
  const masks = findMasks(files, stems);
  const solution = findSolution(files);
  const used = new Set([...masks.used, ...solution.used]);
  const inSolution = [...files.values()].filter(({ path }) => path.startsWith(zip.solution));
  return {
    faults: [
      ...wrapperFaults(wrapper, rest),
      ...masks.faults,
      ...solution.faults,
      ...extraFaults([...files.values()].filter(({ path }) => !used.has(path))),
      ...litterFaults(litterNames),
    ],
    masks: masks.found,
    checkpoint: solution.checkpoint,
    runnable: files.has(zip.script) && files.has(zip.checkpoint),
    solution: inSolution,
    code: inSolution.filter(({ path }) => !weights.test(path)),
  };
}

/** The folders that wrap the whole zip although `masks/` or `solution/` should be at the top; empty if there are none. */
function wrapperOf(names: readonly string[]): string {
  const [first = ''] = names;
  let prefix = '';
  for (let depth = 0; depth <= maxWrapperDepth; depth++) {
    if ([zip.masks, zip.solution].some((folder) => names.some((name) => name.startsWith(prefix + folder)))) {
      return prefix;
    }
    const slash = first.indexOf('/', prefix.length);
    prefix = first.slice(0, slash + 1);
    if (slash < 0 || !names.every((name) => name.startsWith(prefix))) break;
  }
  return '';
}

function wrapperFaults(wrapper: string, names: readonly string[]): Fault[] {
  if (wrapper === '') return [];
  const message = `everything is inside ${wrapper}, but ${zip.masks} and ${zip.solution} belong at the top of the zip; zip the contents of that folder`;
  return [{ check: 'wrapper-folder', where: nameFirst(names), message }];
}

interface Found {
  readonly faults: readonly Fault[];
  /** Paths that are accounted for. */
  readonly used: readonly string[];
}

function findMasks(
  files: ReadonlyMap<string, PlacedFile>,
  stems: readonly string[],
): Found & { found: Map<string, PlacedFile> } {
  const byBaseName = groupBy(files.values(), ({ path }) => baseName(path));
  const byPathWithoutExtension = new Map(
    [...files.values()].filter(({ path }) => images.test(path)).map((file) => [withoutExtension(file.path), file]),
  );
  const found = new Map<string, PlacedFile>();
  const [misplaced, renamed]: PlacedFile[][] = [[], []];
  const missing: string[] = [];
  for (const stem of stems) {
    const path = `${zip.masks}${stem}${zip.maskExtension}`;
    const elsewhere = byBaseName.get(`${stem}${zip.maskExtension}`)?.[0];
    const otherwise = byPathWithoutExtension.get(`${zip.masks}${stem}`);
    const mask = files.get(path) ?? (otherwise ? undefined : elsewhere);
    if (mask) found.set(stem, mask);
    if (mask && mask.path !== path) misplaced.push(mask);
    else if (!mask && otherwise) renamed.push(otherwise);
    else if (!mask) missing.push(path);
  }
  return {
    found,
    used: [...found.values(), ...renamed].map(({ path }) => path),
    faults: [...misplacedFaults(misplaced), ...renamedFaults(renamed), ...missingFaults(missing, stems.length)],
  };
}

function misplacedFaults(misplaced: readonly PlacedFile[]): Fault[] {
  const byFolder = groupBy(misplaced, ({ path }) => path.slice(0, path.lastIndexOf('/') + 1));
  return [...byFolder].map(([folder, group]) => ({
    check: 'masks-misplaced',
    where: nameFirst(group.map(({ name }) => name)),
    message: `${count(group.length, 'mask')} ${folder ? `in ${folder}` : 'at the top of the zip'}, but masks belong in ${zip.masks}; move them there`,
  }));
}

function renamedFaults(renamed: readonly PlacedFile[]): Fault[] {
  const byExtension = groupBy(renamed, ({ path }) => path.slice(path.lastIndexOf('.')));
  return [...byExtension].map(([extension, group]) => ({
    check: 'mask-extension',
    where: nameFirst(group.map(({ name }) => name)),
    message: `${count(group.length, 'mask')} named ${extension}, not ${zip.maskExtension}; save the class ids as palette PNG (JPEG would change them)`,
  }));
}

function missingFaults(missing: readonly string[], wanted: number): Fault[] {
  if (missing.length === 0) return [];
  const message = `${missing.length} of ${wanted} test images have no mask; add a mask with the name of the image for each`;
  return [{ check: 'missing-masks', where: nameFirst(missing), message }];
}

function findSolution(files: ReadonlyMap<string, PlacedFile>): Found & { checkpoint?: PlacedFile } {
  const faults: Fault[] = [];
  const used: string[] = [];
  let checkpoint: PlacedFile | undefined;
  for (const path of [zip.script, zip.checkpoint, zip.requirements]) {
    const file = files.get(path) ?? lookAlike(path, files);
    if (path === zip.checkpoint) checkpoint = file;
    if (file) used.push(file.path);
    if (file?.path === path) continue;
    const remedy = file ? `if ${file.name} is this file, move it there` : purposes[path];
    faults.push({ check: 'missing-file', where: path, message: `is missing; ${remedy}` });
  }
  const ownCode = [...files.keys()].filter((path) => path.startsWith(zip.solution) && !weights.test(path));
  return { faults, checkpoint, used: [...used, ...ownCode] };
}

const purposes: Readonly<Record<string, string>> = {
  [zip.script]: 'add the script; it is called as python run.py --input IMG --output PNG --weights ckpt.pth',
  [zip.checkpoint]: `add the weights, torch.save({'${challengeRules.weightsKey}': network.state_dict()}, 'ckpt.pth')`,
  [zip.requirements]: 'list the Python packages that run.py needs, one per line',
};

/** A file with the same name in another folder or, for the checkpoint, the only weights file. */
function lookAlike(path: string, files: ReadonlyMap<string, PlacedFile>): PlacedFile | undefined {
  const all = [...files.values()];
  const same = all.find((file) => baseName(file.path).toLowerCase() === baseName(path));
  if (same || path !== zip.checkpoint) return same;
  const candidates = all.filter((file) => weights.test(file.path));
  return candidates.length === 1 ? candidates[0] : undefined;
}

function extraFaults(extra: readonly PlacedFile[]): Fault[] {
  const isMask = ({ path }: PlacedFile) => path.startsWith(zip.masks) && images.test(path);
  const isWeights = ({ path }: PlacedFile) => !path.startsWith(zip.masks) && weights.test(path);
  const groups: readonly [string, readonly PlacedFile[], string][] = [
    ['extra-weights', extra.filter(isWeights), extraWeights],
    ['extra-masks', extra.filter(isMask), 'no test image has this name; remove it'],
    [
      'extra-files',
      extra.filter((file) => !isWeights(file) && !isMask(file)),
      `only masks in ${zip.masks} and the code in ${zip.solution} belong in the zip; remove the rest`,
    ],
  ];
  return groups
    .filter(([, files]) => files.length > 0)
    .map(([check, files, message]) => ({ check, where: nameFirst(files.map(({ name }) => name)), message }));
}

function litterFaults(names: readonly string[]): Fault[] {
  if (names.length === 0) return [];
  const message =
    'created by the operating system or an editor; exclude it from the zip (zip -r submission.zip masks solution -x "*.DS_Store" "*/__pycache__/*")';
  return [{ check: 'litter', where: nameFirst(names), message }];
}

function baseName(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}

function withoutExtension(path: string): string {
  return path.slice(0, path.lastIndexOf('.'));
}

function count(n: number, noun: string): string {
  return `${n} ${noun}${n === 1 ? ' is' : 's are'}`;
}
