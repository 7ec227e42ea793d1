import { spawnSync } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { temporaryFolder } from '../dataset-fixture.ts';
import { cliPath, runCli } from './run-cli.ts';

describe('faceparse', () => {
  it('prints the version of package.json', async () => {
    const { version } = JSON.parse(await readFile(new URL('../../package.json', import.meta.url), 'utf8'));
    expect(await runCli(['--version'])).toEqual({ code: 0, stdout: `${version}\n`, stderr: '' });
  });

  it.each(['--version', '--help'])('%s does not load the configuration', (option) => {
    const hooks = `export async function load(url, context, next) {
      if (/dist.config.schema/.test(url)) (await import('node:fs')).writeSync(2, url);
      return next(url, context);
    }`;
    const asModule = (code: string) => `data:text/javascript,${encodeURIComponent(code)}`;
    const register = `import { register } from 'node:module'; register(${JSON.stringify(asModule(hooks))});`;
    const loadedBy = (word: string) =>
      spawnSync(process.execPath, ['--import', asModule(register), cliPath, word], { encoding: 'utf8' }).stderr;
    expect(loadedBy(option)).toBe('');
    expect(loadedBy('--versoin')).toMatch(/dist.config.schema/);
  });

  it('prints help on stdout on request', async () => {
    for (const words of [['--help'], ['help', 'data'], ['data', 'check', '-h']]) {
      const { code, stdout, stderr } = await runCli(words);
      expect(code).toBe(0);
      expect(stdout).toMatch(/^Usage: faceparse/);
      expect(stderr).toBe('');
    }
  });

  it.each([[[]], [['data']]])('without a command prints help on stderr: %j', async (words) => {
    const { code, stdout, stderr } = await runCli(words);
    expect(code).toBe(2);
    expect(stdout).toBe('');
    expect(stderr).toMatch(/^Usage: faceparse/);
  });

  it.each([
    ['trian-nothing', "unknown command 'trian-nothing'"],
    ['modles', "unknown command 'modles' (Did you mean models?)"],
    ['data chek', "unknown command 'chek' (Did you mean check?)"],
    ['data check', "missing required argument 'folder'"],
    ['data check a b', /^too many arguments for 'check'/],
    ['data check . --jason', "unknown option '--jason' (Did you mean --json?)"],
    ['data check . --limit some', /'some' is invalid. It must be a whole number from 0 to 1000000/],
    [
      'data check . --labels lapa',
      "--labels has no label set 'lapa'; it takes celebamask-19, face-8, or a configuration or run folder whose label set to use",
    ],
    ['data check . --labels face8', "--labels has no label set 'face8'; did you mean 'face-8'?"],
    ['data check nowhere', 'folder nowhere not found; check the path'],
    ['data stats . --out chart.png', 'the chart is an SVG image; use --out chart.svg'],
    ['data prepare .', "required option '--out <folder>' not specified"],
    ['data prepare . --out x --from 1', '--from requires --to: give the first and the last photo'],
    ['models nope', /^unknown model 'nope'; the models are .*compact/],
    ['models compact --size 100', /^compact takes images whose sides are multiples of 32, not 100×100/],
    ['predict', 'no photo given; pass photos or folders of photos'],
    ['predict nowhere', 'nowhere not found; it must be a run, a photo or a folder of photos'],
    ['predict nowhere.safetensors .', '. contains no photos (JPEG, PNG, WebP, AVIF, GIF, TIFF or BMP)'],
    ['evaluate --data x --markdown --json', "option '--markdown' cannot be used with option '--json'"],
    ['export a', "required option '--format <name>' not specified"],
    ['export a --format torch --out x', /argument 'torch' is invalid\. Allowed choices are .*safetensors/],
    ['export nowhere --format safetensors --out x', 'nowhere not found; it must be a run folder or a weights file'],
    ['config nowhere.yaml', 'config nowhere.yaml not found; `faceparse config --list` lists the bundled ones'],
    ['train unet', 'config unet not found; unet is a network, which a configuration names; write model.name=unet'],
    ['config ResNet-18', /resnet18 is an encoder, .*; write model.name=unet model.encoder=resnet18$/],
    ['train comapct', "config comapct not found; did you mean 'compact'?"],
    [
      'train configs/compact.yaml',
      'config configs/compact.yaml not found; for the bundled config, use its name: compact',
    ],
    ['study stdy', "study stdy not found; did you mean 'study'?"],
    ['train --lr 1e-3', "unknown option '--lr'; to set a configuration key, write train.lr=1e-3"],
    ['evaluate', /^no data given, and the bundled network records none; pass --data FOLDER, .*$/],
    ['evaluate nowhere/run', 'nowhere/run not found; it must be a run folder or a weights file'],
    ['report nowhere/run', 'nowhere/run not found; it must be a run folder or a weights file'],
    ['evaluate a b', /^too many arguments for 'evaluate'.* compare runs with faceparse report RUN RUN$/],
    ['eval', "unknown command 'eval' (Did you mean evaluate?)"],
    ['help trian', "unknown command 'trian' (Did you mean train?)"],
    ['config a.yaml b.yaml', /^two configs given/],
    ['config train.lrr=1', "override 'train.lrr=1': unknown key 'train.lrr'; did you mean 'train.lr'?"],
    [
      'config compact model.name=resnet',
      /^override 'model.name=resnet': model.name: unknown model 'resnet'; the models are [^()]*compact, [^()]*bisenet-spatial$/,
    ],
    ['config loss.classWeights=[1,2]', 'loss.classWeights has 2 values, but celebamask-19 has 19 classes'],
    ['config train.size=100', /multiples of 32, not 100×100; the nearest to 100 are 96 and 128$/],
    ['config --json train.lr=fast', /train.lr is "fast", but must be a number/],
  ])('faceparse %s: one line on stderr, exit code 2', async (words, message) => {
    const { code, stdout, stderr } = await runCli(words.split(' '), { cwd: await temporaryFolder() });
    expect(stdout).toBe('');
    expect(stderr).toMatch(/^faceparse: [^\n]*\n$/);
    const said = stderr.slice('faceparse: '.length, -1);
    if (typeof message === 'string') expect(said).toBe(message);
    else expect(said).toMatch(message);
    expect(code).toBe(2);
  });

  it('finds bundled configs by name and lists them; a file with the same name takes precedence', async () => {
    const cwd = await temporaryFolder();
    const listed = await runCli(['config', '--list'], { cwd });
    expect(listed).toMatchObject({ code: 0, stderr: '' });
    expect(listed.stdout).toMatch(/^compact +config +1,[0-9,]+ +The challenge on two CPU cores/m);
    expect(listed.stdout).toMatch(/^study +study +Controlled comparisons/m);
    // As `train` says: with the auxiliary heads that the configuration trains.
    expect(listed.stdout).toMatch(/^sibling-icnet +config +11,808,952 /m);
    const named = await runCli(['config', 'compact', 'train.lr=3e-3', '--json'], { cwd });
    expect(JSON.parse(named.stdout)).toMatchObject({
      name: 'compact',
      parameters: { limit: 1821085 },
      train: { lr: 3e-3 },
    });
    const runs = await runCli(['study', 'study', '--list', '--json'], { cwd });
    expect(JSON.parse(runs.stdout).runs[0]).toMatchObject({ run: 'recipe/base-s0', state: 'missing' });
    await writeFile(join(cwd, 'compact'), 'name: mine\n');
    expect(JSON.parse((await runCli(['config', 'compact', '--json'], { cwd })).stdout)).toMatchObject({ name: 'mine' });
  });

  it('shows a stack trace only with --debug or FACEPARSE_DEBUG=1', async () => {
    const words = ['data', 'check', join(await temporaryFolder(), 'nowhere')];
    expect((await runCli(words)).stderr).not.toContain('    at ');
    expect((await runCli([...words, '--debug'])).stderr).toMatch(/^faceparse: folder .* not found; .*\n {4}at /);
    expect((await runCli(words, { env: { FACEPARSE_DEBUG: '1' } })).stderr).toContain('    at ');
  });

  it.skipIf(process.platform === 'win32')('exits quietly if its output is not read', () => {
    const script = '{ "$0" "$1" config; echo "code $?" >&2; } | true';
    const { stderr } = spawnSync('sh', ['-c', script, process.execPath, cliPath], {
      encoding: 'utf8',
      timeout: 60_000,
    });
    expect(stderr).toBe('code 0\n');
  });
});
