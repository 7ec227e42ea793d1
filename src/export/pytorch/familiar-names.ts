import type { Region } from './module-tree.ts';
import { pascalCase, singular } from './python-names.ts';

interface FamiliarModule {
  readonly name: string;
  readonly docstring: string;
  fits(region: Region, children: readonly string[]): boolean;
}

/** A layer's op by the name of the child, `module` for a child that is no layer. */
function operations(region: Region): string {
  return [...region.children.values()].map((child) => (child.kind === 'layer' ? child.node.op : 'module')).join();
}

function holds(children: readonly string[], ...names: readonly string[]): boolean {
  return names.every((name) => children.includes(name));
}

/** Modules that people know by a name, and how they are told from their children. */
const familiarModules: readonly FamiliarModule[] = [
  {
    name: 'ConvBn',
    docstring: 'Convolution, batch normalisation, activation.',
    fits: (region) => region.form === 'sequence' && operations(region) === 'conv2d,batchNormInference',
  },
  {
    name: 'InvertedResidual',
    docstring: '1x1 to more channels, depthwise, 1x1 back (MobileNetV2), joined with what came in.',
    fits: (_, children) => holds(children, 'expand', 'depthwise', 'project'),
  },
  {
    name: 'SqueezeExcite',
    docstring: 'Weighs whole channels by a gate that is computed from their means.',
    fits: (_, children) => holds(children, 'reduce', 'expand') && children.length === 2,
  },
  {
    name: 'BasicBlock',
    docstring: 'Two convolutions, joined with what came in (ResNet).',
    fits: (_, children) => holds(children, 'first', 'second'),
  },
  {
    name: 'PyramidPooling',
    docstring: 'Means over grids of several sizes beside the features themselves (PSPNet).',
    fits: ({ name }) => name === 'pyramid',
  },
];

/** What a person would call the class of a module, and a line that describes it where there is one. */
export function familiarName(region: Region): { name: string; docstring: string | undefined } {
  const children = [...region.children.keys()];
  const known = familiarModules.find((module) => module.fits(region, children));
  if (known) return { name: known.name, docstring: known.docstring };
  const names = region.path.split('.');
  const last = names.findLastIndex((name) => !/^\d+$/.test(name));
  if (last < 0) return { name: 'Block', docstring: undefined };
  const base = names[last];
  return {
    name: last < names.length - 1 ? `${pascalCase(singular(base))}Block` : pascalCase(base),
    docstring: undefined,
  };
}
