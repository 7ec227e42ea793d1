import { hybridUnet } from './hybrid-unet.ts';

/**
 * The network designed for the challenge: a stem at stride 2, dense residual blocks to stride 8, inverted residuals 5×5 with
 * squeeze-and-excitation to stride 32, pyramid pooling, a U-shaped decoder to stride 2.
 */
export const compact = hybridUnet(
  { name: 'compact', summary: 'hybrid U-Net with coordinates and pyramid pooling, sized for the challenge limit' },
  {
    stem: 24,
    stages: [
      { filters: 40, blocks: 1, kind: 'dense' },
      { filters: 64, blocks: 2, kind: 'dense' },
      { filters: 112, blocks: 2, kind: 'inverted' },
      { filters: 160, blocks: 2, kind: 'inverted' },
    ],
    decoder: [96, 64, 48, 32],
  },
);

/** Like compact, with all widths multiples of 16 for fast CPU kernels: wider at the fine strides, narrower at the deepest. */
export const compactAligned = hybridUnet(
  { name: 'compact-aligned', summary: 'like compact, with widths that are multiples of 16' },
  {
    stem: 32,
    stages: [
      { filters: 48, blocks: 2, kind: 'dense' },
      { filters: 64, blocks: 3, kind: 'dense' },
      { filters: 112, blocks: 2, kind: 'inverted' },
      { filters: 144, blocks: 2, kind: 'inverted' },
    ],
    decoder: [80, 64, 48, 32],
  },
);

/** Like compact, one stage deeper, for images twice as large. Logits at stride 4 cost as much as compact's at stride 2. */
export const compactFine = hybridUnet(
  { name: 'compact-fine', summary: 'like compact, for 512² images: one more stem, logits at stride 4' },
  {
    stem: 16,
    stages: [
      { filters: 32, blocks: 0, kind: 'dense' },
      { filters: 48, blocks: 1, kind: 'dense' },
      { filters: 64, blocks: 2, kind: 'dense' },
      { filters: 112, blocks: 2, kind: 'inverted' },
      { filters: 160, blocks: 2, kind: 'inverted' },
    ],
    decoder: [80, 64, 48, 32],
  },
);

/** Wide and shallow, with about as many parameters as compact, for comparisons. */
export const compactWide = hybridUnet(
  { name: 'compact-wide', summary: 'like compact, with fewer and wider blocks' },
  {
    stem: 32,
    stages: [
      { filters: 48, blocks: 1, kind: 'dense' },
      { filters: 80, blocks: 1, kind: 'dense' },
      { filters: 128, blocks: 1, kind: 'inverted' },
      { filters: 192, blocks: 1, kind: 'inverted' },
    ],
    decoder: [96, 64, 48, 32],
  },
);

/** Narrow and deep, with about as many parameters as compact, for comparisons. */
export const compactDeep = hybridUnet(
  { name: 'compact-deep', summary: 'like compact, with more and narrower blocks' },
  {
    stem: 24,
    stages: [
      { filters: 32, blocks: 2, kind: 'dense' },
      { filters: 48, blocks: 4, kind: 'dense' },
      { filters: 96, blocks: 3, kind: 'inverted' },
      { filters: 128, blocks: 4, kind: 'inverted' },
    ],
    decoder: [80, 64, 48, 32],
  },
);
