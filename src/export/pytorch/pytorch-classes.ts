import { formatShape, stateAttributes } from '../../graph/graph.ts';
import type { Region } from '../../graph/module-tree.ts';
import type { ActivationAttributes } from '../../graph/ops/activation.ts';
import { FaceparseError } from '../../text/errors.ts';
import { pascalCase } from '../../text/word-forms.ts';
import { type ArgumentColumn, type ClassParameter, findParameters } from './constructor-parameters.ts';
import { type Argument, argumentsOf, type Construct, layerConstruct, writeConstruct } from './constructs.ts';
import type { NetworkModules } from './network-modules.ts';
import { isPythonName, uniqueName } from './python-names.ts';
import { type ForwardCode, writeForward } from './pytorch-forward.ts';
import { activationNames } from './pytorch-ops.ts';

/** Modules of the same kind and structure, which share a Python class. */
interface ModuleClass {
  readonly name: string;
  readonly docstring: string | undefined;
  readonly instances: readonly Region[];
  readonly parameters: readonly ClassParameter[];
}

/**
 * Writes the classes of a network as Python text, inner classes first and the network itself last. Modules of the same kind
 * and structure share a class, whose constructor takes the values that differ.
 */
export function writeClasses(modules: NetworkModules, network: { name: string; docstring: string }): string[] {
  return new ClassWriter(modules, network).write();
}

class ClassWriter {
  private readonly forwards = new Map<Region, ForwardCode>();
  private readonly keys = new Map<Region, string>();
  private readonly classes = new Map<string, ModuleClass>();
  private readonly texts: string[] = [];
  private readonly taken: Set<string>;

  constructor(
    private readonly modules: NetworkModules,
    private readonly network: { name: string; docstring: string },
  ) {
    this.taken = new Set([network.name]);
  }

  write(): string[] {
    const instances = new Map<string, Region[]>();
    const visit = (region: Region) => {
      const key = this.keyOf(region);
      if (this.modules.hasClass(region)) instances.set(key, [...(instances.get(key) ?? []), region]);
      for (const child of region.children.values()) visit(child);
    };
    visit(this.modules.root);
    this.define(this.modules.root, instances);
    return this.texts;
  }

  /** A key that is equal for modules of the same class. */
  private keyOf(region: Region): string {
    const known = this.keys.get(region);
    if (known) return known;
    const form = this.modules.formOf(region);
    if (form === 'layer') return region.module!.kind;
    const children = [...region.children].map(([name, child]) => `${name}:${this.keyOf(child)}`);
    const parameters = [...region.parameters].map(([name, state]) => `${name}=${formatShape(state.shape)}`);
    const forward = form === 'block' ? this.forwardOf(region).lines : [];
    const key = JSON.stringify([region.module?.kind, form, children, parameters, forward]);
    this.keys.set(region, key);
    return key;
  }

  private forwardOf(region: Region): ForwardCode {
    const known = this.forwards.get(region);
    if (known) return known;
    const [code, ...others] = this.modules.usesOf(region).map((use) => writeForward(this.modules, region, use)) as [
      ForwardCode,
      ...ForwardCode[],
    ];
    requireSame(
      region,
      others.map(({ lines }) => lines.join('; ')),
      code.lines.join('; '),
    );
    this.forwards.set(region, code);
    return code;
  }

  /** Writes the class of a module once, after the classes of its children. */
  private define(region: Region, instances: ReadonlyMap<string, readonly Region[]>): void {
    const hasClass = this.modules.hasClass(region);
    if (hasClass && this.classes.has(this.keyOf(region))) return;
    for (const child of region.children.values()) this.define(child, instances);
    if (!hasClass) return;
    const members = instances.get(this.keyOf(region))!;
    const bodies = members.map((member) => this.bodyOf(member));
    const columns = columnsOf(bodies);
    const { parameters, expressions } = findParameters(columns);
    const { name, docstring } = region === this.modules.root ? this.network : this.nameOf(region);
    const written: ModuleClass = { name, docstring, instances: members, parameters };
    this.classes.set(this.keyOf(region), written);
    const texts = new Map<Argument, string>();
    bodies[0]
      .flatMap(([, construct]) => argumentsOf(construct))
      .forEach((argument, index) => {
        texts.set(argument, expressions[index]);
      });
    this.texts.push(this.classText(region, written, bodies[0], (argument) => texts.get(argument)!));
  }

  /** A unique name: extended by a part that its namesake lacks, otherwise numbered. */
  private nameOf(region: Region): { name: string; docstring: string | undefined } {
    const { kind: name, description: docstring } = region.module!;
    const namesake = [...this.classes.values()].find((other) => other.name === name)?.instances[0];
    const extra =
      namesake && [...region.children.keys()].filter((child) => !namesake.children.has(child) && isPythonName(child));
    return { name: uniqueName(extra ? `${name}${extra.map(pascalCase).join('')}` : name, this.taken, ''), docstring };
  }

  /** The children of a module with their constructor calls. */
  private bodyOf(region: Region): (readonly [string, Construct])[] {
    const children = [...region.children].map(([name, child]) => [name, this.constructOf(child)] as const);
    if (this.modules.formOf(region) !== 'sequence') return children;
    const argument: Argument = { name: 'activation', value: this.activationOf(region), default: 'nn.ReLU' };
    return [...children, ['activation', { kind: 'made', argument }]];
  }

  /** The activation at the end of a sequence. */
  private activationOf(region: Region): string {
    const [activation, ...others] = this.modules.usesOf(region).map((use) => {
      const { output, callee } = this.modules.callsOf(region, use).at(-1)!;
      return callee ? 'nn.Identity' : activationNames[(output.node.attributes as ActivationAttributes).kind].module;
    }) as [string, ...string[]];
    requireSame(region, others, activation);
    return activation;
  }

  private constructOf(child: Region): Construct {
    const form = this.modules.formOf(child);
    if (form === 'layer') return layerConstruct(child);
    if (form === 'sequence' && !this.modules.hasClass(child)) {
      return { kind: 'container', callee: 'nn.Sequential', brackets: '()', items: this.bodyOf(child) };
    }
    if (form === 'container') {
      const [callee, brackets] = child.numbered
        ? (['nn.ModuleList', '([])'] as const)
        : (['nn.ModuleDict', '({})'] as const);
      return { kind: 'container', callee, brackets, items: this.bodyOf(child) };
    }
    const { name, parameters, instances } = this.classes.get(this.keyOf(child))!;
    const index = instances.indexOf(child);
    const list = parameters.map(({ values, ...parameter }): Argument => ({ ...parameter, value: values[index] }));
    return { kind: 'call', callee: name, arguments: list };
  }

  private classText(
    region: Region,
    { name, docstring, parameters }: ModuleClass,
    body: readonly (readonly [string, Construct])[],
    write: (argument: Argument) => string,
  ): string {
    const form = this.modules.formOf(region);
    const base = form === 'sequence' ? 'nn.Sequential' : region.numbered ? 'nn.ModuleList' : 'nn.Module';
    const signature = ['self', ...parameters.map((parameter) => withDefault(parameter))].join(', ');
    const lines = [`class ${name}(${base}):`];
    if (docstring) lines.push(`    """${docstring}"""`, '');
    lines.push(`    def __init__(${signature}):`);
    if (base === 'nn.Module') {
      lines.push('        super().__init__()');
      for (const [child, construct] of body) lines.push(`        ${assignment(child, construct, write)}`);
    } else {
      const brackets = base === 'nn.ModuleList' ? '([])' : '()';
      const call: Construct = { kind: 'container', callee: 'super().__init__', brackets, items: body };
      lines.push(`        ${writeConstruct(call, write, 8)}`);
    }
    for (const [parameter, state] of region.parameters) lines.push(`        ${parameterLine(parameter, state)}`);
    if (form === 'block') {
      const { parameters: inputs, lines: code } = this.forwardOf(region);
      lines.push('', `    def forward(${['self', ...inputs].join(', ')}):`, ...code.map((line) => `        ${line}`));
    }
    return lines.join('\n');
  }
}

/** Checks that all uses of a module have the code of the first one. */
function requireSame({ path }: Region, others: readonly string[], first: string): void {
  const different = others.find((other) => other !== first);
  if (different === undefined) return;
  throw new FaceparseError(
    `the module '${path}' is used several times, but not in the same way ('${first}' and '${different}'), so it cannot be exported as one class`,
  );
}

/** The arguments of all instances side by side. */
function columnsOf(bodies: readonly (readonly (readonly [string, Construct])[])[]): ArgumentColumn[] {
  const rows = bodies.map((body) =>
    body.flatMap(([child, construct]) => argumentsOf(construct).map((argument) => ({ child, argument }))),
  );
  return rows[0].map(({ child, argument: { value, ...argument } }, index) => ({
    ...argument,
    child,
    values: rows.map((row) => row[index].argument.value),
  }));
}

function withDefault({ name, default: usual }: ClassParameter): string {
  return usual === undefined ? name : `${name}=${usual}`;
}

function assignment(child: string, construct: Construct, write: (argument: Argument) => string): string {
  if (/^\d+$/.test(child))
    return `self.add_module("${child}", ${writeConstruct(construct, write, 8, `self.add_module("${child}", `)})`;
  if (!isPythonName(child)) throw new FaceparseError(`'${child}' is not a valid Python name for a module`);
  return `self.${child} = ${writeConstruct(construct, write, 8, `self.${child} = `)}`;
}

/** A weight of the module itself; the checkpoint provides its values. */
function parameterLine(name: string, state: Parameters<typeof stateAttributes>[0]): string {
  if (!isPythonName(name)) throw new FaceparseError(`'${name}' is not a valid Python name for a weight`);
  const zeros = `torch.zeros(${state.shape.join(', ') || '()'})`;
  if (stateAttributes(state).trainable) return `self.${name} = nn.Parameter(${zeros})`;
  return `self.register_buffer("${name}", ${zeros})`;
}
