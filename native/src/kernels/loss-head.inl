// Fused resize, softmax, cross-entropy and sums of region losses, forward and backward. Each row of the small logits is widened once
// ([classes][width], one class after another). An output row blends two wide rows, and softmax processes one vector of neighbouring
// pixels at a time. In the backward pass, the gradients of output rows are summed in the wide rows of a unit, which are narrowed at
// the end.
#include "loss-head-plan.inl"
#include "loss-head-rows.inl"

/** The part of the workspace that belongs to one thread. */
struct HeadRoom {
  /** Two wide rows of logits; values of every class for a vector of pixels; wide rows of gradients; a row of the small maps. */
  float *expanded[2], *strip, *gradients, *small;
  /** Of one output row. */
  int32_t *labels;
  /** Indices of the two expanded rows of logits. */
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

/** A wide row of the logits, expanded on demand; row `kept` is not replaced. */
static const float *wideRow(const LossHeadCall &call, const LossHeadPlan &plan, HeadRoom &room, int64_t image, int64_t row, int64_t kept) {
  if (room.held[0] == row) return room.expanded[0];
  if (room.held[1] == row) return room.expanded[1];
  const int slot = room.held[0] == kept ? 1 : 0;
  expandRow(call, plan, image, row, room.small, room.expanded[slot]);
  room.held[slot] = row;
  return room.expanded[slot];
}

// ---------------------------------------------------------------------------------------------- pixels of an output row

/** An output row: the two wide rows that it blends, and its labels. */
struct HeadRow {
  const float *low, *high;
  float fraction;
  int64_t lowRow, highRow;
};

static HeadRow readHeadRow(const LossHeadCall &call, const LossHeadPlan &plan, HeadRoom &room, int64_t image, int64_t y) {
  const ResizeTap tap = tapOf(call.rows, y);
  HeadRow row;
  row.fraction = tap.low == tap.high ? 0 : tap.fraction;
  row.lowRow = tap.low;
  row.highRow = row.fraction == 0 ? tap.low : tap.high;
  row.low = wideRow(call, plan, room, image, row.lowRow, row.highRow);
  row.high = wideRow(call, plan, room, image, row.highRow, row.lowRow);
  readLabels(call.labels + (image * call.outputHeight + y) * call.outputWidth, plan.classes, call.outputWidth, room.labels);
  return row;
}

/** scores[c] = the blended logits of neighbouring pixels; returns the largest of every pixel. */
template <bool blends>
FACEPARSE_INLINE FloatLanes blendScores(const HeadRow &row, int64_t x, int64_t classes, int64_t wideStride, float *scores) {
  const float *low = row.low + x, *high = row.high + x;
  const float highShare = row.fraction, lowShare = 1 - row.fraction;
  FloatLanes largest = spread<FloatLanes>(-std::numeric_limits<float>::infinity());
  for (int64_t c = 0; c < classes; c++) {
    // A row with share 0 is skipped, because 0 times an infinite logit is NaN.
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

/** Sums of a unit; those of classes in single precision over a few pixels, in double precision in the workspace. */
struct HeadSums {
  DoubleLanes loss = {}, weight = {};
  float *predicted, *overlap;  // [classes][lanes]
  double *totals;              // loss, weight, then predicted, overlap, actual of every class
  int64_t classes, terms;

  HeadSums(const LossHeadPlan &plan, const HeadRoom &room, double *unitTotals)
      : predicted(room.strip + plan.classes * lanes), overlap(predicted + plan.classes * lanes), totals(unitTotals), classes(plan.classes) {
    std::fill(totals, totals + plan.unitSums, 0.0);
    clear();
  }

  void clear() {
    std::fill(predicted, predicted + 2 * classes * lanes, 0.0f);
    terms = 0;
  }

  static DoubleLanes paired(FloatLanes values) {
    DoubleLanes low, high;
    widenLanes(values, low, high);
    return low + high;
  }

  static double sumOf(DoubleLanes values) {
    double sum = 0;
    for (int64_t i = 0; i < lanes / 2; i++) sum += values[i];
    return sum;
  }

  void flushClasses() {
    for (int64_t c = 0; c < classes; c++) {
      totals[2 + c] += sumOf(paired(loadLanes(predicted + c * lanes)));
      totals[2 + classes + c] += sumOf(paired(loadLanes(overlap + c * lanes)));
    }
    clear();
  }

  void finish() {
    totals[0] = sumOf(loss);
    totals[1] = sumOf(weight);
    flushClasses();
  }
};

/** Adds the contributions of neighbouring pixels of an output row to the sums. */
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
    const FloatLanes loss = target.lossOf(vectorLog(sum), ofLabel, labelWeight, weighted);
    sums.loss += HeadSums::paired(label == unknownLabel ? nothing : loss);
    sums.weight += HeadSums::paired(labelWeight);
  }
  if constexpr (regions) {
    const FloatLanes factor = 1.0f / sum;
    for (int64_t c = 0; c < classes; c++) {
      float *predicted = sums.predicted + c * lanes, *overlap = sums.overlap + c * lanes;
      const FloatLanes probability = loadLanes(scores + c * lanes) * factor;
      storeLanes(predicted, loadLanes(predicted) + (label == unknownLabel ? nothing : probability));
      storeLanes(overlap, loadLanes(overlap) + (label == static_cast<int32_t>(c) ? probability : nothing));
    }
    if (++sums.terms == 32) sums.flushClasses();
  }
}

/** Adds the number of pixels of every class in a row. */
static void countLabels(const int32_t *labels, int64_t n, double *counts) {
  // Labels occur in runs; counting runs instead of pixels avoids dependent updates of the same counter.
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
  const int64_t units = plan.forwardUnits / call.logits.images, image = unit / units, first = unit % units * headForwardRows;
  const int64_t end = std::min(first + headForwardRows, call.outputHeight);
  HeadSums sums(plan, room, totals);
  room.held[0] = room.held[1] = -1;
  for (int64_t y = first; y < end; y++) {
    const HeadRow row = readHeadRow(call, plan, room, image, y);
    for (int64_t x = 0; x < call.outputWidth; x += lanes) {
      addHeadPixels<entropy, regions>(row, x, plan, room.strip, room.labels, target, sums);
    }
    if constexpr (regions) countLabels(room.labels, call.outputWidth, totals + 2 + 2 * plan.classes);
  }
  sums.finish();
}

/** The sums of all units, in their order. */
static void combineHeadUnits(const LossHeadCall &call, const LossHeadPlan &plan, const double *totals) {
  const int64_t units = plan.forwardUnits / std::max<int64_t>(1, call.logits.images);
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
    for (int64_t i = 0; i < call.logits.images * plan.classes; i++) {
      const int64_t image = i / plan.classes;
      regions[kind][i] = sumOf(image * units, (image + 1) * units, 2 + kind * plan.classes + i % plan.classes);
    }
  }
}

/** Calls body(room, unit) for all units, on as many threads as the workspace supports. */
template <typename Body>
static void forEachHeadUnit(const LossHeadCall &call, const LossHeadPlan &plan, int64_t units, const Body &body) {
  const int64_t work = call.logits.images * plan.classes * call.outputHeight * call.outputWidth;
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

/** The values of one image that the losses need. */
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
  const int64_t units = plan.gradientUnits / call.logits.images, image = unit / units, first = unit % units * plan.gradientRows;
  const int64_t end = std::min(first + plan.gradientRows, call.logits.height), rowFloats = plan.classes * plan.wideStride;
  float *dOverlap = room.strip + plan.classes * lanes, *dPredicted = dOverlap + plan.classes;
  for (int64_t c = 0; c < plan.classes; c++) {
    dOverlap[c] = call.dOverlap != nullptr ? call.dOverlap[image * plan.classes + c] : 0;
    dPredicted[c] = call.dPredicted != nullptr ? call.dPredicted[image * plan.classes + c] : 0;
  }
  const HeadSlopes slopes = {target, entropy ? *call.dLossSum : 0, dOverlap, dPredicted};
  room.held[0] = room.held[1] = -1;
  std::fill(room.gradients, room.gradients + (end - first) * rowFloats, 0.0f);
  for (int64_t y = 0; y < call.outputHeight; y++) {
    const ResizeTap tap = tapOf(call.rows, y);
    const bool ownsLow = first <= tap.low && tap.low < end, ownsHigh = first <= tap.high && tap.high < end;
    if (!ownsLow && !ownsHigh) continue;
    const HeadRow row = readHeadRow(call, plan, room, image, y);
    float *low = ownsLow ? room.gradients + (row.lowRow - first) * rowFloats : nullptr;
    float *high = ownsHigh && row.fraction != 0 ? room.gradients + (row.highRow - first) * rowFloats : nullptr;
    for (int64_t x = 0; x < call.outputWidth; x += lanes) {
      addPixelGradients<entropy, regions>(row, x, plan, room.strip, room.labels, slopes, low, high);
    }
  }
  for (int64_t row = first; row < end; row++) {
    narrowRow(call, plan, image, row, room.small, room.gradients + (row - first) * rowFloats);
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
