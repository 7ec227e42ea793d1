// Resize, softmax, cross-entropy and the sums of region losses in one go, forward and backward. Rows of the small logits are widened
// once each ([classes][width], one class after the other); an output row blends two of them and goes through softmax in
// strips, vectorised across pixels. Backwards, the gradients of output rows are summed over the wide rows of a unit, which are narrowed
// at the end.
#include "loss-head-plan.inl"

/** One thread's room in the workspace. */
struct HeadRoom {
  float *expanded[2], *strip, *gradients, *small;
  int32_t *labels;
  /** Which rows of the logits the two expanded ones are. */
  int64_t held[2];

  HeadRoom(const LossHeadCall &call, const LossHeadPlan &plan, int64_t thread) {
    float *room = static_cast<float *>(call.workspace) + thread * plan.room;
    expanded[0] = room + plan.expanded;
    expanded[1] = expanded[0] + plan.classes * plan.wideStride;
    strip = room + plan.strip;
    gradients = room + plan.gradients;
    small = room + plan.small;
    labels = reinterpret_cast<int32_t *>(room + plan.labels);
    held[0] = held[1] = -1;
  }
};

static inline ResizeTap tapOf(const ResizeTap *taps, int64_t index) {
  const int32_t same = static_cast<int32_t>(index);
  return taps == nullptr ? ResizeTap{same, same, 0} : taps[index];
}

// ---------------------------------------------------------------------------------------------- small rows and wide rows

/** Groups of `lanes` classes of one row of logits: value of a class at group(number) + x * step. */
struct SmallRow {
  float *first;
  int64_t step, groupStride, blockStride, groupsPerBlock;

  float *group(int64_t number) const { return first + number / groupsPerBlock * blockStride + number % groupsPerBlock * groupStride; }
};

/** The row of a map whose blocks hold whole groups, or the same row elsewhere, where groups follow each other. */
static inline bool holdsGroups(const FeatureMap &map) { return map.block % lanes == 0; }

static inline SmallRow rowInMap(const FeatureMap &map, int64_t picture, int64_t row) {
  return {map.data + picture * map.pictureStride + row * map.width * map.block, map.block, lanes, map.plane(), map.block / lanes};
}

static inline SmallRow rowInRoom(const FeatureMap &map, float *small) { return {small, lanes, 0, map.width * lanes, 1}; }

static void gatherSmallRow(const FeatureMap &map, int64_t picture, int64_t row, float *small) {
  for (int64_t c = 0; c < roundUp(map.channels, lanes); c++) {
    const float *from = map.data + picture * map.pictureStride + c / map.block * map.plane() + row * map.width * map.block + c % map.block;
    float *to = small + c / lanes * map.width * lanes + c % lanes;
    if (c < map.channels) {
      for (int64_t x = 0; x < map.width; x++) to[x * lanes] = from[x * map.block];
    } else {
      for (int64_t x = 0; x < map.width; x++) to[x * lanes] = 0;
    }
  }
}

static void scatterSmallRow(const FeatureMap &map, int64_t picture, int64_t row, const float *small) {
  for (int64_t c = 0; c < map.blocks() * map.block; c++) {
    float *to = map.data + picture * map.pictureStride + c / map.block * map.plane() + row * map.width * map.block + c % map.block;
    if (c < map.channels) {
      const float *from = small + c / lanes * map.width * lanes + c % lanes;
      for (int64_t x = 0; x < map.width; x++) to[x * map.block] = from[x * lanes];
    } else {
      for (int64_t x = 0; x < map.width; x++) to[x * map.block] = 0;
    }
  }
}

/** Brings a row of the logits to the output's width, one class after the other. Pixels past the width repeat the last one. */
static void expandRow(const LossHeadCall &call, const LossHeadPlan &plan, int64_t picture, int64_t row, float *small, float *wide) {
  const FeatureMap &map = call.logits;
  if (!holdsGroups(map)) gatherSmallRow(map, picture, row, small);
  const SmallRow source = holdsGroups(map) ? rowInMap(map, picture, row) : rowInRoom(map, small);
  const int64_t padded = roundUp(call.outputWidth, headPadding);
  for (int64_t first = 0; first < plan.classes; first += lanes) {
    const float *group = source.group(first / lanes);
    const int64_t count = std::min(lanes, plan.classes - first);
    for (int64_t x = 0; x < padded; x += lanes) {
      FloatLanes values[lanes];
#pragma GCC unroll 16
      for (int64_t i = 0; i < lanes; i++) {
        const int64_t pixel = std::min(x + i, call.outputWidth - 1);
        if (call.columns == nullptr) {
          values[i] = loadLanes(group + pixel * source.step);
        } else {
          const ResizeTap tap = call.columns[pixel];
          const FloatLanes low = loadLanes(group + tap.low * source.step), high = loadLanes(group + tap.high * source.step);
          values[i] = low * (1 - tap.fraction) + high * tap.fraction;
        }
      }
      transposeLanes(values);
      float *to = wide + first * plan.wideStride + x;
#pragma GCC unroll 16
      for (int64_t c = 0; c < lanes; c++) {
        if (c < count) storeLanes(to + c * plan.wideStride, values[c]);
      }
    }
  }
}

/** The adjoint: gradients of a wide row summed into a row of dLogits. */
static void narrowRow(const LossHeadCall &call, const LossHeadPlan &plan, int64_t picture, int64_t row, float *small, const float *wide) {
  const FeatureMap &map = call.dLogits;
  const bool inMap = holdsGroups(map);
  const SmallRow target = inMap ? rowInMap(map, picture, row) : rowInRoom(map, small);
  const int64_t groups = (inMap ? map.blocks() * map.block : roundUp(plan.classes, lanes)) / lanes;
  for (int64_t number = 0; number < groups; number++) {
    float *group = target.group(number);
    for (int64_t x = 0; x < map.width; x++) storeLanes(group + x * target.step, FloatLanes{});
    const int64_t first = number * lanes, count = std::min(lanes, plan.classes - first);
    for (int64_t x = 0; x < call.outputWidth && count > 0; x += lanes) {
      FloatLanes values[lanes];
      const float *from = wide + first * plan.wideStride + x;
#pragma GCC unroll 16
      for (int64_t c = 0; c < lanes; c++) values[c] = c < count ? loadLanes(from + c * plan.wideStride) : FloatLanes{};
      transposeLanes(values);
      const int64_t pixels = std::min(lanes, call.outputWidth - x);
#pragma GCC unroll 16
      for (int64_t i = 0; i < lanes; i++) {
        if (i >= pixels) break;
        const ResizeTap tap = tapOf(call.columns, x + i);
        float *low = group + tap.low * target.step, *high = group + tap.high * target.step;
        storeLanes(low, loadLanes(low) + values[i] * (1 - tap.fraction));
        if (tap.fraction != 0) storeLanes(high, loadLanes(high) + values[i] * tap.fraction);
      }
    }
  }
  if (!inMap) scatterSmallRow(map, picture, row, small);
}

/** A wide row of the logits, expanded now if it is not there; the one of row `kept` stays. */
static const float *wideRow(const LossHeadCall &call, const LossHeadPlan &plan, HeadRoom &room, int64_t picture, int64_t row, int64_t kept) {
  if (room.held[0] == row) return room.expanded[0];
  if (room.held[1] == row) return room.expanded[1];
  const int slot = room.held[0] == kept ? 1 : 0;
  expandRow(call, plan, picture, row, room.small, room.expanded[slot]);
  room.held[slot] = row;
  return room.expanded[slot];
}

// ---------------------------------------------------------------------------------------------- strips of an output row

/** An output row: the two wide rows that it blends, and its labels. */
struct HeadRow {
  const float *low, *high;
  float fraction;
  int64_t lowRow, highRow;
};

static HeadRow readHeadRow(const LossHeadCall &call, const LossHeadPlan &plan, HeadRoom &room, int64_t picture, int64_t y) {
  const ResizeTap tap = tapOf(call.rows, y);
  HeadRow row;
  row.fraction = tap.low == tap.high ? 0 : tap.fraction;
  row.lowRow = tap.low;
  row.highRow = row.fraction == 0 ? tap.low : tap.high;
  row.low = wideRow(call, plan, room, picture, row.lowRow, row.highRow);
  row.high = wideRow(call, plan, room, picture, row.highRow, row.lowRow);
  const int64_t padded = roundUp(call.outputWidth, headPadding);
  readLabels(call.labels + (picture * call.outputHeight + y) * call.outputWidth, plan.classes, call.outputWidth, room.labels);
  std::fill(room.labels + call.outputWidth, room.labels + padded, unknownLabel);
  return row;
}

/** scores[c] = the blended logits of neighbouring pixels; returns the largest of every pixel. */
template <bool blends>
FACEPARSE_INLINE FloatLanes blendScores(const HeadRow &row, int64_t x, int64_t classes, int64_t wideStride, float *scores) {
  const float *low = row.low + x, *high = row.high + x;
  const float highShare = row.fraction, lowShare = 1 - row.fraction;
  FloatLanes largest = spread<FloatLanes>(-std::numeric_limits<float>::infinity());
  for (int64_t c = 0; c < classes; c++) {
    // A row without a share is left out rather than taken times 0, which infinite logits would not survive.
    FloatLanes score = loadLanes(low + c * wideStride);
    if (blends) score = score * lowShare + loadLanes(high + c * wideStride) * highShare;
    storeLanes(scores + c * lanes, score);
    largest = score > largest ? score : largest;
  }
  return largest;
}

FACEPARSE_INLINE FloatLanes readScores(const HeadRow &row, int64_t x, const LossHeadPlan &plan, float *scores) {
  return row.fraction == 0 ? blendScores<false>(row, x, plan.classes, plan.wideStride, scores)
                           : blendScores<true>(row, x, plan.classes, plan.wideStride, scores);
}

// ---------------------------------------------------------------------------------------------- forward

/** Sums of a unit: in single precision over some vectors of pixels, in double precision in the workspace. */
struct HeadSums {
  FloatLanes loss, weight;
  float *predicted, *overlap;  // [classes][lanes]
  double *totals;              // loss, weight, then predicted, overlap, actual of every class
  int64_t classes, terms;

  HeadSums(const LossHeadPlan &plan, const HeadRoom &room, double *unitTotals)
      : predicted(room.strip + plan.classes * lanes), overlap(predicted + plan.classes * lanes), totals(unitTotals), classes(plan.classes) {
    std::fill(totals, totals + plan.unitSums, 0.0);
    clear();
  }

  void clear() {
    loss = weight = FloatLanes{};
    std::fill(predicted, predicted + 2 * classes * lanes, 0.0f);
    terms = 0;
  }

  static double sumOf(FloatLanes values) {
    double sum = 0;
    for (int64_t i = 0; i < lanes; i++) sum += values[i];
    return sum;
  }

  void flush() {
    totals[0] += sumOf(loss);
    totals[1] += sumOf(weight);
    for (int64_t c = 0; c < classes; c++) {
      totals[2 + c] += sumOf(loadLanes(predicted + c * lanes));
      totals[2 + classes + c] += sumOf(loadLanes(overlap + c * lanes));
    }
    clear();
  }
};

/** Adds what neighbouring pixels of an output row give to the sums. */
template <bool entropy, bool regions>
FACEPARSE_INLINE void addHeadPixels(const HeadRow &row, int64_t x, const LossHeadPlan &plan, float *scores, const int32_t *labels,
                                    const EntropyTarget &target, HeadSums &sums) {
  const int64_t classes = plan.classes;
  const float *weights = target.weights;
  const FloatLanes largest = readScores(row, x, plan, scores), nothing = {};
  const IntegerLanes label = loadLanes(labels + x);
  FloatLanes sum = {}, ofLabel = {}, labelWeight = {}, weighted = {};
  for (int64_t c = 0; c < classes; c++) {
    const FloatLanes shifted = loadLanes(scores + c * lanes) - largest, exponential = vectorExp(shifted);
    sum += exponential;
    if constexpr (entropy) {
      const int32_t number = static_cast<int32_t>(c);
      ofLabel = label == number ? shifted : ofLabel;
      labelWeight = label == number ? spread<FloatLanes>(weights[c]) : labelWeight;
      weighted += weights[c] * shifted;
    }
    if constexpr (regions) storeLanes(scores + c * lanes, exponential);
  }
  if constexpr (entropy) {
    const FloatLanes logarithm = vectorLog(sum);
    FloatLanes loss = target.share * labelWeight * (logarithm - ofLabel);
    if (target.each > 0) loss += target.each * (target.weightSum * logarithm - weighted);
    sums.loss += label == unknownLabel ? nothing : loss;
    sums.weight += labelWeight;
  }
  if constexpr (regions) {
    const FloatLanes factor = 1.0f / sum;
    for (int64_t c = 0; c < classes; c++) {
      float *predicted = sums.predicted + c * lanes, *overlap = sums.overlap + c * lanes;
      const FloatLanes probability = loadLanes(scores + c * lanes) * factor;
      storeLanes(predicted, loadLanes(predicted) + (label == unknownLabel ? nothing : probability));
      storeLanes(overlap, loadLanes(overlap) + (label == static_cast<int32_t>(c) ? probability : nothing));
    }
  }
  // Some hundreds of terms at most in single precision.
  if (++sums.terms == 256) sums.flush();
}

/** Adds the number of pixels of every class in a row. */
static void countLabels(const int32_t *labels, int64_t n, double *counts) {
  // Labels come in runs: counting those instead of pixels avoids waiting for one count after the other.
  int64_t start = 0;
  for (int64_t i = 1; i <= n; i++) {
    if (i < n && labels[i] == labels[start]) continue;
    if (labels[start] != unknownLabel) counts[labels[start]] += static_cast<double>(i - start);
    start = i;
  }
}

template <bool entropy, bool regions>
static void runHeadUnit(const LossHeadCall &call, const LossHeadPlan &plan, HeadRoom &room, const EntropyTarget &target, int64_t unit,
                        double *totals) {
  const int64_t units = plan.forwardUnits / call.logits.pictures, picture = unit / units, first = unit % units * headForwardRows;
  const int64_t end = std::min(first + headForwardRows, call.outputHeight);
  HeadSums sums(plan, room, totals);
  room.held[0] = room.held[1] = -1;
  for (int64_t y = first; y < end; y++) {
    const HeadRow row = readHeadRow(call, plan, room, picture, y);
    for (int64_t x = 0; x < call.outputWidth; x += lanes) {
      addHeadPixels<entropy, regions>(row, x, plan, room.strip, room.labels, target, sums);
    }
    if constexpr (regions) countLabels(room.labels, call.outputWidth, totals + 2 + 2 * plan.classes);
  }
  sums.flush();
}

/** The sums of all units, in their order. */
static void combineHeadUnits(const LossHeadCall &call, const LossHeadPlan &plan, const double *totals) {
  const int64_t units = plan.forwardUnits / std::max<int64_t>(1, call.logits.pictures);
  const auto sumOf = [&](int64_t firstUnit, int64_t endUnit, int64_t place) {
    double sum = 0;
    for (int64_t unit = firstUnit; unit < endUnit; unit++) sum += totals[unit * plan.unitSums + place];
    return static_cast<float>(sum);
  };
  if (call.lossSum != nullptr) *call.lossSum = sumOf(0, plan.forwardUnits, 0);
  if (call.weightSum != nullptr) *call.weightSum = sumOf(0, plan.forwardUnits, 1);
  float *const regions[] = {call.predicted, call.overlap, call.actual};
  for (int64_t kind = 0; kind < 3; kind++) {
    if (call.overlap == nullptr || regions[kind] == nullptr) continue;
    for (int64_t i = 0; i < call.logits.pictures * plan.classes; i++) {
      const int64_t picture = i / plan.classes;
      regions[kind][i] = sumOf(picture * units, (picture + 1) * units, 2 + kind * plan.classes + i % plan.classes);
    }
  }
}

/** Calls body(room, unit) for all units, over the threads that the workspace has room for. */
template <typename Body>
static void forEachHeadUnit(const LossHeadCall &call, const LossHeadPlan &plan, int64_t units, const Body &body) {
  const int64_t work = call.logits.pictures * plan.classes * call.outputHeight * call.outputWidth;
  const int64_t most = work < parallelThreshold ? 1 : std::min<int64_t>(plan.threads, omp_get_max_threads());
  const auto runShare = [&](int64_t thread, int64_t threads) {
    HeadRoom room(call, plan, thread);
    for (int64_t unit = units * thread / threads; unit < units * (thread + 1) / threads; unit++) body(room, unit);
  };
  if (std::min(most, units) <= 1) return runShare(0, 1);
#pragma omp parallel num_threads(static_cast<int>(std::min(most, units)))
  runShare(omp_get_thread_num(), omp_get_num_threads());
}

static void lossHead(const LossHeadCall &call) {
  const LossHeadPlan plan = planLossHead(call);
  const EntropyTarget target(call.weights, plan.classes, call.labelSmoothing);
  const bool entropy = call.weights != nullptr, regions = call.overlap != nullptr;
  const auto run = entropy ? (regions ? runHeadUnit<true, true> : runHeadUnit<true, false>)
                           : (regions ? runHeadUnit<false, true> : runHeadUnit<false, false>);
  double *totals = reinterpret_cast<double *>(static_cast<float *>(call.workspace) + plan.threads * plan.room);
  forEachHeadUnit(call, plan, plan.forwardUnits, [&](HeadRoom &room, int64_t unit) {
    run(call, plan, room, target, unit, totals + unit * plan.unitSums);
  });
  combineHeadUnits(call, plan, totals);
}

// ---------------------------------------------------------------------------------------------- backward

/** What the losses ask of the scores of one picture. */
struct HeadSlopes {
  EntropyTarget target;
  float dLoss;
  const float *dOverlap, *dPredicted;  // one a class
};

/** Adds the gradient of neighbouring pixels' blended logits, with their shares, to the wide rows (null: to none). */
template <bool entropy, bool regions>
FACEPARSE_INLINE void addPixelGradients(const HeadRow &row, int64_t x, const LossHeadPlan &plan, float *scores, const int32_t *labels,
                                        const HeadSlopes &slopes, float *low, float *high) {
  const int64_t classes = plan.classes;
  const float *weights = slopes.target.weights, *dOverlap = slopes.dOverlap, *dPredicted = slopes.dPredicted;
  const float shareSlope = slopes.dLoss * slopes.target.share, eachSlope = slopes.dLoss * slopes.target.each;
  const FloatLanes largest = readScores(row, x, plan, scores), nothing = {};
  const IntegerLanes label = loadLanes(labels + x);
  FloatLanes sum = {}, labelWeight = {}, predicted = {}, overlap = {};
  for (int64_t c = 0; c < classes; c++) {
    const int32_t number = static_cast<int32_t>(c);
    const FloatLanes exponential = vectorExp(loadLanes(scores + c * lanes) - largest);
    storeLanes(scores + c * lanes, exponential);
    sum += exponential;
    if constexpr (entropy) labelWeight = label == number ? spread<FloatLanes>(weights[c]) : labelWeight;
    if constexpr (regions) {
      predicted += exponential * dPredicted[c];
      overlap = label == number ? exponential * dOverlap[c] : overlap;
    }
  }
  // dz_c = p_c·(common + dPredicted_c + [c = t]·dOverlap_c) − dLoss·q_c
  const FloatLanes factor = 1.0f / sum, labelSlope = shareSlope * labelWeight;
  FloatLanes common = (predicted + overlap) * -factor;
  if constexpr (entropy) common += labelSlope + eachSlope * slopes.target.weightSum;
  const float lowShare = 1 - row.fraction, highShare = row.fraction;
  for (int64_t c = 0; c < classes; c++) {
    const int32_t number = static_cast<int32_t>(c);
    FloatLanes ofProbability = common, goal = {};
    if constexpr (regions) ofProbability += dPredicted[c] + (label == number ? spread<FloatLanes>(dOverlap[c]) : nothing);
    if constexpr (entropy) goal = eachSlope * weights[c] + (label == number ? labelSlope : nothing);
    const FloatLanes slope = loadLanes(scores + c * lanes) * factor * ofProbability - goal;
    const FloatLanes known = label == unknownLabel ? nothing : slope;
    float *lowValues = low + c * plan.wideStride + x, *highValues = high + c * plan.wideStride + x;
    if (low != nullptr) storeLanes(lowValues, loadLanes(lowValues) + known * lowShare);
    if (high != nullptr) storeLanes(highValues, loadLanes(highValues) + known * highShare);
  }
}

template <bool entropy, bool regions>
static void runHeadGradientUnit(const LossHeadCall &call, const LossHeadPlan &plan, HeadRoom &room, const EntropyTarget &target, int64_t unit) {
  const int64_t units = plan.gradientUnits / call.logits.pictures, picture = unit / units, first = unit % units * plan.gradientRows;
  const int64_t end = std::min(first + plan.gradientRows, call.logits.height), rowFloats = plan.classes * plan.wideStride;
  float *dOverlap = room.strip + plan.classes * lanes, *dPredicted = dOverlap + plan.classes;
  for (int64_t c = 0; c < plan.classes; c++) {
    dOverlap[c] = call.dOverlap != nullptr ? call.dOverlap[picture * plan.classes + c] : 0;
    dPredicted[c] = call.dPredicted != nullptr ? call.dPredicted[picture * plan.classes + c] : 0;
  }
  const HeadSlopes slopes = {target, entropy ? *call.dLossSum : 0, dOverlap, dPredicted};
  room.held[0] = room.held[1] = -1;
  std::fill(room.gradients, room.gradients + (end - first) * rowFloats, 0.0f);
  for (int64_t y = 0; y < call.outputHeight; y++) {
    const ResizeTap tap = tapOf(call.rows, y);
    const bool ownsLow = first <= tap.low && tap.low < end, ownsHigh = first <= tap.high && tap.high < end;
    if (!ownsLow && !ownsHigh) continue;
    const HeadRow row = readHeadRow(call, plan, room, picture, y);
    float *low = ownsLow ? room.gradients + (row.lowRow - first) * rowFloats : nullptr;
    float *high = ownsHigh && row.fraction != 0 ? room.gradients + (row.highRow - first) * rowFloats : nullptr;
    for (int64_t x = 0; x < call.outputWidth; x += lanes) {
      addPixelGradients<entropy, regions>(row, x, plan, room.strip, room.labels, slopes, low, high);
    }
  }
  for (int64_t row = first; row < end; row++) {
    narrowRow(call, plan, picture, row, room.small, room.gradients + (row - first) * rowFloats);
  }
}

static void lossHeadGradient(const LossHeadCall &call) {
  const LossHeadPlan plan = planLossHead(call);
  const EntropyTarget target(call.weights, plan.classes, call.labelSmoothing);
  const bool entropy = call.weights != nullptr && call.dLossSum != nullptr;
  const bool regions = call.dOverlap != nullptr || call.dPredicted != nullptr;
  const auto run = entropy ? (regions ? runHeadGradientUnit<true, true> : runHeadGradientUnit<true, false>)
                           : (regions ? runHeadGradientUnit<false, true> : runHeadGradientUnit<false, false>);
  forEachHeadUnit(call, plan, plan.gradientUnits, [&](HeadRoom &room, int64_t unit) { run(call, plan, room, target, unit); });
}
