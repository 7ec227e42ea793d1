/** Keys that had another name in an earlier version: old path to new path, in the same group. Files and runs that use the old name are read. */
const renamedKeys: ReadonlyMap<string, string> = new Map([['train.stages', 'train.resolutions']]);

/** The current path of a key, from the current or a former one. */
export function currentPath(path: string): string {
  return renamedKeys.get(path) ?? path;
}

/** One line that tells a reader the new name of a key. */
export function describeRenaming(place: string, path: string): string {
  return `${place}: ${path} is now called ${currentPath(path)}; the old name still works`;
}
