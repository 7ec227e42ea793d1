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

struct PixelKernelSet {
  void (*argmax)(const Argmax &);
};

/** The fastest ones that this processor can run; all give the same results. */
const PixelKernelSet &selectPixelKernels();

}  // namespace faceparse
