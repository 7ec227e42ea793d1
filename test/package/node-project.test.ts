import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { jpegBytes } from '../dataset-fixture.ts';
import { installPacked, tsc, typeRoots } from './packed-project.ts';

const project = await installPacked({ name: 'app', type: 'module' });
afterAll(() => project.remove());
await writeFile(join(project.folder, 'photo.jpg'), await jpegBytes(64, 48));

/** Entries that Node loads, and something that each exports. */
const entries = {
  faceparse: 'FaceParser',
  'faceparse/node': 'train',
  'faceparse/browser': 'createOnnxEngine',
  'faceparse/blocks': 'registerModel',
  'faceparse/config': 'parseConfig',
};

const imports = Object.entries(entries).map(
  ([entry, name], i) => `import * as m${i} from '${entry}'; console.log(typeof m${i}.${name});`,
);
const requires = Object.entries(entries).map(([entry, name]) => `console.log(typeof require('${entry}').${name});`);

await project.write({
  'import.mjs': imports.join('\n'),
  'require.cjs': requires.join('\n'),
  'parse.mjs': `import { FaceParser } from 'faceparse/node';
    const parser = await FaceParser.load();
    const { width, height, areas } = await parser.parse('photo.jpg');
    console.log(width, height, areas.length > 0);
    await parser.dispose();`,
  'weights.cjs': `const { statSync } = require('node:fs');
    console.log(statSync(require.resolve('faceparse/weights/flagship.safetensors')).size > 1e6);
    console.log(require('faceparse/package.json').name);`,
});

/** Other Node programs to try, as paths between the separators of PATH. */
const nodes = (process.env.FACEPARSE_NODES ?? '').split(delimiter).filter(Boolean);
const version = (node: string) => execFileSync(node, ['--version'], { encoding: 'utf8', timeout: 20_000 }).trim();

describe.skipIf(project.missing)(`the packed package${project.missing ? ` (skipped: ${project.missing})` : ''}`, () => {
  describe.each([process.execPath, ...nodes].map((node) => [version(node), node]))('in Node %s', (_, node) => {
    it('is imported, every entry', async () => {
      expect(await project.run(node, 'import.mjs')).toBe('function\n'.repeat(5));
    });

    it('is required, every entry: no module awaits at its top level', async () => {
      expect(await project.run(node, 'require.cjs')).toBe('function\n'.repeat(5));
    });

    it('parses a photo with the bundled weights', async () => {
      expect(await project.run(node, 'parse.mjs')).toBe('64 48 true\n');
    });

    it('resolves the weights file and package.json', async () => {
      expect(await project.run(node, 'weights.cjs')).toBe('true\nfaceparse\n');
    });
  });

  if (nodes.length === 0) it.skip('works in other versions of Node (skipped: FACEPARSE_NODES names no programs)');

  it.each([
    ['nodenext', 'nodenext'],
    ['esnext', 'bundler'],
  ])(
    'has declarations for module %s and moduleResolution %s, without those of the DOM',
    async (module, moduleResolution) => {
      await project.write({
        'types/app.ts': `import { createOnnxEngine, getLabelSet } from 'faceparse';
        import { parseConfig } from 'faceparse/config';
        import { defineModule, type Tensor } from 'faceparse/blocks';
        import {
          type AlphaMask, evaluateParser, FaceParser, FaceparseError, ImageError, type ImageSource, type LoadOptions, openDataset,
          type ParseOptions, type ParseResult, type ParseTiming, type Segment, train,
        } from 'faceparse/node';
        import { Readable } from 'node:stream';
        const options: LoadOptions = { name: 'onnx', device: 'cpu', threads: 1 };
        await using parser: FaceParser = await FaceParser.load(new URL('file:///run'), options);
        const images: ImageSource[] = [
          'photo.jpg', new URL('file:///a.jpg'), Buffer.alloc(1), new ArrayBuffer(1), new Blob([]), Readable.from([]),
          new Response('').body!, { width: 1, height: 1, data: new Uint8ClampedArray(4) },
        ];
        const limits: ParseOptions = { maxSide: 512 };
        const result: ParseResult = await parser.parse(images[0], limits);
        const { labels, width } = result;
        const mask: AlphaMask = await result.mask(['u_lip', 'l_lip'], { soft: false });
        const segments: Segment[] = await result.segments();
        const timing: ParseTiming = result.timing;
        await evaluateParser(parser, await openDataset('data/val'));
        const block = defineModule('Block', 'Nothing.', (_, x: Tensor): Tensor => x);
        const isError = (error: unknown) => error instanceof ImageError || error instanceof FaceparseError;
        // @ts-expect-error options come second
        await FaceParser.load({ name: 'onnx' });
        // @ts-expect-error no such engine
        await FaceParser.load(undefined, { name: 'gpu' });
        // @ts-expect-error a number is no image
        await parser.parse(5);
        export { block, isError, mask, segments, timing };
        const first: number = labels[width];
        // @ts-expect-error a width is a number
        const wrong: string = width;
        export { createOnnxEngine, getLabelSet, parseConfig, train, first, wrong };`,
        'types/tsconfig.json': JSON.stringify({
          compilerOptions: {
            module,
            moduleResolution,
            target: 'es2023',
            lib: ['es2023'],
            types: ['node'],
            typeRoots,
            strict: true,
            skipLibCheck: false,
            noEmit: true,
          },
          files: ['app.ts'],
        }),
      });
      expect(await project.run(process.execPath, tsc, '-p', 'types')).toBe('');
    },
  );

  it('has every file that package.json exports', () => {
    for (const path of ['weights/flagship.safetensors', 'weights/README.md', 'CHANGELOG.md', 'configs/flagship.yaml']) {
      expect(existsSync(join(project.folder, 'node_modules/faceparse', path)), path).toBe(true);
    }
  });
});
