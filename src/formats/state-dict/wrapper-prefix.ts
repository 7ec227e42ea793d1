/** Prefixes of wrappers around a network: DataParallel, torch.compile, and the attribute of a training class. */
export const wrapperPrefixes = ['module.', '_orig_mod.', 'model.', 'net.'] as const;
/** Wrappers are nested a few deep. Each one takes a pass over all names, whose length a hostile file can choose. */
const maxWrappers = 16;

/**
 * Removes the prefixes that all names share, repeatedly (at most 16 times), so that `module.model.conv1.weight` becomes `conv1.weight`.
 * Tensors keep their order. Nothing is removed if one name lacks the prefix.
 *
 * @param prefixes each with its dot; by default those of wrappers. `backbone.` and `encoder.` name a part of a network, so
 * the caller decides about them
 * @example stripWrapperPrefix(new Map([['module.fc.bias', 1]])) // { prefix: 'module.', tensors: Map { 'fc.bias' => 1 } }
 */
export function stripWrapperPrefix<T>(
  tensors: ReadonlyMap<string, T>,
  prefixes: readonly string[] = wrapperPrefixes,
): { readonly prefix: string; readonly tensors: ReadonlyMap<string, T> } {
  const names = [...tensors.keys()];
  let prefix = '';
  let count = 0;
  const next = () =>
    prefixes.find((part) =>
      names.every((name) => name.length > (prefix + part).length && name.startsWith(prefix + part)),
    );
  for (let part = next(); names.length > 0 && part !== undefined && count < maxWrappers; part = next()) {
    prefix += part;
    count++;
  }
  return { prefix, tensors: new Map([...tensors].map(([name, tensor]) => [name.slice(prefix.length), tensor])) };
}
