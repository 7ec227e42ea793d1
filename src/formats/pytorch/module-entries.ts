import { FaceparseError } from '../../text/errors.ts';
import { PickleGlobal, PickleObject, type PickleValue } from './pickle-value.ts';
import { isTensor } from './tensor-record.ts';

type Entry = readonly [name: string, value: PickleValue];

/** A module that several others contain is visited once for each, which can multiply without end. */
const maxVisitedEntries = 1_000_000;
const maxDepth = 100;
const maxNameLength = 1000;
/** TorchScript's classes, such as `__torch__.torchvision.models.resnet.ResNet`. */
const scriptPackage = '__torch__.';

/** How many entries of modules may still be visited. */
export interface VisitBudget {
  entries: number;
}

/** The budget for all modules of one file. */
export function visitBudget(): VisitBudget {
  return { entries: maxVisitedEntries };
}

/**
 * The tensors of a pickled module (`torch.save(model)`, or TorchScript) by their dotted names, in the order of its
 * state_dict; undefined for any other value. Nothing of the module's code is used.
 *
 * @throws FaceparseError if modules are nested too deeply, or contain each other
 * @example moduleEntries(model)?.[0][0] // 'conv1.weight'
 */
export function moduleEntries(module: PickleValue, budget = visitBudget()): Entry[] | undefined {
  if (!partsOf(module)) return undefined;
  const found: Entry[] = [];
  const visit = (value: PickleValue, prefix: string, depth: number): void => {
    const parts = partsOf(value);
    if (!parts) return;
    budget.entries -= 1 + parts.size;
    if (budget.entries < 0 || depth > maxDepth || prefix.length > maxNameLength) {
      const what = `has more than ${maxVisitedEntries} parts, more than ${maxDepth} levels, or contains itself`;
      throw new FaceparseError(`the model in the file ${what}; save its state_dict instead`);
    }
    for (const [name, tensor] of parts.tensors) found.push([prefix + name, tensor]);
    for (const [name, child] of parts.children) visit(child, `${prefix}${name}.`, depth + 1);
  };
  visit(module, '', 0);
  return found;
}

interface Parts {
  readonly tensors: readonly Entry[];
  readonly children: readonly Entry[];
  /** Number of entries of any kind. */
  readonly size: number;
}

function partsOf(value: PickleValue): Parts | undefined {
  if (!(value instanceof PickleObject) || !(value.state instanceof Map)) return undefined;
  const { state } = value;
  const [parameters, buffers, modules] = ['_parameters', '_buffers', '_modules'].map((key) => state.get(key));
  if (parameters instanceof Map && modules instanceof Map) {
    const passing = passingBuffers(state.get('_non_persistent_buffers_set'));
    const kept = buffers instanceof Map ? entriesOf(buffers).filter(([name]) => !passing.has(name)) : [];
    const tensors = [...entriesOf(parameters), ...kept].filter(([, tensor]) => isTensor(tensor));
    const size = parameters.size + modules.size + (buffers instanceof Map ? buffers.size : 0);
    return { tensors, children: entriesOf(modules), size };
  }
  // TorchScript keeps parameters, buffers and modules as attributes.
  if (!(value.callable instanceof PickleGlobal) || !value.callable.path.startsWith(scriptPackage)) return undefined;
  const attributes = entriesOf(state);
  return { tensors: attributes.filter(([, entry]) => isTensor(entry)), children: attributes, size: state.size };
}

/** Buffers that a state_dict leaves out. Python pickles a set as a call. */
function passingBuffers(value: PickleValue | undefined): ReadonlySet<PickleValue> {
  if (value instanceof Set) return value;
  const names = value instanceof PickleObject ? value.arguments[0] : undefined;
  return new Set(Array.isArray(names) ? names : []);
}

function entriesOf(map: ReadonlyMap<PickleValue, PickleValue>): Entry[] {
  return [...map].filter((entry): entry is [string, PickleValue] => typeof entry[0] === 'string');
}
