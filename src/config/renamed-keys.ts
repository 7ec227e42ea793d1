/** Renamed keys: old path to new path, in the same group. Files and runs with the old name still work. */
const renamedKeys: ReadonlyMap<string, string> = new Map([['train.stages', 'train.resolutions']]);

/** The current path of a key, given its current or a former path. */
export function currentPath(path: string): string {
  return renamedKeys.get(path) ?? path;
}

/** A line that gives the new name of a key. */
export function describeRenaming(place: string, path: string): string {
  return `${place}: ${path} was renamed to ${currentPath(path)}; the old name still works`;
}
