import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { readOwnPackage } from '../../src/packages/own-package.ts';
import { jpegBytes, schematicFace, writeDataset } from '../dataset-fixture.ts';
import { runCli } from '../e2e/run-cli.ts';
import { packagesBehind } from './built-modules.ts';
import { installWith } from './light-package.ts';

const { dependencies, optionalDependencies, peerDependencies } = readOwnPackage();
const required = Object.keys(dependencies);
const cliOf = (project: string) => join(project, 'node_modules', 'faceparse', 'dist', 'cli', 'main.js');

describe('the modules of the package', () => {
  it.each([
    'node.js',
    'cli/main.js',
    'training/trainer.js',
    'challenge/check/check-submission.js',
    'report/write-report.js',
  ])('%s loads without the optional peers', (module) => {
    const loaded = packagesBehind([module], false);
    expect(loaded.size).toBeGreaterThan(3);
    for (const name of Object.keys(peerDependencies)) expect(loaded, name).not.toContain(name);
  });

  it('reach each optional package, when they are used', () => {
    const used = packagesBehind(['cli/main.js'], true);
    // Fonts are read as files, not imported.
    const modules = Object.keys(peerDependencies).filter((name) => !name.startsWith('@expo-google-fonts/'));
    for (const name of [...modules, ...Object.keys(optionalDependencies)]) expect(used).toContain(name);
  });

  it('of the browser use nothing of Node, not even later', () => {
    const inBrowsers = ['fflate', 'yaml', 'zod'];
    for (const name of packagesBehind(['browser.js', 'index.js', 'config/index.js'], true)) {
      expect(inBrowsers).toContain(name);
    }
  });
});

describe('faceparse without its optional packages', () => {
  it('parses a photo', async () => {
    const project = await installWith([...required, 'onnxruntime-node']);
    await writeFile(join(project, 'photo.jpg'), await jpegBytes(64, 48));
    const script = `import { FaceParser } from 'faceparse/node';
      const parser = await FaceParser.load();
      const { width, height } = await parser.parse('photo.jpg');
      console.log(width, height);`;
    await writeFile(join(project, 'parse.mjs'), script);
    const { stdout } = await promisify(execFile)(process.execPath, ['parse.mjs'], { cwd: project });
    expect(stdout).toBe('64 48\n');
    const predicted = await runCli(['predict', 'photo.jpg', '--overlay', '--faces', 'whole'], {
      cwd: project,
      cli: cliOf(project),
    });
    expect(predicted).toMatchObject({ code: 0, stderr: '' });
  });

  it('has a command line that says what is missing, and how to get it, before any work', async () => {
    const project = await installWith(required);
    await writeDataset(join(project, 'train'), { a: schematicFace() });
    const run = (words: string) => runCli(words.split(' '), { cwd: project, cli: cliOf(project) });
    for (const [words, message] of [
      ['train --data . --name a', 'training needs a package that is not installed; run: npm install echarts@6'],
      ['demo', 'the demo needs a package that is not installed; run: npm install echarts@6'],
      [
        'data stats train --out a.svg',
        'drawing a chart needs a package that is not installed; run: npm install echarts@6',
      ],
      [
        'study a.yaml --report a.md',
        'a report of a study needs a package that is not installed; run: npm install echarts@6',
      ],
      [
        'report a --out b',
        'a report needs packages that are not installed; run: npm install @myriaddreamin/typst-ts-node-compiler@0.7 @expo-google-fonts/arimo@0.4 echarts@6',
      ],
      [
        'report --build b',
        'building a report needs packages that are not installed; run: npm install @myriaddreamin/typst-ts-node-compiler@0.7 @expo-google-fonts/arimo@0.4',
      ],
      [
        'submit --check a.zip --test train',
        'checking a zip needs a package that is not installed; run: npm install yauzl@3',
      ],
      [
        'predict train/images/a.jpg',
        'the onnx engine needs a package that is not installed; run: npm install onnxruntime-node@1.30 (with ONNXRUNTIME_NODE_INSTALL=skip in the environment, without CUDA libraries)',
      ],
    ]) {
      expect(await run(words), words).toEqual({ code: 1, stdout: '', stderr: `faceparse: ${message}\n` });
    }
    expect(await run('data stats train')).toMatchObject({ code: 0, stderr: '' });
    const { code, stdout } = await run('doctor');
    expect(code).toBe(1);
    expect(stdout).toMatch(/^ +echarts +not installed \(draws the charts\): npm install echarts@6$/m);
    expect(stdout).toMatch(
      /^ +onnx +does not work: .*npm install onnxruntime-node@1\.30 \(with ONNXRUNTIME_NODE_INSTALL=skip .*\)$/m,
    );
  });

  it('has a browser entry that loads with what a browser app needs', async () => {
    const project = await installWith(['fflate', 'yaml', 'zod']);
    const script = "import { FaceParser, listModels } from 'faceparse/browser'; console.log(listModels().length > 0)";
    const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', script], {
      cwd: project,
    });
    expect(stdout).toBe('true\n');
  });
});
