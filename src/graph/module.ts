/** A module of a network, recorded by the nodes created inside it. Passes keep the same record. */
export interface Module {
  /** Path in the network and prefix of its parameter names: `stages.0.1.first`. The network itself has the path ``. */
  readonly path: string;
  /** Its class name: `BasicBlock`. Modules that PyTorch has keep PyTorch's name: `Conv2d`. */
  readonly kind: string;
  /** One-line description of the kind. */
  readonly description?: string;
  /** The module that contains it. */
  readonly parent: Module | undefined;
}

/** Whether a path is below another one. All other paths are below the network's path, ``. */
export function isBelow(path: string, outer: string): boolean {
  return outer === '' ? path !== '' : path.startsWith(`${outer}.`);
}

/** The innermost module that contains all of them. A node that replaces nodes of several modules belongs to it. */
export function commonModule(modules: readonly (Module | undefined)[]): Module | undefined {
  let common = modules[0];
  for (const module of modules) while (common && !holds(common, module)) common = common.parent;
  return common;
}

/** Whether `module` is `outer` or inside it. */
export function holds(outer: Module, module: Module | undefined): boolean {
  for (let inner = module; inner; inner = inner.parent) if (inner === outer) return true;
  return false;
}
