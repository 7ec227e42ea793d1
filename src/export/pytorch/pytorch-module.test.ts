import { describe, expect, it } from 'vitest';
import { Graph, type Tensor } from '../../graph/graph.ts';
import { activation } from '../../graph/ops/activation.ts';
import { conv2d } from '../../graph/ops/convolution.ts';
import { add } from '../../graph/ops/elementwise.ts';
import { adaptiveAvgPool, avgPool, globalAvgPool } from '../../graph/ops/pooling.ts';
import { resize } from '../../graph/ops/resize.ts';
import { concat } from '../../graph/ops/shape.ts';
import { defaultPreprocessing } from '../../image/preprocessing.ts';
import { createModel } from '../../models/registry.ts';
import { constantInitializer } from '../../nn/initializers.ts';
import { convBn, convolution, invertedResidual, transposedConvolution } from '../../nn/layers.ts';
import { defineModule, Scope } from '../../nn/scope.ts';
import { type GraphBuilder, pytorchModule, pytorchNetwork, pytorchNetworkOf } from './pytorch-module.ts';

/** A network over an image of 4 channels, as code. */
function codeOf(build: (scope: Scope, x: Tensor) => Tensor): string {
  const graphOf: GraphBuilder = (height, width) => {
    const graph = new Graph();
    const x = graph.input('image', [1, 4, height, width]);
    graph.output('logits', build(new Scope(graph, { training: false, seed: 0 }), x));
    return graph;
  };
  return pytorchNetworkOf(graphOf, 4, 'A network.');
}

function forwardOf(code: string, name: string): string[] {
  const [, text] = code.split(`class ${name}(`);
  const [, body] = text.split('\n\n\n')[0].split(/def forward\(.*\):\n/);
  return body
    .trimEnd()
    .split('\n')
    .map((line) => line.trim());
}

describe('the code of a model', () => {
  const code = pytorchNetwork(createModel('compact', { classes: 19 }));

  it('has one class per module structure, with common names', () => {
    const classes = [...code.matchAll(/^class (\w+)\((.*)\):$/gm)].map(([, name, base]) => `${name} ${base}`);
    expect(classes).toEqual([
      'ConvBn nn.Sequential',
      'BasicBlock nn.Module',
      'SqueezeExcite nn.Module',
      'InvertedResidual nn.Module',
      'PyramidPooling nn.ModuleList',
      'FaceParsingNet nn.Module',
    ]);
    expect(code).toContain('self.stem = ConvBn(5, 24, kernel_size=3, stride=2)');
    expect(code).toContain('self.depthwise = ConvBn(4 * channels, 4 * channels, kernel_size=5, groups=4 * channels)');
  });

  it('calls modules as hand-written code does', () => {
    expect(forwardOf(code, 'InvertedResidual')).toEqual([
      'y = self.expand(x)',
      'y = self.depthwise(y)',
      'y = self.squeeze(y)',
      'return F.relu(x + self.project(y))',
    ]);
    expect(forwardOf(code, 'FaceParsingNet')).toEqual([
      'stem = self.stem(torch.cat([image, coordinates(image)], dim=1))',
      'stage_0 = self.stages[0](stem)',
      'stage_1 = self.stages[1](stage_0)',
      'stage_2 = self.stages[2](stage_1)',
      'x = self.stages[3](stage_2)',
      'x = self.pyramid(x)',
      'x = self.decoder[0](torch.cat([resize_like(x, stage_2), stage_2], dim=1))',
      'x = self.decoder[1](torch.cat([resize_like(x, stage_1), stage_1], dim=1))',
      'x = self.decoder[2](torch.cat([resize_like(x, stage_0), stage_0], dim=1))',
      'x = self.decoder[3](torch.cat([resize_like(x, stem), stem], dim=1))',
      'return self.head(x)',
    ]);
  });

  it('takes sizes from the image, not from the graph', () => {
    expect(forwardOf(code, 'PyramidPooling')).toContain('branch_3 = resize_like(self[3](grid_means(x, 8, 8)), x)');
  });

  it('imports only torch and contains only the helper functions that it calls', () => {
    const module = pytorchModule(createModel('mobile-unet', { classes: 8 }), { ...defaultPreprocessing, size: 128 });
    const imports = [...module.matchAll(/^(?:import|from) (\w+)/gm)].map(([, name]) => name);
    expect(imports).toEqual(['sys', 'torch', 'torch', 'torch']);
    expect([...module.matchAll(/^def (\w+)/gm)].map(([, name]) => name)).toEqual([
      'resize_like',
      'load',
      'count_parameters',
    ]);
    expect(module).toContain('resized to 128 x 128, ignoring the aspect ratio');
  });
});

describe('modules', () => {
  it('with the same name and different children are distinguished', () => {
    const code = codeOf((scope, x) =>
      invertedResidual(scope.at('second'), invertedResidual(scope.at('first'), x), { squeeze: true }),
    );
    expect(code).toContain('class InvertedResidual(nn.Module)');
    expect(code).toContain('class InvertedResidualSqueeze(nn.Module)');
  });

  it('that are used twice store their weights once', () => {
    const code = codeOf((scope, x) => {
      const shared = scope.at('shared');
      const y = shared.module('Conv2d', () => {
        const weight = shared.parameter('weight', [4, 4, 1, 1], constantInitializer(0), { decay: true });
        return conv2d(conv2d(x, weight), weight);
      });
      return add(y, x);
    });
    expect(code.match(/nn.Conv2d/g)).toHaveLength(1);
    expect(forwardOf(code, 'FaceParsingNet')).toEqual(['x = self.shared(image)', 'return self.shared(x) + image']);
  });

  it('that are used again are one class and one module, called twice', () => {
    const code = codeOf((scope, x) => {
      const block = (at: Scope, y: Tensor) => invertedResidual(at.at('encoder').at('block'), y);
      const half = block(scope, avgPool(x, { kernel: 2 }));
      const whole = block(scope.again(), x);
      return add(whole, resize(half, x.shape[2], x.shape[3]));
    });
    expect(code.match(/InvertedResidual\(\)/g)).toHaveLength(1);
    expect(forwardOf(code, 'FaceParsingNet')).toEqual([
      'block = self.encoder["block"](image)',
      'x = resize_like(self.encoder["block"](F.avg_pool2d(image, 2)), block)',
      'return block + x',
    ]);
  });

  it('that are used again in another way are refused', () => {
    const block = defineModule('Block', 'One convolution.', (at, x: Tensor, kind: 'relu' | 'silu') =>
      activation(convolution(at.at('layer'), x, { filters: 4, kernel: 1 }), kind),
    );
    const build = () => codeOf((scope, x) => block(scope.again().at('a'), block(scope.at('a'), x, 'relu'), 'silu'));
    expect(build).toThrow(
      "the module 'a' is used several times, but not in the same way ('return F.relu(self.layer(x))' and 'return F.silu(self.layer(x))')",
    );
    const layers = () =>
      codeOf((scope, x) => {
        const y = convolution(scope.at('a'), x, { filters: 4, kernel: 3 });
        return convolution(scope.again().at('a'), y, { filters: 4, kernel: 3, dilation: 2 });
      });
    expect(layers).toThrow("the module 'a' is named Conv2d but differs from PyTorch's nn.Conv2d");
  });

  it('of transposed convolutions are PyTorch layers', () => {
    const code = codeOf((scope, x) => {
      const layer = { filters: 6, kernel: 4, stride: 2, padding: 1, bias: true };
      const y = transposedConvolution(scope.at('up'), x, layer);
      const odd = { filters: 6, kernel: 3, stride: 2, outputPadding: 1, groups: 2 };
      return transposedConvolution(scope.at('odd'), y, odd);
    });
    expect(code).toContain('self.up = nn.ConvTranspose2d(4, 6, 4, stride=2, padding=1)');
    expect(code).toContain('self.odd = nn.ConvTranspose2d(6, 6, 3, stride=2, output_padding=1, groups=2, bias=False)');
  });

  it('with their own weights store them as parameters', () => {
    const code = codeOf((scope, x) => {
      const shift = defineModule('Shift', 'A sum.', (at, y: Tensor) =>
        add(y, at.parameter('amount', [4, 1, 1], constantInitializer(0), { decay: false })),
      );
      return shift(scope.at('shift'), convolution(scope.at('head'), x, { filters: 4, kernel: 1 }));
    });
    expect(code).toContain('self.amount = nn.Parameter(torch.zeros(4, 1, 1))');
    expect(forwardOf(code, 'Shift')).toEqual(['return x + self.amount']);
  });

  it('without a chain of children have a forward method and the description of their kind', () => {
    const twins = defineModule('Twins', 'Two convolutions side by side.', (at, x: Tensor) =>
      add(convolution(at.at(0), x, { filters: 4, kernel: 1 }), convolution(at.at(1), x, { filters: 4, kernel: 1 })),
    );
    const code = codeOf((scope, x) => twins(scope.at('twins'), x));
    expect(code).toContain('class Twins(nn.ModuleList):\n    """Two convolutions side by side."""');
    expect(forwardOf(code, 'Twins')).toEqual([
      'branch_0 = self[0](x)',
      'branch_1 = self[1](x)',
      'return branch_0 + branch_1',
    ]);
  });

  it('with one structure but two kinds have two classes', () => {
    const kind = (name: string) =>
      defineModule(name, 'A convolution.', (at, x: Tensor) =>
        activation(convolution(at.at(0), x, { filters: 4, kernel: 1 }), 'relu'),
      );
    const code = codeOf((scope, x) => kind('Second')(scope.at('b'), kind('First')(scope.at('a'), x)));
    expect(code).toContain('class First(nn.Sequential)');
    expect(code).toContain('class Second(nn.Sequential)');
  });

  it('with several results become a dictionary whose items the network calls', () => {
    const encoder = defineModule('Encoder', 'Two features.', (at, x: Tensor) => {
      const fine = convBn(at.at('fine'), x, { filters: 4, kernel: 3 });
      return [fine, activation(convBn(at.at('coarse'), fine, { filters: 4, kernel: 3 }), 'silu')] as const;
    });
    const code = codeOf((scope, x) => {
      const [fine, coarse] = encoder(scope.at('encoder'), x);
      return add(fine, coarse);
    });
    expect(code).toContain('self.encoder = nn.ModuleDict({');
    expect(forwardOf(code, 'FaceParsingNet')).toEqual([
      'x = self.encoder["fine"](image)',
      'return x + F.silu(self.encoder["coarse"](x))',
    ]);
  });

  it('take sizes from their inputs', () => {
    const mean = defineModule('Mean', 'The mean everywhere.', (at, x: Tensor) =>
      resize(convolution(at.at('layer'), globalAvgPool(x), { filters: 4, kernel: 1 }), x.shape[2], x.shape[3]),
    );
    const code = codeOf((scope, x) => {
      const y = convolution(scope.at('layer'), x, { filters: 4, kernel: 1 });
      return concat([y, mean(scope.at('mean'), x)], 1);
    });
    expect(forwardOf(code, 'Mean')).toEqual(['return resize_like(self.layer(F.adaptive_avg_pool2d(x, 1)), x)']);
  });

  it('resize with aligned corners to a size or by a factor', () => {
    const code = codeOf((_, x) => {
      const [height, width] = x.shape.slice(2) as [number, number];
      const grid = resize(adaptiveAvgPool(x, 6), height, width, 'bilinear-align-corners');
      return resize(concat([x, grid], 1), 8 * height, 8 * width, 'bilinear-align-corners');
    });
    expect(forwardOf(code, 'FaceParsingNet')).toEqual([
      'x = torch.cat([image, resize_like(F.adaptive_avg_pool2d(image, 6), image, align_corners=True)], dim=1)',
      'return F.interpolate(x, scale_factor=8, mode="bilinear", align_corners=True)',
    ]);
  });

  it('that are interleaved with others become a list whose items the network calls', () => {
    const code = codeOf((scope, x) => {
      const first = convBn(scope.at('steps').at(0), x, { filters: 4, kernel: 3 });
      const between = convolution(scope.at('between'), first, { filters: 4, kernel: 1 });
      const second = convBn(scope.at('steps').at(1), between, { filters: 4, kernel: 3 });
      return concat([first, second, x], 1);
    });
    expect(code).toContain('self.steps = nn.ModuleList([');
    expect(forwardOf(code, 'FaceParsingNet')[0]).toBe('step_0 = self.steps[0](image)');
  });
});

describe('errors', () => {
  it('name an op that has no rule', () => {
    const build = () => codeOf((_, x) => x.graph.add('fourier', [x], {}, [x])[0]);
    expect(build).toThrow("the op 'fourier' cannot be exported to PyTorch yet");
  });

  it('name the line that depends on the image size', () => {
    const build = () => codeOf((_, x) => adaptiveAvgPool(x, x.shape[2] / 4, 2));
    expect(build).toThrow(/images of any size: 'return F.adaptive_avg_pool2d\(image, \(23, 2\)\)' depends on the size/);
  });

  it('name a resize whose size cannot be determined', () => {
    const build = () => codeOf((_, x) => activation(resize(x, 37, 41), 'relu'));
    expect(build).toThrow(/what the size of the resize from 1×4×92×116 to 1×4×37×41 depends on/);
  });

  it('name a layer that differs from its kind', () => {
    const build = () => codeOf((scope, x) => scope.at('head').module('Conv2d', () => activation(x, 'relu')));
    expect(build).toThrow("the module 'head' is named Conv2d but differs from PyTorch's nn.Conv2d");
  });

  it('name a weight that belongs to another module', () => {
    const build = () =>
      codeOf((scope, x) => {
        const [owner, thief] = [scope.at('owner'), scope.at('thief')];
        const weight = owner.module('Owner', () =>
          owner.parameter('amount', [4, 1, 1], constantInitializer(0), { decay: false }),
        );
        return thief.module('Thief', () => add(x, weight));
      });
    expect(build).toThrow("the module 'thief' reads the weight 'owner.amount' of another module");
  });

  it('name a convolution that PyTorch does not support', () => {
    const build = () =>
      codeOf((scope, x) => {
        const head = scope.at('head');
        return head.module('Conv2d', () => {
          const weight = head.parameter('weight', [2, 4, 2, 2], constantInitializer(0), { decay: true });
          return conv2d(x, weight, { padding: [0, 0, 1, 1] });
        });
      });
    expect(build).toThrow("the convolution 'head' has padding [0,0,1,1]");
  });
});
