import { execFileSync, spawnSync } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { askCli } from './run-cli.ts';
import { askTrain, fileFolder, listFiles, smallTraining, writeFaces } from './training-fixture.ts';

const folder = await fileFolder();
const runs = join(folder, 'runs');
const out = join(folder, 'report');
let data: string;

const hasPoppler = spawnSync('pdfinfo', ['-v']).error === undefined;

beforeAll(async () => {
  data = await writeFaces(folder);
  const common = [
    '--data',
    data,
    '--out',
    runs,
    ...smallTraining,
    'train.epochs=2',
    'validation.every=1',
    'validation.limit=null',
  ];
  for (const overrides of [
    ['name=main'],
    ['name=lr-s0', 'train.lr=1e-3'],
    ['name=lr-s1', 'train.lr=1e-3', 'train.seed=1'],
  ]) {
    await askTrain([...common, ...overrides]);
  }
}, 240_000);

function report(...words: string[]) {
  return askCli(['report', ...words, '--threads', '1']);
}

describe('report', () => {
  it('writes source, figures and PDF about a run and its comparison', async () => {
    const others = [join(runs, 'lr-s0'), join(runs, 'lr-s1')];
    const words = [join(runs, 'main'), ...others, '--data', data, '--out', out];
    const { code, stdout, stderr } = await report(...words, '--title', 'Small #faces', '--author', 'A. B_c', '--json');
    expect(code, stderr).toBe(0);
    const written = JSON.parse(stdout);
    expect(written).toMatchObject({ source: join(out, 'report.typ'), pdf: join(out, 'report.pdf') });
    expect(written.pages).toBeLessThanOrEqual(5);
    expect(written.warnings).toEqual([]);
    expect(await listFiles(out)).toEqual([
      'figures/comparison.svg',
      'figures/confusion.svg',
      ...[1, 2, 3, 4, 5, 6].map((number) => `figures/failure-${number}.png`),
      'figures/loss.svg',
      'figures/network.svg',
      'figures/score.svg',
      'references.bib',
      'report.pdf',
      'report.typ',
    ]);
    const evaluated = await askCli([
      'evaluate',
      join(runs, 'main'),
      '--data',
      join(data, 'val'),
      '--threads',
      '1',
      '--json',
    ]);
    expect(written.fPerImage).toBeCloseTo(JSON.parse(evaluated.stdout).fPerImage, 12);
    const source = await readFile(join(out, 'report.typ'), 'utf8');
    expect(source).toContain(`*F (per image) ${written.fPerImage.toFixed(4)}*`);
    expect(source).toContain('Small \\#faces');
    expect(source).toMatch(/\[lr\], \[#raw\("train\.lr=0\.001"\)\], \[0\.\d{4} ±\d\.\d\d \(2\)\]/);
  });

  it('scores averaged predictions and also reports the plain score', async () => {
    const scales = ['--scales', '1,1.5'];
    const words = [join(runs, 'main'), '--data', data, '--out', join(folder, 'averaged'), ...scales];
    const { code, stdout, stderr } = await report(...words, '--json');
    expect(code, stderr).toBe(0);
    const common = [join(runs, 'main'), '--data', join(data, 'val'), '--threads', '1', '--json'];
    const evaluated = JSON.parse((await askCli(['evaluate', ...common, ...scales])).stdout);
    expect(JSON.parse(stdout).fPerImage).toBeCloseTo(evaluated.averaged.fPerImage, 12);
    const source = await readFile(join(folder, 'averaged', 'report.typ'), 'utf8');
    const [small, large] = evaluated.averaged.sides;
    expect(source).toContain(`resized to ${small} × ${small} and ${large} × ${large} pixels`);
    expect(source).toContain('the photo and its mirror image at both sizes, 4 views in all');
    expect(source).toContain(`Without averaging over views, training measured ${evaluated.fPerImage.toFixed(4)}.`);
  });

  it.skipIf(!hasPoppler)(
    'is A4 in Arimo, which has the widths of Arial (needs pdfinfo and pdffonts of poppler)',
    () => {
      const pdf = join(out, 'report.pdf');
      const facts = execFileSync('pdfinfo', [pdf], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
      expect(facts).toMatch(/^Pages: +[1-5]$/m);
      expect(facts).toMatch(/^Page size: +595\.276 x 841\.89 pts \(A4\)$/m);
      expect(facts).not.toMatch(/^(CreationDate|ModDate)/m);
      const fonts = execFileSync('pdffonts', [pdf], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
      const names = fonts
        .split('\n')
        .slice(2)
        .flatMap((line) => line.match(/^[A-Z]+\+(\w+)/)?.[1] ?? []);
      expect(new Set(names)).toEqual(new Set(['Arimo', 'NewCMMath']));
    },
  );

  it('does not replace an edited source but recompiles it to the same bytes', async () => {
    const source = join(out, 'report.typ');
    const pdf = await readFile(join(out, 'report.pdf'));
    const again = await report(join(runs, 'main'), '--data', data, '--out', out);
    expect(again.code).toBe(2);
    expect(again.stderr).toMatch(/^faceparse: [^\n]*report\.typ already exists and may have been edited;[^\n]*\n$/);
    expect((await askCli(['report', '--build', out])).stdout).toMatch(/^wrote .*report\.pdf \(\d pages\)\n$/);
    expect(await readFile(join(out, 'report.pdf'))).toEqual(pdf);
    const text = await readFile(source, 'utf8');
    await writeFile(source, text.replace('= Limits', '= Limits\n\nA sentence of my own.\n'));
    expect((await askCli(['report', '--build', out])).code).toBe(0);
    expect(await readFile(join(out, 'report.pdf'))).not.toEqual(pdf);
  });

  it('refuses a source that is too long or has an error, with a one-line message', async () => {
    const source = join(out, 'report.typ');
    const text = await readFile(source, 'utf8');
    await writeFile(source, text.replace('= Limits', `= Limits\n\n${'#pagebreak()\n'.repeat(5)}`));
    const long = await askCli(['report', '--build', out]);
    expect(long.code).toBe(1);
    expect(long.stderr).toMatch(
      /^faceparse: the report has \d+ pages, but 5 are allowed;[^\n]*the longest is Limits\.[^\n]*\n$/,
    );
    await writeFile(source, `${text}\n#image("figures/gone.svg")\n`);
    const wrong = await askCli(['report', '--build', out]);
    expect(wrong.code).toBe(1);
    expect(wrong.stderr).toMatch(/^faceparse: [^\n]*report\.typ:\d+: file not found[^\n]*\n$/);
    await writeFile(source, text);
  });

  it('prints the warnings of the compiler', async () => {
    const source = join(out, 'report.typ');
    const text = await readFile(source, 'utf8');
    await writeFile(source, text.replace('#set text(font: "Arimo"', '#set text(font: "Arimoo"'));
    const { code, stdout, stderr } = await askCli(['report', '--build', out]);
    expect({ code, stdout }).toEqual({ code: 0, stdout: expect.stringMatching(/^wrote /) });
    expect(stderr).toMatch(/^faceparse: warning: [^\n]*report\.typ:\d+: unknown font family: arimoo\n$/);
    await writeFile(source, text);
  });

  it('says so if the validation images are missing', async () => {
    const environment = join(runs, 'lr-s1', 'environment.json');
    const facts = JSON.parse(await readFile(environment, 'utf8'));
    facts.trainingData.folder = join(folder, 'gone', 'train');
    await writeFile(environment, JSON.stringify(facts));
    const { code, stdout, stderr } = await report(join(runs, 'lr-s1'), '--out', join(folder, 'without'));
    expect(code, stderr).toBe(0);
    expect(stdout).toMatch(/^no validation images, so no scores\nwrote /);
    const source = await readFile(join(folder, 'without', 'report.typ'), 'utf8');
    expect(source).toContain('The validation images were not available');
  });

  it('marks data that differ from the training data', async () => {
    const own = await readFile(join(out, 'report.typ'), 'utf8');
    expect(own).toContain('The checkpoint was selected by its F on the validation images');
    const environment = join(runs, 'lr-s0', 'environment.json');
    const facts = JSON.parse(await readFile(environment, 'utf8'));
    facts.trainingData.stemsSha256 = 'b'.repeat(64);
    await writeFile(environment, JSON.stringify(facts));
    const { code, stderr } = await report(join(runs, 'lr-s0'), '--data', data, '--out', join(folder, 'other'));
    expect(code, stderr).toBe(0);
    expect(stderr).not.toContain('reading the masks');
    const source = await readFile(join(folder, 'other', 'report.typ'), 'utf8');
    expect(source).toContain('the scores are from other data');
    expect(source).not.toContain('The checkpoint was selected');
  });

  it('is written to RUN/report by default, with the given font next to its source', async () => {
    const font = join('node_modules', '@expo-google-fonts', 'arimo', '500Medium', 'Arimo_500Medium.ttf');
    const { code, stdout, stderr } = await report(join(runs, 'main'), '--id', 'A12345678B', '--font', font);
    expect(code, stderr).toBe(0);
    expect(stdout).toContain(`wrote ${join(runs, 'main', 'report', 'report.pdf')}`);
    const files = await listFiles(join(runs, 'main', 'report'));
    expect(files).toContain('fonts/fallback-1.ttf');
    // A second report replaces that font, and leaves those of the user.
    const fonts = join(runs, 'main', 'report', 'fonts');
    await writeFile(join(fonts, 'mine.ttf'), await readFile(font));
    expect((await report(join(runs, 'main'), '--id', 'A12345678B', '--force')).code).toBe(0);
    expect((await listFiles(join(runs, 'main', 'report'))).filter((name) => name.startsWith('fonts'))).toEqual([
      'fonts/mine.ttf',
    ]);
    const source = await readFile(join(runs, 'main', 'report', 'report.typ'), 'utf8');
    expect(source).toMatch(/keywords: \("run main", "weights [0-9a-f]{64}", "matriculation number A12345678B",\)/);
  });

  it.each([
    [[], /no run given/],
    [['RUN', '--id', 'A123'], /"A123" is not a matriculation number; .*such as A12345678B/],
    [['RUN', '--build', 'x'], /--build only compiles/],
    [['--build', 'x', '--out', 'y'], /cannot be used with/],
    [['--build', 'x', '--tta'], /cannot be used with/],
    [['RUN', '--out', 'OUT', '--scales', '100'], /scale 100 is not supported/],
    [['RUN', '--out', 'OUT', '--author', '李小龙'], /the author contains 李 小 龙 \(Chinese\), but neither Arimo/],
    [['DATA', '--out', 'OUT'], /is not a run folder: it has no config\.yaml/],
    [['RUN', '--out', 'OUT', '--data', 'RUNS'], /no split "val"/],
    [['RUN', 'RUN', '--out', 'DATA'], /is not empty and contains no report/],
  ])('%j is wrong usage, reported in one line', async (words, message) => {
    const named: Record<string, string> = {
      RUN: join(runs, 'main'),
      RUNS: runs,
      DATA: data,
      OUT: join(folder, 'nothing'),
    };
    const { code, stdout, stderr } = await askCli(['report', ...words.map((word) => named[word] ?? word)]);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toMatch(message);
    expect(stderr).toMatch(/^faceparse: [^\n]*\n$/);
  });
});
