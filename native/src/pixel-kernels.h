// The work around the network, on raw memory: the C++ side of src/parser and src/image, which say what is done and in which order; every result is
// theirs to the bit. Functions run on one thread each and allocate nothing.
#pragma once

#include <cstdint>

namespace faceparse {

/** Planes of values, one for each class: classes×height×width. */
struct Planes {
  const float *data;
  int32_t classes, height, width;
};

/** Along one axis, where each output position lies between two input positions: `low`, and how far it is towards the next one, 0 to 1. */
struct Taps {
  const int32_t *low;
  const double *fraction;
  int32_t count;
};

struct Argmax {
  Planes scores;
  /** Ascending. */
  Taps rows;
  /** Ascending; the fractions are floats, followed by `argmaxStep` more numbers. */
  Taps columns;
  /** Room for height×width ids each. */
  uint8_t *best, *certain;
  /** Room for height×width numbers. */
  float *lead;
  /** Room for `argmaxNumbers(scores)` numbers. */
  float *numbers;
  /** Minimum lead that is certain; set by the function. */
  float *margin;
  /** rows×columns. */
  uint8_t *labels;
  /** Pixels by class, 256. */
  double *pixels;
};

/** Pixels that are compared together. */
constexpr int32_t argmaxStep = 4;

/** Between the rows of two classes, so that they do not compete for the same lines of the cache. */
constexpr int32_t argmaxPadding = 16;

/** Number of classes in memory: whole vectors of eight. */
inline int32_t paddedClasses(int32_t classes) { return (classes + 7) / 8 * 8; }

/** Two rows of all classes, or three rows of one. */
inline int64_t argmaxNumbers(const Planes &scores) { return 3 * int64_t(scores.classes) * (scores.width + argmaxPadding); }

struct ProbabilitySum {
  Planes scores;
  Taps rows, columns;
  /** The class that each class is added to. */
  const uint8_t *targets;
  bool mirrored;
  /** classes×rows×columns. */
  float *sums;
  /** Room for `probabilityNumbers` numbers. */
  float *numbers;
};

/** Rounded up to whole vectors of four. */
inline int64_t wholeVectors(int64_t count) { return (count + 3) / 4 * 4; }

inline int64_t probabilityNumbers(const Planes &scores, int64_t columns) { return scores.width + 1 + wholeVectors(columns) * (scores.classes + 2); }

/** Along one axis, which source pixels each output pixel is the weighted sum of: `counts` from `starts`; weights `stride` apart. */
struct SourceTaps {
  const int32_t *starts, *counts;
  const double *weights;
  int64_t stride;
  int32_t length;
};

struct PhotoInput {
  /** height×width×3. */
  const uint8_t *photo;
  int32_t width, height;
  SourceTaps across, down;
  /** Sum of the weights of one output pixel. */
  double area;
  /** Where the photo begins in the square. */
  int32_t x, y;
  int32_t size;
  /** The input for each byte, 3×256. */
  const float *tables;
  /** The byte around the photo. */
  uint8_t padding;
  /** 3×size×size. */
  float *out;
  /** Room for two rows of 3 numbers per output pixel and one more. */
  float *numbers;
  /** Room for one row. */
  double *sums;
  int32_t *bytes;
};

/** Side of a block from which a sum of its bytes might not fit in 32 bits. */
constexpr int64_t mostBlock = 4096;

/** The means of blocks of factor×factor pixels. */
struct BlockMeans {
  /** height×width×3. */
  const uint8_t *photo;
  int32_t width, height;
  /** At most the shorter side, and `mostBlock`. */
  int32_t factor;
  /** Room for one row of the photo. */
  uint32_t *sums;
  /** ⌊height/factor⌋×⌊width/factor⌋×3. */
  uint8_t *out;
};

struct PixelKernelSet {
  void (*argmax)(const Argmax &);
  void (*addProbabilities)(const ProbabilitySum &);
  void (*meanLogarithms)(const float *sums, int64_t count, double views, double least, float *out);
  void (*photoToInput)(const PhotoInput &);
  void (*blockMeans)(const BlockMeans &);
};

/** The fastest ones that this processor can run; all give the same results. */
const PixelKernelSet &selectPixelKernels();

}  // namespace faceparse
