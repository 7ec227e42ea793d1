import { Random } from '../random/random.ts';
import { mix, type Rgb, scaleColor } from './canvas.ts';

export type HairStyle =
  | 'bald'
  | 'buzz'
  | 'short'
  | 'quiff'
  | 'bob'
  | 'straight'
  | 'wavy'
  | 'fringe'
  | 'bun'
  | 'ponytail'
  | 'afro';

/** The appearance of a synthetic face; lengths are shares of the image's side, angles are in radians. */
export interface FaceTraits {
  readonly pose: { roll: number; scale: number; shiftX: number; shiftY: number; yaw: number; pitch: number };
  readonly light: { direction: readonly [number, number, number]; warmth: number; contrast: number };
  readonly skin: { color: Rgb; stubble: number; blush: number; freckles: number };
  readonly shape: { jaw: number; chin: number; length: number; cheeks: number };
  readonly eyes: {
    iris: Rgb;
    openness: number;
    gazeX: number;
    gazeY: number;
    width: number;
    tilt: number;
    lashes: number;
  };
  readonly brows: { raise: number; slant: number; thickness: number; color: Rgb };
  readonly nose: { width: number; length: number };
  readonly mouth: { open: number; smile: number; width: number; fullness: number; color: Rgb };
  readonly hair: {
    style: HairStyle;
    color: Rgb;
    volume: number;
    hairline: number;
    part: number;
    /** Whether hair is tucked behind the ear, at the image's left and right. */
    tucked: readonly [boolean, boolean];
    seed: number;
  };
  readonly glasses?: { form: 'round' | 'square' | 'cat'; frame: Rgb; thickness: number; dark: boolean; size: number };
  readonly hat?: { form: 'beanie' | 'cap' | 'sunhat'; color: Rgb; second: Rgb };
  readonly earrings?: { form: 'stud' | 'hoop' | 'drop'; color: Rgb; size: number };
  readonly necklace?: { form: 'chain' | 'beads' | 'pendant'; color: Rgb; length: number };
  readonly cloth: {
    neckline: 'round' | 'v' | 'collar' | 'turtleneck';
    pattern: 'plain' | 'stripes' | 'checks' | 'dots';
    color: Rgb;
    second: Rgb;
    height: number;
  };
  readonly seed: number;
}

const skinColors: readonly Rgb[] = [
  [0.98, 0.86, 0.78],
  [0.96, 0.8, 0.7],
  [0.92, 0.74, 0.61],
  [0.86, 0.66, 0.5],
  [0.78, 0.57, 0.41],
  [0.66, 0.45, 0.31],
  [0.53, 0.35, 0.24],
  [0.4, 0.26, 0.18],
];

const hairColors: readonly Rgb[] = [
  [0.1, 0.08, 0.08],
  [0.15, 0.1, 0.08],
  [0.25, 0.15, 0.1],
  [0.36, 0.22, 0.13],
  [0.5, 0.33, 0.18],
  [0.66, 0.47, 0.26],
  [0.86, 0.7, 0.43],
  [0.9, 0.82, 0.66],
  [0.58, 0.24, 0.11],
  [0.7, 0.35, 0.16],
  [0.62, 0.61, 0.61],
];
const dyedColors: readonly Rgb[] = [
  [0.83, 0.38, 0.56],
  [0.3, 0.42, 0.7],
  [0.25, 0.58, 0.56],
  [0.5, 0.32, 0.62],
];
const irisColors: readonly Rgb[] = [
  [0.3, 0.17, 0.09],
  [0.42, 0.26, 0.12],
  [0.25, 0.45, 0.66],
  [0.33, 0.5, 0.33],
  [0.45, 0.5, 0.52],
  [0.5, 0.38, 0.16],
];
const metalColors: readonly Rgb[] = [
  [0.9, 0.72, 0.3],
  [0.82, 0.83, 0.87],
  [0.86, 0.56, 0.42],
];
const jewelColors: readonly Rgb[] = [
  ...metalColors,
  [0.95, 0.93, 0.88],
  [0.12, 0.55, 0.5],
  [0.72, 0.12, 0.22],
  [0.2, 0.35, 0.75],
];
const fabricColors: readonly Rgb[] = [
  [0.16, 0.2, 0.3],
  [0.22, 0.4, 0.62],
  [0.12, 0.45, 0.45],
  [0.55, 0.65, 0.5],
  [0.85, 0.78, 0.66],
  [0.93, 0.92, 0.9],
  [0.9, 0.66, 0.24],
  [0.82, 0.38, 0.28],
  [0.62, 0.17, 0.24],
  [0.45, 0.3, 0.5],
  [0.88, 0.62, 0.66],
  [0.2, 0.2, 0.21],
  [0.45, 0.45, 0.47],
  [0.4, 0.28, 0.2],
];

/** Draws a number between low and high, with the middle more likely (the mean of three uniform numbers). */
export function centred(random: Random, low: number, high: number): number {
  return low + ((high - low) * (random.uniform() + random.uniform() + random.uniform())) / 3;
}

export function pick<T>(random: Random, items: readonly T[]): T {
  return items[random.integer(items.length)];
}

function drawHair(random: Random, masculine: boolean, wearsEarrings: boolean, wearsHat: boolean) {
  const short: readonly HairStyle[] = ['bald', 'buzz', 'short', 'short', 'short', 'quiff', 'quiff', 'afro', 'bob'];
  const long: readonly HairStyle[] = [
    'short',
    'bob',
    'bob',
    'straight',
    'straight',
    'wavy',
    'wavy',
    'fringe',
    'bun',
    'ponytail',
    'afro',
  ];
  let style = pick(random, masculine ? short : long);
  // Hair this high does not fit under a hat.
  if (wearsHat && (style === 'afro' || style === 'bun')) style = 'wavy';
  const natural = pick(random, hairColors);
  const color = random.chance(0.08)
    ? pick(random, dyedColors)
    : mix(natural, pick(random, hairColors), random.uniform() * 0.3);
  return {
    style,
    color: scaleColor(color, random.uniform(0.92, 1.08)),
    volume: random.uniform(-1, 1),
    hairline: random.uniform(-0.015, 0.02),
    part: pick(random, [-1, 1]) * random.uniform(0, 1),
    tucked: [wearsEarrings || random.chance(0.4), wearsEarrings || random.chance(0.4)] as const,
    seed: random.next(),
  };
}

function drawPose(random: Random) {
  const roll = random.chance(0.75) ? centred(random, -0.16, 0.16) : random.uniform(-0.26, 0.26);
  return {
    roll,
    scale: centred(random, 0.84, 1.06),
    shiftX: centred(random, -0.035, 0.035),
    shiftY: centred(random, -0.03, 0.025),
    yaw: random.chance(0.6) ? centred(random, -0.14, 0.14) : random.uniform(-0.32, 0.32),
    pitch: centred(random, -0.12, 0.12),
  };
}

/** Draws all random traits of one face. The same seed gives the same traits, whatever the size of the image. */
export function drawTraits(seed: number): FaceTraits {
  const random = new Random(seed);
  const masculine = random.chance(0.45);
  const worn = random.fork('worn');
  const wearsGlasses = worn.chance(0.25);
  const wearsHat = worn.chance(0.2);
  const wearsEarrings = worn.chance(masculine ? 0.12 : 0.48);
  const wearsNecklace = worn.chance(masculine ? 0.12 : 0.38);

  const tone = random.fork('skin');
  const place = tone.uniform() * (skinColors.length - 1);
  const low = Math.floor(place);
  const skinColor = mix(skinColors[low], skinColors[low + 1], place - low);
  const hair = drawHair(random.fork('hair'), masculine, wearsEarrings, wearsHat);
  const shape = random.fork('shape');
  const eyes = random.fork('eyes');
  const mouth = random.fork('mouth');
  const style = random.fork('style');
  const light = random.fork('light');
  const angle = light.uniform(-2.6, -0.5);
  const lipTint: Rgb = masculine
    ? [0.72, 0.4, 0.37]
    : pick<Rgb>(mouth, [
        [0.75, 0.32, 0.34],
        [0.78, 0.2, 0.26],
        [0.8, 0.42, 0.42],
        [0.62, 0.16, 0.24],
      ]);
  const lipColor = mix(skinColor, lipTint, masculine ? 0.5 : mouth.uniform(0.5, 0.8));
  const pose = drawPose(random.fork('pose'));
  // Space for a necklace and for a hat.
  if (wearsNecklace) pose.scale *= 0.94;
  if (wearsNecklace) pose.shiftY -= 0.02;
  if (hair.style === 'bun') pose.shiftY += 0.02;
  return {
    pose,
    light: {
      direction: [Math.cos(angle) * 0.75, Math.sin(angle) * 0.6, light.uniform(0.62, 0.95)],
      warmth: centred(light, -1, 1),
      contrast: light.uniform(0.65, 1.05),
    },
    skin: {
      color: skinColor,
      stubble: masculine && tone.chance(0.55) ? tone.uniform(0.15, 0.75) : 0,
      blush: tone.uniform(0.05, masculine ? 0.2 : 0.4),
      freckles: tone.chance(0.12) ? 1 : 0,
    },
    shape: {
      jaw: centred(shape, masculine ? 0.95 : 0.86, masculine ? 1.12 : 1.02),
      chin: centred(shape, masculine ? 0.95 : 0.75, masculine ? 1.3 : 1.1),
      length: centred(shape, -0.022, 0.022),
      cheeks: centred(shape, 0.95, 1.05),
    },
    eyes: {
      iris: pick(eyes, place > 3.5 ? irisColors.slice(0, 2) : irisColors),
      openness: centred(eyes, 0.7, 1.2),
      gazeX: centred(eyes, -0.6, 0.6),
      gazeY: centred(eyes, -0.3, 0.3),
      width: centred(eyes, 0.92, 1.12),
      tilt: centred(eyes, -0.008, 0.012),
      lashes: masculine ? 0.3 : eyes.uniform(0.5, 1),
    },
    brows: {
      raise: centred(eyes, -0.012, 0.016),
      slant: centred(eyes, -0.017, 0.008),
      thickness: centred(eyes, masculine ? 0.95 : 0.72, masculine ? 1.35 : 1.1),
      color: mix(mix(hair.color, [0.16, 0.11, 0.09], 0.5), skinColor, 0.08),
    },
    nose: { width: centred(shape, 0.85, 1.2), length: centred(shape, -0.014, 0.014) },
    mouth: {
      open: mouth.chance(0.5) ? mouth.uniform(0.35, 1) : 0,
      smile: centred(mouth, -0.5, 1.7),
      width: centred(mouth, 0.85, 1.15),
      fullness: centred(mouth, masculine ? 0.75 : 0.95, masculine ? 1.1 : 1.35),
      color: lipColor,
    },
    hair,
    glasses: wearsGlasses
      ? {
          form: pick(style, ['round', 'square', 'square', 'cat'] as const),
          frame: pick<Rgb>(style, [[0.08, 0.08, 0.09], [0.3, 0.16, 0.09], [0.5, 0.1, 0.14], ...metalColors]),
          thickness: style.uniform(0.0055, 0.0105),
          dark: style.chance(0.25),
          size: style.uniform(0.92, 1.12),
        }
      : undefined,
    hat: wearsHat
      ? {
          form: pick(style, ['beanie', 'cap', 'sunhat'] as const),
          color: pick(style, fabricColors),
          second: pick(style, fabricColors),
        }
      : undefined,
    earrings: wearsEarrings
      ? {
          form: masculine ? 'stud' : pick(style, ['stud', 'hoop', 'hoop', 'drop', 'drop'] as const),
          color: pick(style, jewelColors),
          size: style.uniform(0.85, 1.35),
        }
      : undefined,
    necklace: wearsNecklace
      ? {
          form: masculine ? 'chain' : pick(style, ['chain', 'beads', 'pendant'] as const),
          color: pick(style, jewelColors),
          length: style.uniform(),
        }
      : undefined,
    cloth: {
      neckline: pick(
        style,
        wearsNecklace ? (['round', 'v'] as const) : (['round', 'v', 'collar', 'turtleneck'] as const),
      ),
      pattern: pick(style, ['plain', 'plain', 'plain', 'stripes', 'checks', 'dots'] as const),
      color: pick(style, fabricColors),
      second: pick(style, fabricColors),
      height: style.uniform(),
    },
    seed: random.next(),
  };
}
