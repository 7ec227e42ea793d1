import { describe, expect, it } from 'vitest';
import { Graph, type Tensor } from './graph.ts';
import { commonModule, type Module } from './module.ts';
import { ModuleTree, type Region } from './module-tree.ts';
import { relu } from './ops/activation.ts';
import { add, exp } from './ops/elementwise.ts';

const network: Module = { path: '', kind: 'Network', parent: undefined };
const block = (path: string, kind = 'Block', parent = network): Module => ({ path, kind, parent });

/** What a region holds, in words. */
function outline({ name, module, nodes, parameters, children }: Region): unknown[] {
  const own = [name, module?.kind, nodes.map(({ op }) => op).join(' '), [...parameters.keys()].join(' ')];
  return [...own, ...[...children.values()].map(outline)];
}

describe('ModuleTree', () => {
  it('puts nodes and weights into their modules, and lists into their order', () => {
    const graph = new Graph();
    const step = (module: Module, x: Tensor) =>
      graph.within(module, () =>
        add(
          x,
          graph.state(`${module.path}.shift`, [2], () => new Float32Array(2)),
        ),
      );
    const x = graph.input('x', [2]);
    graph.within(network, () => {
      const y = step(block('steps.1'), step(block('steps.0.inner', 'Inner', block('steps.0', 'Outer')), x));
      graph.output('y', relu(step(block('last'), y)));
      // Nothing needs it.
      step(block('unused'), x);
    });
    const { root } = new ModuleTree(graph);
    const leaf = (name: string, kind: string) => [name, kind, 'add', 'shift'];
    expect(outline(root)).toEqual([
      ...['', 'Network', 'add add add activation', ''],
      ['steps', undefined, 'add add', '', ['0', 'Outer', 'add', '', leaf('inner', 'Inner')], leaf('1', 'Block')],
      leaf('last', 'Block'),
    ]);
  });

  it('numbers lists by their names, whatever comes first', () => {
    const graph = new Graph();
    const x = graph.input('x', [2]);
    const second = graph.within(block('steps.1'), () => exp(x));
    graph.output(
      'y',
      graph.within(block('steps.0'), () => exp(second)),
    );
    const steps = new ModuleTree(graph).root.children.get('steps')!;
    expect([...steps.children.keys()]).toEqual(['0', '1']);
    expect(steps.numbered).toBe(true);
    expect(steps.children.get('1')!.index).toBe(1);
    expect(steps.index).toBeUndefined();
  });

  it('refuses two kinds at one place', () => {
    const graph = new Graph();
    const x = graph.within(block('a', 'First'), () => exp(graph.input('x', [2])));
    graph.output(
      'y',
      graph.within(block('a', 'Second'), () => exp(x)),
    );
    expect(() => new ModuleTree(graph)).toThrow("both a First and a Second are at 'a'; give them different names");
  });
});

describe('commonModule', () => {
  it('is the innermost that holds all', () => {
    const outer = block('a');
    const [left, right] = [block('a.left', 'Leaf', outer), block('a.right', 'Leaf', outer)];
    expect(commonModule([left, left])).toBe(left);
    expect(commonModule([left, right])).toBe(outer);
    expect(commonModule([left, outer, right])).toBe(outer);
    expect(commonModule([left, block('b')])).toBe(network);
    expect(commonModule([left, undefined])).toBeUndefined();
    expect(commonModule([])).toBeUndefined();
  });
});
