import { type InputAttributes, stateAttributes, type Tensor } from '../../graph/graph.ts';
import { isBelow } from '../../graph/module.ts';
import type { Region } from '../../graph/module-tree.ts';
import { FaceparseError } from '../../text/errors.ts';
import { singular, snakeCase } from '../../text/word-forms.ts';
import type { Call, NetworkModules, Use } from './network-modules.ts';
import { isPythonName, uniqueName } from './python-names.ts';
import { constantExpression, type Expression, opExpression } from './pytorch-ops.ts';
import { isCoordinates } from './size-reference.ts';

/** One call of a module or one op in the code of a region. */
interface Step {
  readonly output: Tensor;
  readonly reads: readonly Tensor[];
  /** Whether it calls a module; an expression contains at most one such call. */
  readonly callsModule: boolean;
  /** Preferred variable name. */
  readonly name: string;
  write(read: (tensor: Tensor) => Expression): Expression;
}

/** The `forward` of a class. */
export interface ForwardCode {
  readonly parameters: readonly string[];
  readonly lines: readonly string[];
}

/** More ops than these in one expression are hard to read. */
const largestExpression = 3;

const opNames: Readonly<Record<string, string>> = {
  add: 'total',
  mul: 'weighted',
  concat: 'joined',
  constant: 'places',
  resize: 'resized',
  reduceMean: 'mean',
  maxPool: 'pooled',
  avgPool: 'pooled',
  adaptiveAvgPool: 'pooled',
  split: 'part',
  slice: 'part',
};

/** The path of a module from the class that contains it: `self.stages[0]`, `self[1]`. */
function accessPath(modules: NetworkModules, from: Region, target: Region): string {
  let holder = from;
  let text = 'self';
  for (const region of from.pathTo(target)!) {
    if (holder.numbered) text += `[${region.name}]`;
    else if (holder !== from && modules.formOf(holder) === 'container') text += `["${region.name}"]`;
    else text += isPythonName(region.name) ? `.${region.name}` : `.get_submodule("${region.name}")`;
    holder = region;
  }
  return text;
}

/** A variable name for the result of a module: `stem`, `stage_0`, `branch_0`. */
function nameOfResult(from: Region, target: Region): string {
  const path = from.pathTo(target)!;
  const last = path.findLastIndex(({ index }) => index === undefined);
  const numbers = path.slice(last + 1).map(({ name }) => name);
  const base = last < 0 ? 'branch' : path[last].name;
  return [snakeCase(numbers.length > 0 ? singular(base) : base), ...numbers].join('_');
}

function stepOf(modules: NetworkModules, region: Region, { output, reads, sized, callee }: Call): Step {
  if (callee) {
    const module = accessPath(modules, region, callee);
    const write: Step['write'] = (read) => ({
      text: `${module}(${reads.map((tensor) => read(tensor).text).join(', ')})`,
      closed: true,
    });
    return { output, reads, callsModule: true, name: nameOfResult(region, callee), write };
  }
  const write: Step['write'] = (read) => {
    const inputs = output.node.inputs.map((input) => {
      if (input.node.op === 'state') return { text: parameterPath(region, input), closed: true };
      if (input.node.op === 'constant' && !isCoordinates(input.node)) return constantExpression(input);
      return read(input);
    });
    const reference = sized ? { tensor: reads.at(-1)!, text: read(reads.at(-1)!).text } : undefined;
    return opExpression(output, inputs, reference);
  };
  return { output, reads, callsModule: false, name: opNames[output.node.op] ?? 'value', write };
}

/** A weight that an op reads directly: `self.gamma`. */
function parameterPath(from: Region, state: Tensor): string {
  const { name } = stateAttributes(state);
  if (from.path && !isBelow(name, from.path)) {
    throw new FaceparseError(`the module '${from.path}' reads the weight '${name}' of another module`);
  }
  const relative = from.path ? name.slice(from.path.length + 1) : name;
  return relative.includes('.') ? `self.get_parameter("${relative}")` : `self.${relative}`;
}

/** Writes the `forward` of a use of a block with as few variables as readability allows. */
export function writeForward(modules: NetworkModules, region: Region, use: Use): ForwardCode {
  const steps = modules.callsOf(region, use).map((call) => stepOf(modules, region, call));
  const inputs = region.parent ? modules.inputsOf(region, use) : [...modules.graph.inputs.values()];
  const taken = new Set<string>(['x', 'y']);
  const variables = new Map<Tensor, string>();
  inputs.forEach((input, index) => {
    const name = region.parent ? (['x', 'skip'][index] ?? 'skip') : (input.node.attributes as InputAttributes).name;
    variables.set(input, index === 0 && region.parent ? 'x' : uniqueName(snakeCase(name), taken));
  });
  const soleReaders = findSoleReaders(steps);
  const inlined = findInlined(steps, soleReaders);
  const statements = steps.filter((step) => !inlined.has(step.output));
  const parameters = [...variables.values()];
  const lines = statements.map((step, index) => {
    const read = (tensor: Tensor): Expression => {
      const inner = inlined.get(tensor);
      return inner ? inner.write(read) : { text: variables.get(tensor)!, closed: true };
    };
    const { text } = step.write(read);
    if (index === statements.length - 1) return `return ${text}`;
    const name = nameVariable(step, statements.slice(index + 1), { inlined, soleReaders, variables, taken });
    variables.set(step.output, name);
    return `${name} = ${text}`;
  });
  return { parameters, lines };
}

/** Maps each result that is read exactly once to the step that reads it. */
function findSoleReaders(steps: readonly Step[]): Map<Tensor, Step> {
  const readers = new Map<Tensor, Step>();
  const shared = new Set<Tensor>();
  for (const step of steps) {
    for (const read of step.reads) {
      if (readers.has(read)) shared.add(read);
      readers.set(read, step);
    }
  }
  const computed = new Set(steps.map(({ output }) => output));
  return new Map([...readers].filter(([read]) => computed.has(read) && !shared.has(read)));
}

/** The steps that are written inside the only step that reads them. */
function findInlined(steps: readonly Step[], soleReaders: ReadonlyMap<Tensor, Step>): Map<Tensor, Step> {
  const inlined = new Map<Tensor, Step>();
  const producers = new Map(steps.map((step) => [step.output, step]));
  /** Module calls and ops in the expression of a step. */
  const content = new Map<Tensor, { calls: number; ops: number }>();
  for (const step of steps) {
    const single = step.reads.filter((read) => soleReaders.has(read));
    const branches = single.filter((read) => content.get(read)!.calls > 0);
    const prepares = preparesCall(step, soleReaders);
    const total = { calls: step.callsModule || prepares ? 1 : 0, ops: 1 };
    for (const inner of single) {
      const { calls, ops } = content.get(inner)!;
      // Several branches side by side each get a line of their own.
      if (calls > 0 && branches.length > 1) continue;
      if (total.calls + calls > 1 || total.ops + ops > largestExpression) continue;
      inlined.set(inner, producers.get(inner)!);
      total.calls += calls;
      total.ops += ops;
    }
    content.set(step.output, { ...total, calls: prepares ? 0 : total.calls });
  }
  return inlined;
}

/** Whether an op prepares the input of a module: it is written with that call, not with the one before it. */
function preparesCall(step: Step, soleReaders: ReadonlyMap<Tensor, Step>): boolean {
  if (step.callsModule || step.output.node.op === 'activation') return false;
  const reader = soleReaders.get(step.output);
  return reader !== undefined && (reader.callsModule || preparesCall(reader, soleReaders));
}

interface Naming {
  readonly inlined: ReadonlyMap<Tensor, Step>;
  readonly soleReaders: ReadonlyMap<Tensor, Step>;
  readonly variables: ReadonlyMap<Tensor, string>;
  readonly taken: Set<string>;
}

/** `x` or `y` for a value that only the next statement reads, if that name is free; otherwise a descriptive name. */
function nameVariable(step: Step, later: readonly Step[], { inlined, soleReaders, variables, taken }: Naming): string {
  const readsOf = (statement: Step): Tensor[] =>
    statement.reads.flatMap((read) => {
      const inner = inlined.get(read);
      return inner ? [read, ...readsOf(inner)] : [read];
    });
  const isNext = later.slice(1).every((statement) => !readsOf(statement).includes(step.output));
  // Branches that the next statement joins get names of one kind.
  const isBranch = readsOf(later[0]).some(
    (read) => read !== step.output && soleReaders.has(read) && variables.has(read),
  );
  const needed = new Set(later.flatMap(readsOf).map((tensor) => variables.get(tensor)));
  const free = ['x', 'y'].find((name) => !needed.has(name));
  if (isNext && free && !isBranch) return free;
  const inner = step.callsModule
    ? undefined
    : step.reads.map((read) => inlined.get(read)).find((found) => found?.callsModule);
  return uniqueName(inner?.name ?? step.name, taken);
}
