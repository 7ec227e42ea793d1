import type { Model } from '../../src/models/model.ts';
import { createModel, getArchitecture } from '../../src/models/registry.ts';

/** The network of that name with the least depth that it allows, for five classes. */
export function smallestModel(name: string): Model {
  const { choices } = getArchitecture(name).settings?.depth ?? {};
  return createModel(name, { classes: 5, ...(choices && { depth: Math.min(...choices) }) });
}
