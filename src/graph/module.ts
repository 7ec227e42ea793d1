/** A module of a network, as the nodes that were made inside of it know it. Passes hand the same record on. */
export interface Module {
  /** Place in the network, with which the names of its parameters begin: `stages.0.1.first`; the network itself is ``. */
  readonly path: string;
  /** What it is, as its class would be called: `BasicBlock`. Modules that PyTorch has go by PyTorch's name: `Conv2d`. */
  readonly kind: string;
  /** What every module of this kind is, in one line. */
  readonly description?: string;
  /** The module that it is a part of. */
  readonly parent: Module | undefined;
}

/** Whether a path is below another one; every other path is below that of the network, ``. */
export function isBelow(path: string, outer: string): boolean {
  return outer === '' ? path !== '' : path.startsWith(`${outer}.`);
}

/** The innermost module that holds all of them: where a node belongs that stands for nodes of several modules. */
export function commonModule(modules: readonly (Module | undefined)[]): Module | undefined {
  let common = modules[0];
  for (const module of modules) while (common && !holds(common, module)) common = common.parent;
  return common;
}

/** Whether a module is another one or inside of it. */
export function holds(outer: Module, module: Module | undefined): boolean {
  for (let inner = module; inner; inner = inner.parent) if (inner === outer) return true;
  return false;
}
