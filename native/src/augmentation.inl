// The kernels of augmentation.h, compiled once for each instruction set (AUGMENTATION_NAMESPACE). They must not use standard library
// functions that generate code, because the linker might use this file's copy where it must run on every processor.
//
// Multiplications and additions are not fused, because fused operations round differently from JavaScript. The x86 sets are chosen
// without FMA; elsewhere a compiler setting ensures this.
#if defined(__clang__)
#pragma STDC FP_CONTRACT OFF
#elif !defined(__x86_64__)
#pragma GCC optimize("fp-contract=off")
#endif
#pragma GCC diagnostic ignored "-Wpsabi"

namespace faceparse {
namespace AUGMENTATION_NAMESPACE {

namespace {

#ifdef AUGMENTATION_AVX2
/** Red, green, blue and something. */
using Color = double __attribute__((vector_size(32)));

inline Color times(double factor, const Color &color) { return Color{factor, factor, factor, factor} * color; }

/** A pixel whose memory is followed by at least one byte more. */
inline Color colorWithin(const uint8_t *pixel) {
  int32_t word;
  __builtin_memcpy(&word, pixel, 4);
  return reinterpret_cast<Color>(_mm256_cvtepi32_pd(_mm_cvtepu8_epi32(_mm_cvtsi32_si128(word))));
}
#else
/** Red, green, blue. Without vectors of four, single numbers are faster than pairs. */
struct Color {
  double values[3];
  double operator[](int32_t channel) const { return values[channel]; }
  void operator+=(const Color &other) {
    values[0] += other.values[0];
    values[1] += other.values[1];
    values[2] += other.values[2];
  }
};

inline Color times(double factor, const Color &color) { return {{factor * color[0], factor * color[1], factor * color[2]}}; }

inline Color colorWithin(const uint8_t *pixel) { return {{double(pixel[0]), double(pixel[1]), double(pixel[2])}}; }
#endif

inline Color colorOf(const uint8_t *pixel) { return Color{double(pixel[0]), double(pixel[1]), double(pixel[2])}; }

/** Output pixels that are worked on together, so that what is noted of them stays in the first cache. */
constexpr int32_t chunk = 64;

/** Source pixels that a box may touch along one axis for the fast way. */
constexpr int32_t mostParts = 6;

inline int32_t clamp(int32_t value, int32_t most) { return value < 0 ? 0 : value > most ? most : value; }

inline int32_t floorOf(double value) {
  const auto whole = static_cast<int32_t>(value);
  return whole - (value < whole);
}

// ---------------------------------------------------------------------------------------------- foresight

// Asking for memory ahead of its use. Inlined by force: as functions of their own these do nothing in the compiler's eyes, which then
// leaves out the calls.

/** Asks for the source pixels of a later output row, each of them some rows: under a rotation the processor does not foresee them. */
__attribute__((always_inline)) inline void foreseeSource(const uint8_t *source, int32_t width, int32_t height, int32_t channels,
                                                         const Places &places, int32_t from, int32_t count, int32_t row, int32_t rows) {
  const auto &[ax, bx, cx, ay, by, cy] = places;
  for (int32_t u = from; u < from + count; u += 8) {
    const int32_t x = clamp(static_cast<int32_t>(ax * u + bx * row + cx), width - 1);
    const auto y = static_cast<int32_t>(ay * u + by * row + cy);
    for (int32_t i = 0; i < rows; i++) {
      __builtin_prefetch(source + (int64_t(clamp(y + i, height - 1)) * width + x) * channels);
    }
  }
}

/** Asks for where the values of a chunk will go. */
__attribute__((always_inline)) inline void foreseeResults(const float *plane, int64_t planeSize, int32_t count) {
  for (int32_t channel = 0; channel < 3; channel++) {
    for (int32_t i = 0; i < count; i += 16) __builtin_prefetch(plane + channel * planeSize + i, 1);
  }
}

// ---------------------------------------------------------------------------------------------- warpPhoto

/** Of each pixel of a chunk: the first source pixel of its box along one axis, and how much of that and the next ones the box covers. */
struct Cover {
  int32_t first[chunk];
  double weights[mostParts][chunk];
};

template <int Parts>
inline void cover(Cover &to, int32_t from, int32_t count, double step, double across, double start, double box, int32_t parts) {
  const int32_t most = Parts > 0 ? Parts : parts;
  double floors[chunk], ends[chunk];
  for (int32_t i = 0; i < count; i++) {
    const double begin = step * (from + i) + across + start;
    const double end = begin + box;
    const int32_t first = floorOf(begin);
    const double edge = first + 1;
    to.first[i] = first;
    to.weights[0][i] = (end < edge ? end : edge) - begin;
    floors[i] = first;
    ends[i] = end;
  }
  for (int32_t part = 1; part < most; part++) {
    for (int32_t i = 0; i < count; i++) {
      const double covered = ends[i] - (floors[i] + part);
      const double positive = covered > 0 ? covered : 0;
      to.weights[part][i] = positive < 1 ? positive : 1;
    }
  }
}

struct ChunkOfBoxes {
  Cover columns, rows;
  /** Bytes from the photo's begin to the rows, of which those outside are the border. */
  int32_t rowStarts[mostParts][chunk];
  alignas(32) Color sums[chunk];
};

/** The weighted sums over boxes that touch no more than so many columns and rows (0: as given). */
template <int Columns, int Rows>
void addUp(const PhotoWarp &warp, ChunkOfBoxes &boxes, int32_t count, int32_t columns, int32_t rows) {
  const int32_t mostColumns = Columns > 0 ? Columns : columns;
  const int32_t mostRows = Rows > 0 ? Rows : rows;
  // The last pixel of a row may be the last of all memory.
  const auto inside = static_cast<uint32_t>(warp.width > mostColumns ? warp.width - mostColumns : 0);
  const auto &columnWeights = boxes.columns.weights;
  const auto &rowWeights = boxes.rows.weights;
  for (int32_t i = 0; i < count; i++) {
    const int32_t first = boxes.columns.first[i];
    Color sum{};
    if (static_cast<uint32_t>(first) < inside) {
#pragma GCC unroll 4
      for (int32_t row = 0; row < mostRows; row++) {
        const uint8_t *pixel = warp.photo + boxes.rowStarts[row][i] + 3 * first;
        Color along = times(columnWeights[0][i], colorWithin(pixel));
#pragma GCC unroll 4
        for (int32_t column = 1; column < mostColumns; column++) {
          along += times(columnWeights[column][i], colorWithin(pixel + 3 * column));
        }
        sum += times(rowWeights[row][i], along);
      }
    } else {
      for (int32_t row = 0; row < mostRows; row++) {
        const uint8_t *start = warp.photo + boxes.rowStarts[row][i];
        Color along{};
        for (int32_t column = 0; column < mostColumns; column++) {
          along += times(columnWeights[column][i], colorOf(start + 3 * clamp(first + column, warp.width - 1)));
        }
        sum += times(rowWeights[row][i], along);
      }
    }
    boxes.sums[i] = sum;
  }
}

/** The weighted sum over any box. */
Color boxSum(const PhotoWarp &warp, double begin, double top) {
  const double end = begin + warp.boxWidth;
  const double bottom = top + warp.boxHeight;
  Color sum{};
  for (int32_t y = floorOf(top); y < bottom; y++) {
    const uint8_t *start = warp.photo + int64_t(clamp(y, warp.height - 1)) * warp.width * 3;
    Color along{};
    for (int32_t x = floorOf(begin); x < end; x++) {
      const double weight = (end < x + 1 ? end : x + 1) - (begin > x ? begin : x);
      along += times(weight, colorOf(start + 3 * clamp(x, warp.width - 1)));
    }
    sum += times((bottom < y + 1 ? bottom : y + 1) - (top > y ? top : y), along);
  }
  return sum;
}

/** Turns sums into the values of one output row's pixels from `from` on. */
template <bool recolored>
void finish(const PhotoWarp &warp, const Color *sums, int32_t from, int32_t count, float *row) {
  const double mean = 1 / (warp.boxWidth * warp.boxHeight);
  double means[3][chunk];
  for (int32_t i = 0; i < count; i++) {
    for (int32_t channel = 0; channel < 3; channel++) means[channel][i] = sums[i][channel] * mean;
  }
  for (int32_t channel = 0; channel < 3; channel++) {
    const double *matrix = warp.matrix + 4 * channel;
    const double m0 = matrix[0], m1 = matrix[1], m2 = matrix[2], m3 = matrix[3];
    const double gain = warp.gain[channel], bias = warp.bias[channel];
    float values[chunk];
    for (int32_t i = 0; i < count; i++) {
      double value = means[channel][i];
      if (recolored) {
        value = m0 * means[0][i] + m1 * means[1][i] + m2 * means[2][i] + m3;
        value = value > 0 ? value : 0;
        value = value < 255 ? value : 255;
      }
      values[i] = static_cast<float>(value * gain + bias);
    }
    float *plane = row + int64_t(channel) * warp.size * warp.size;
    if (warp.mirrored) {
      float *to = plane + warp.size - 1 - from;
      for (int32_t i = 0; i < count; i++) to[-i] = values[i];
    } else {
      for (int32_t i = 0; i < count; i++) plane[from + i] = values[i];
    }
  }
}

template <int Parts>
void warpSmallBoxes(const PhotoWarp &warp, int32_t columns, int32_t rows) {
  const auto &[ax, bx, cx, ay, by, cy] = warp.corner;
  ChunkOfBoxes boxes;
  for (int32_t v = 0; v < warp.size; v++) {
    float *row = warp.out + int64_t(v) * warp.size;
    for (int32_t from = 0; from < warp.size; from += chunk) {
      const int32_t count = warp.size - from < chunk ? warp.size - from : chunk;
      foreseeSource(warp.photo, warp.width, warp.height, 3, warp.corner, from, count, v + 2, rows);
      foreseeResults(row + (warp.mirrored ? warp.size - from - count : from), int64_t(warp.size) * warp.size, count);
      cover<Parts>(boxes.columns, from, count, ax, bx * v, cx, warp.boxWidth, columns);
      cover<Parts>(boxes.rows, from, count, ay, by * v, cy, warp.boxHeight, rows);
      for (int32_t part = 0; part < rows; part++) {
        for (int32_t i = 0; i < count; i++) {
          boxes.rowStarts[part][i] = clamp(boxes.rows.first[i] + part, warp.height - 1) * warp.width * 3;
        }
      }
      addUp<Parts, Parts>(warp, boxes, count, columns, rows);
      if (warp.recolored) {
        finish<true>(warp, boxes.sums, from, count, row);
      } else {
        finish<false>(warp, boxes.sums, from, count, row);
      }
    }
  }
}

void warpLargeBoxes(const PhotoWarp &warp) {
  const auto &[ax, bx, cx, ay, by, cy] = warp.corner;
  for (int32_t v = 0; v < warp.size; v++) {
    float *row = warp.out + int64_t(v) * warp.size;
    for (int32_t u = 0; u < warp.size; u++) {
      const Color sum = boxSum(warp, ax * u + bx * v + cx, ay * u + by * v + cy);
      if (warp.recolored) {
        finish<true>(warp, &sum, u, 1, row);
      } else {
        finish<false>(warp, &sum, u, 1, row);
      }
    }
  }
}

void warpPhoto(const PhotoWarp &warp) {
  // A box of 2.3 pixels touches up to four, one of 2 up to three.
  const int32_t columns = -floorOf(-warp.boxWidth) + 1;
  const int32_t rows = -floorOf(-warp.boxHeight) + 1;
  if (columns > mostParts || rows > mostParts) {
    warpLargeBoxes(warp);
  } else if (columns == 2 && rows == 2) {
    warpSmallBoxes<2>(warp, 2, 2);
  } else if (columns == 3 && rows == 3) {
    warpSmallBoxes<3>(warp, 3, 3);
  } else if (columns == 4 && rows == 4) {
    warpSmallBoxes<4>(warp, 4, 4);
  } else {
    warpSmallBoxes<0>(warp, columns, rows);
  }
}

// ---------------------------------------------------------------------------------------------- warpLabels

template <typename Label>
void warpLabels(const LabelWarp<Label> &warp) {
  const auto &[ax, bx, cx, ay, by, cy] = warp.place;
  const double width = warp.width, height = warp.height;
  const uint8_t *map = warp.map, *relabel = warp.relabel;
  const Label outside = warp.outside;
  const int32_t towards = warp.mirrored ? -1 : 1;
  int32_t places[chunk];
  for (int32_t v = 0; v < warp.size; v++) {
    Label *row = warp.out + int64_t(v) * warp.size;
    for (int32_t from = 0; from < warp.size; from += chunk) {
      const int32_t count = warp.size - from < chunk ? warp.size - from : chunk;
      foreseeSource(warp.map, warp.width, warp.height, 1, warp.place, from, count, v + 16, 1);
      for (int32_t i = 0; i < count; i++) {
        const double x = ax * (from + i) + bx * v + cx;
        const double y = ay * (from + i) + by * v + cy;
        const bool inside = (x >= 0) & (x < width) & (y >= 0) & (y < height);
        places[i] = inside ? static_cast<int32_t>(y) * warp.width + static_cast<int32_t>(x) : -1;
      }
      Label *to = row + (warp.mirrored ? warp.size - 1 - from : from);
      for (int32_t i = 0; i < count; i++, to += towards) *to = places[i] < 0 ? outside : relabel[map[places[i]]];
    }
  }
}

// ---------------------------------------------------------------------------------------------- blurPlanes

/** Blurs along one row. */
void blurAlong(const Blur &blur, const float *__restrict from, float *__restrict to) {
  const int32_t size = blur.size, radius = blur.radius;
  float *__restrict line = blur.line;
  double *__restrict sums = blur.sums;
  for (int32_t i = 0; i < radius; i++) line[i] = from[0];
  for (int32_t i = 0; i < size; i++) line[radius + i] = from[i];
  for (int32_t i = 0; i < radius; i++) line[radius + size + i] = from[size - 1];
  const double middle = blur.kernel[0];
  for (int32_t i = 0; i < size; i++) sums[i] = middle * line[radius + i];
  for (int32_t k = 1; k <= radius; k++) {
    const double weight = blur.kernel[k];
    const float *before = line + radius - k, *after = line + radius + k;
    for (int32_t i = 0; i < size; i++) sums[i] += weight * (double(before[i]) + double(after[i]));
  }
  for (int32_t i = 0; i < size; i++) to[i] = static_cast<float>(sums[i]);
}

/** Blurs across the rows; row y is stored at `y % held`. */
void blurAcross(const Blur &blur, int32_t row, int32_t held, float *__restrict to) {
  const int32_t size = blur.size, last = size - 1;
  const float *__restrict rows = blur.rows;
  double *__restrict sums = blur.sums;
  const auto at = [&](int32_t y) { return rows + int64_t(clamp(y, last) % held) * size; };
  const double middle = blur.kernel[0];
  const float *centre = at(row);
  for (int32_t i = 0; i < size; i++) sums[i] = middle * centre[i];
  for (int32_t k = 1; k <= blur.radius; k++) {
    const double weight = blur.kernel[k];
    const float *before = at(row - k), *after = at(row + k);
    for (int32_t i = 0; i < size; i++) sums[i] += weight * (double(before[i]) + double(after[i]));
  }
  for (int32_t i = 0; i < size; i++) to[i] = static_cast<float>(sums[i]);
}

void blurPlanes(const Blur &blur) {
  const int32_t size = blur.size;
  const int32_t held = blurredRows(size, blur.radius);
  for (int32_t channel = 0; channel < 3; channel++) {
    float *plane = blur.planes + int64_t(channel) * size * size;
    int32_t next = 0;
    for (int32_t row = 0; row < size; row++) {
      for (; next < size && next <= row + blur.radius; next++) {
        blurAlong(blur, plane + int64_t(next) * size, blur.rows + int64_t(next % held) * size);
      }
      blurAcross(blur, row, held, plane + int64_t(row) * size);
    }
  }
}

// ---------------------------------------------------------------------------------------------- addNoise

void addNoise(Noise &noise) {
  constexpr int32_t most = 1024;
  uint32_t words[most];
  auto [a, b, c, counter] = noise.state;
  const int64_t plane = int64_t(noise.size) * noise.size;
  for (int32_t channel = 0; channel < 3; channel++) {
    const double factor = noise.factors[channel];
    float *values = noise.planes + channel * plane;
    for (int64_t from = 0; from < plane; from += most) {
      const auto count = static_cast<int32_t>(plane - from < most ? plane - from : most);
      for (int32_t i = 0; i < count; i++) {
        const uint32_t sum = a + b + counter;
        counter++;
        a = b ^ (b >> 9);
        b = c + (c << 3);
        c = (c << 21 | c >> 11) + sum;
        words[i] = sum;
      }
      for (int32_t i = 0; i < count; i++) {
        const uint32_t pairs = (words[i] & 0x00ff00ff) + (words[i] >> 8 & 0x00ff00ff);
        const auto sum = static_cast<int32_t>((pairs & 0xffff) + (pairs >> 16));
        values[from + i] = static_cast<float>(double(values[from + i]) + (sum - 510) * factor);
      }
    }
  }
  noise.state[0] = a;
  noise.state[1] = b;
  noise.state[2] = c;
  noise.state[3] = counter;
}

}  // namespace

extern const AugmentationKernelSet table;
const AugmentationKernelSet table = {warpPhoto, warpLabels<uint8_t>, warpLabels<int32_t>, blurPlanes, addNoise};

}  // namespace AUGMENTATION_NAMESPACE
}  // namespace faceparse
