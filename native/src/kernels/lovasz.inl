// The Lovász extension of the Jaccard loss: the errors of each plane (one class of one image) are sorted by their bits.

#include "lovasz-plan.inl"

/** The error of a pixel: its inverted bits above, so that rising numbers are falling errors; then whether the pixel is of the class; its number. */
using RankedError = uint64_t;

constexpr uint32_t ofClassBit = uint32_t{1} << 31;

static inline float errorOf(RankedError entry) {
  const uint32_t bits = ~static_cast<uint32_t>(entry >> 32);
  float error;
  memcpy(&error, &bits, sizeof error);
  return error;
}

/** A plane: the pixels of the class, and the smallest of their errors. */
struct LovaszPlane {
  const float *probabilities;
  const int32_t *labels;
  int32_t label;
  int64_t pixels, actual = 0;
  float least = std::numeric_limits<float>::infinity();

  LovaszPlane(const LovaszCall &call, int64_t plane)
      : probabilities(call.probabilities + plane * call.pixels),
        labels(call.labels + plane / call.classes * call.pixels),
        label(static_cast<int32_t>(plane % call.classes)),
        pixels(call.pixels) {
    int32_t count = 0;
    float smallest = least;
#pragma omp simd reduction(+ : count) reduction(min : smallest)
    for (int64_t i = 0; i < pixels; i++) {
      const float error = labels[i] == label ? std::fabs(1.0f - probabilities[i]) : std::numeric_limits<float>::infinity();
      count += labels[i] == label;
      smallest = error < smallest ? error : smallest;
    }
    actual = count;
    least = smallest;
  }

  /**
   * Lists the pixels with a known label by their number, and says how many there are. Those of other classes below the least error of
   * the class are left out: when all of the class are wrong, J is 1 and stays so.
   */
  int64_t list(int64_t classes, RankedError *entries) const {
    int64_t count = 0;
    for (int64_t i = 0; i < pixels; i++) {
      const bool ofClass = labels[i] == label, known = static_cast<uint32_t>(labels[i]) < static_cast<uint32_t>(classes);
      const float error = std::fabs((ofClass ? 1.0f : 0.0f) - probabilities[i]);
      uint32_t bits;
      memcpy(&bits, &error, sizeof bits);
      entries[count] = static_cast<uint64_t>(~bits) << 32 | (ofClass ? ofClassBit : 0) | static_cast<uint32_t>(i);
      count += ofClass | (known & (error >= least));
    }
    return count;
  }
};

/** Sorts by the upper 32 bits, from the least significant digit on, which keeps the order of equal values; returns the list that contains the result. */
static const RankedError *sortErrors(RankedError *entries, RankedError *spare, int64_t count) {
  constexpr int digits = 3, digitBits = 11, buckets = 1 << digitBits;
  const auto digitOf = [](RankedError entry, int digit) { return entry >> (32 + digit * digitBits) & (buckets - 1); };
  uint32_t places[digits][buckets] = {};
  for (int64_t i = 0; i < count; i++) {
    for (int digit = 0; digit < digits; digit++) places[digit][digitOf(entries[i], digit)]++;
  }
  for (int digit = 0; digit < digits; digit++) {
    uint32_t place = 0;
    for (uint32_t &bucket : places[digit]) {
      const uint32_t size = bucket;
      bucket = place;
      place += size;
    }
    for (int64_t i = 0; i < count; i++) spare[places[digit][digitOf(entries[i], digit)]++] = entries[i];
    std::swap(entries, spare);
  }
  return entries;
}

/** Processes the errors in descending order; returns the loss. */
static double lovaszSlopes(const RankedError *entries, int64_t count, int64_t actual, float *slope) {
  double loss = 0, intersection = static_cast<double>(actual), unionSize = intersection;
  for (int64_t i = 0; i < count && intersection > 0; i++) {
    const auto place = static_cast<uint32_t>(entries[i]);
    const bool ofClass = (place & ofClassBit) != 0;
    // How much J rises: I/U falls to (I − 1)/U, or to I/(U + 1).
    const double rise = (ofClass ? 1.0 : intersection / (unionSize + 1)) / unionSize;
    loss += static_cast<double>(errorOf(entries[i])) * rise;
    slope[place & ~ofClassBit] = static_cast<float>(ofClass ? -rise : rise);
    intersection -= ofClass ? 1 : 0;
    unionSize += ofClass ? 0 : 1;
  }
  return loss;
}

static void lovaszPlane(const LovaszCall &call, int64_t plane, RankedError *room) {
  const LovaszPlane seen(call, plane);
  float *slope = call.slope + plane * call.pixels;
  std::fill(slope, slope + call.pixels, 0.0f);
  call.actual[plane] = static_cast<float>(seen.actual);
  call.loss[plane] = 0;
  if (seen.actual == 0) return;
  const int64_t count = seen.list(call.classes, room);
  const RankedError *sorted = sortErrors(room, room + call.pixels, count);
  call.loss[plane] = static_cast<float>(lovaszSlopes(sorted, count, seen.actual, slope));
}

static void lovasz(const LovaszCall &call) {
  const int64_t planes = call.images * call.classes;
  const int64_t most = planes * call.pixels < parallelThreshold ? 1 : std::min<int64_t>(lovaszRooms(call), omp_get_max_threads());
  // Planes of classes that are absent cost next to nothing, so shares are not fixed.
#pragma omp parallel for schedule(dynamic) num_threads(static_cast<int>(most)) if (most > 1)
  for (int64_t plane = 0; plane < planes; plane++) {
    lovaszPlane(call, plane, static_cast<RankedError *>(call.workspace) + omp_get_thread_num() * 2 * call.pixels);
  }
}
