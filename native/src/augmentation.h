// What fills a batch, on raw memory: the C++ side of src/data/augmentation/warp.ts and src/data/augmentation/photometric.ts, which say what is done and in
// which order; every result is theirs to the bit. One thread calls them, and none of them allocates.
#pragma once

#include <cstdint>

namespace faceparse {

/** What output pixel (u, v) belongs to in the source: `x = (ax·u + bx·v) + cx`, `y = (ay·u + by·v) + cy`. */
struct Places {
  double ax, bx, cx, ay, by, cy;
};

struct PhotoWarp {
  /** height×width×3. */
  const uint8_t *photo;
  int32_t width, height;
  /** Upper left corners of the boxes that the output pixels are the means of, counted from pixel edges. */
  Places corner;
  /** From 1 on. */
  double boxWidth, boxHeight;
  bool mirrored;
  /** Whether the matrix (3 rows of 4) is applied, and the result clamped to 0–255. */
  bool recolored;
  double matrix[12];
  double gain[3], bias[3];
  int32_t size;
  /** 3×size×size. */
  float *out;
};

template <typename Label>
struct LabelWarp {
  /** height×width. */
  const uint8_t *map;
  int32_t width, height;
  /** Where the whole part of a place is the pixel that it falls on. */
  Places place;
  bool mirrored;
  /** 256 entries. */
  const uint8_t *relabel;
  Label outside;
  int32_t size;
  /** size×size. */
  Label *out;
};

struct Blur {
  /** 3×size×size, changed in place. */
  float *planes;
  int32_t size;
  /** The middle and one side: radius + 1 numbers. */
  const double *kernel;
  int32_t radius;
  /** Room for size + 2·radius numbers. */
  float *line;
  /** Room for size numbers. */
  double *sums;
  /** Room for `blurredRows` rows of size numbers. */
  float *rows;
};

/** Number of rows that a blur keeps at a time. */
inline int32_t blurredRows(int32_t size, int32_t radius) { return radius < size / 2 ? 2 * radius + 1 : size; }

struct Noise {
  /** 3×size×size. */
  float *planes;
  int32_t size;
  /** One for each plane. */
  double factors[3];
  /** Of the generator in src/random/random.ts: a, b, c and the counter. */
  uint32_t state[4];
};

/** Limits within which `int32_t` counts everything. */
constexpr int32_t mostPixels = 1 << 28;
constexpr double farthestPlace = 1 << 28;

struct AugmentationKernelSet {
  void (*warpPhoto)(const PhotoWarp &);
  void (*warpToBytes)(const LabelWarp<uint8_t> &);
  void (*warpToIntegers)(const LabelWarp<int32_t> &);
  void (*blurPlanes)(const Blur &);
  /** Leaves in `state` what the generator has come to. */
  void (*addNoise)(Noise &);
};

/** The fastest ones that this processor can run; all give the same results. */
const AugmentationKernelSet &selectAugmentationKernels();

}  // namespace faceparse
