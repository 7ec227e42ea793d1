import { expect, it } from 'vitest';
import { formatProfile, ProfileRecorder } from './profile.ts';

const times = { decode: 4, detect: 0, preprocess: 2, network: 20, postprocess: 6, encode: 1, write: 3 };

it('has the means of the parts, and none without photos', () => {
  const recorder = new ProfileRecorder();
  expect(recorder.finish()).toBeUndefined();
  recorder.start();
  recorder.add(times);
  recorder.add({ ...times, network: 40, write: 5 });
  const profile = recorder.finish()!;
  expect(profile).toMatchObject({ photos: 2, parts: { ...times, network: 30, write: 4 } });
  expect(profile.wallPerNetwork).toBeCloseTo(profile.wall / 30, 9);
  expect(profile.networkShare).toBeCloseTo(30 / profile.wall, 9);
});

it('is a table; a part that never ran is left out', () => {
  const text = formatProfile({ photos: 5, wall: 25, parts: times, networkShare: 0.8, wallPerNetwork: 1.25 });
  expect(text).toBe(
    [
      'part          ms per photo  of wall time',
      '------------  ------------  ------------',
      'decode                 4.0          16 %',
      'preprocess             2.0           8 %',
      'network               20.0          80 %',
      'post-process           6.0          24 %',
      'encode                 1.0           4 %',
      'write                  3.0          12 %',
      '------------  ------------  ------------',
      'wall time             25.0         100 %',
      '',
      'Means of 5 photos. The parts overlap. The network takes 80 % of the wall time; wall time / network = 1.25.',
    ].join('\n'),
  );
  const found = { photos: 1, wall: 25, parts: { ...times, detect: 5 }, networkShare: 0.8, wallPerNetwork: 1.25 };
  expect(formatProfile(found)).toMatch(/^find faces +5\.0 +20 %$/m);
});
