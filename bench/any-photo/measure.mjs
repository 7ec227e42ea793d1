// Scores of a case: labels against the truth, and faces found against those that are there.
import { FaceScore } from '../../dist/node.js';

const median = (values) => quantile(values, 0.5);

/** The value below which a share of the values lies; NaN without values. */
export function quantile(values, share) {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? Number.NaN;
}

/** The difference of two angles in degrees, from 0 to 180. */
const turn = (a, b) => Math.abs(((((a - b) % 360) + 540) % 360) - 180);

/**
 * Pairs found faces with true ones, the most confident first: a face is found if the centre of a framing lies within a quarter of
 * the side of the true one. What is left over is a false positive, also a second find of one face.
 */
export function matchFaces(found, frames) {
  const free = new Set(frames);
  const matches = [];
  for (const face of found.toSorted((a, b) => b.confidence - a.confidence)) {
    const near = [...free]
      .map((frame) => ({ frame, distance: Math.hypot(face.x - frame.x, face.y - frame.y) / frame.side }))
      .sort((a, b) => a.distance - b.distance)[0];
    if (!near || near.distance > 0.25) continue;
    free.delete(near.frame);
    matches.push({
      centre: near.distance,
      ratio: face.side / near.frame.side,
      angle: turn(face.angle, near.frame.angle),
    });
  }
  return { matches, wrong: found.length - matches.length };
}

/** Runs a parser over the scenes of a case. `onScene` gets every scene with its labels. */
export async function measureCase(scenes, { parser, options, table, onScene }) {
  const score = new FaceScore(parser.labelSet.classes.length);
  // As a whole, a photo is parsed without looking for faces.
  const looksForFaces = (options.faces ?? 'whole') !== 'whole';
  const totals = { frames: 0, wrong: 0 };
  const reachable = new FaceScore(parser.labelSet.classes.length);
  const matches = [];
  const perImage = [];
  for await (const scene of scenes) {
    const result = await parser.parse(scene.image, options);
    // Pairs are in classes of the dataset, predictions in those of the parser.
    const truth = table ? scene.truth.data.map((id) => table[id]) : scene.truth.data;
    perImage.push(score.add(truth, result.labels).f);
    reachable.add(truth, scene.moved.data);
    totals.frames += scene.frames.length;
    if (looksForFaces) {
      const matched = matchFaces(
        result.faces.map(({ framing, confidence }) => ({ ...framing, confidence })),
        scene.frames,
      );
      matches.push(...matched.matches);
      totals.wrong += matched.wrong;
    }
    await onScene?.(scene, result);
  }
  return {
    photos: perImage.length,
    f: score.summary().fPerImage,
    moved: reachable.summary().fPerImage,
    perImage,
    ...(looksForFaces && {
      recall: totals.frames === 0 ? undefined : matches.length / totals.frames,
      falsePerHundred: (100 * totals.wrong) / perImage.length,
      ...(matches.length > 0 && {
        centreError: median(matches.map(({ centre }) => centre)),
        sideRatio: median(matches.map(({ ratio }) => ratio)),
        angleError: median(matches.map(({ angle }) => angle)),
        angleError90: quantile(
          matches.map(({ angle }) => angle),
          0.9,
        ),
      }),
    }),
  };
}

/** The median milliseconds of every part of `parse`, over some photos and rounds. */
export async function measureTime(images, parser, options, rounds = 3) {
  const timings = [];
  await parser.parse(images[0], options);
  for (let round = 0; round < rounds; round++) {
    for (const image of images) timings.push((await parser.parse(image, options)).timing);
  }
  const parts = Object.keys(timings[0]);
  return Object.fromEntries(parts.map((part) => [part, median(timings.map((timing) => timing[part]))]));
}
