import { describe, expect, it } from 'vitest';
import { celebamask19 } from '../labels/celebamask-19.ts';
import type { Suspect, SuspectPictures, SuspectSearch } from './suspect.ts';
import { suspectsPage } from './suspects-page.ts';
import { formatSuspects } from './suspects-report.ts';

const finding = (predicted: string, labelled: string, pixels: number, score = 0.5) => ({
  predicted,
  labelled,
  pixels,
  score,
});
const suspect = (stem: string, score: number, more: Partial<Suspect> = {}): Suspect => ({
  stem,
  image: `images/${stem}.jpg`,
  mask: `masks/${stem}.png`,
  score,
  findings: [finding('l_eye', 'r_eye', 1240)],
  runs: ['runs/a'],
  ...more,
});

const swapped = suspect('swapped', 0.9, { repaired: { parts: ['eye', 'brow'], score: 0.01, findings: [] } });
const both = suspect('both', 0.8, {
  repaired: { parts: ['eye'], score: 0.4, findings: [finding('hat', 'hair', 5000)] },
});
const hostile = suspect('<b>"&', 0.6);
const search: SuspectSearch = {
  folder: 'data/train',
  labelSet: celebamask19,
  pairs: 9,
  runs: [{ run: 'runs/a', weights: 'runs/a/weights/best.safetensors', pairs: 7 }],
  unused: [{ run: 'runs/<i>', reason: 'it was trained on all pairs of data/train' }],
  unjudged: ['x', 'y'],
  commands: ['faceparse train runs/a/config.yaml data.fold=1 --name a-fold1 --data data'],
  failures: [],
  suspects: [swapped, both, hostile, suspect('fine', 0.1)],
  pictures: [],
};

const map = { width: 4, height: 3, data: new Uint8Array(12).fill(1) };
const picturesOf = (one: Suspect): SuspectPictures => ({
  suspect: one,
  photo: { width: 4, height: 3, data: new Uint8Array(36).fill(90) },
  truth: map,
  prediction: { ...map, data: new Uint8Array(12).fill(13) },
  disagreement: Uint8Array.of(1, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0),
});

describe('formatSuspects', () => {
  it('lists what training does not repair, by what is left, and names the rest', () => {
    expect(formatSuspects(search, 20)).toBe(`data/train: 4 of 9 masks judged by networks that never saw them
  runs/a: 7 pairs
  not used: runs/<i>: it was trained on all pairs of data/train

masks to look at, with a score of 0.2 to 1 and what the networks see there: 2
  0.60  <b>"&  l_eye labelled r_eye, 1,240 px
  0.40  both   hat labelled hair, 5,000 px (also left and right of eye, which training exchanges (data.repair))

left and right exchanged: 1 mask; training repairs it itself (data.repair): swapped

not judged, because every run saw them or may have seen them: 2 pairs: x, y
  → train the missing runs, and check with all of them:
    faceparse train runs/a/config.yaml data.fold=1 --name a-fold1 --data data

No file was changed. A suspect is a mask to look at: the mask may be right and the networks wrong.`);
    expect(formatSuspects(search, 1)).toContain('… and 1 more (--top)');
    expect(formatSuspects({ ...search, suspects: [] }, 1)).toContain('no suspects: no mask has a score of 0.2 or more');
  });
});

describe('suspectsPage', () => {
  it('shows each suspect with four pictures and their texts, and no markup of names', async () => {
    const page = await suspectsPage({ ...search, pictures: [hostile, both].map(picturesOf) });
    expect(page.match(/<article /g)).toHaveLength(2);
    expect(page.match(/<img src="data:image\/(webp|png);base64,[^"]+" width="4" height="3"/g)).toHaveLength(8);
    expect(page).toContain('alt="Mask of &lt;b&gt;&quot;&amp;: skin 100 %."');
    expect(page).toContain('alt="Prediction for both: hair 100 %."');
    expect(page).toContain('alt="Disagreement on both: 25.0 % of the pixels."');
    expect(page).toContain('Score 0.60: l_eye labelled r_eye, 1,240 px');
    expect(page).not.toMatch(/<b>"|<i>|<script/);
    expect(page).toContain('No file was changed.');
    expect(page).toContain('2 masks of 4 have a score of 0.2 or more.');
  });
});
