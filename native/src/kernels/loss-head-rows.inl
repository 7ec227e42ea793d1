// Resizes rows of the small logits to the width of the output, and the adjoint. In memory, the classes of a pixel are adjacent or in
// separate planes; a wide row is [classes][width], so that softmax works on vectors of pixels.

static inline ResizeTap tapOf(const ResizeTap *taps, int64_t index) {
  const int32_t same = static_cast<int32_t>(index);
  return taps == nullptr ? ResizeTap{same, same, 0} : taps[index];
}

/** Groups of `lanes` classes of one row of logits: value of a class at group(number) + x * step. */
struct SmallRow {
  float *first;
  int64_t step, groupStride, blockStride, groupsPerBlock;

  float *group(int64_t number) const { return first + number / groupsPerBlock * blockStride + number % groupsPerBlock * groupStride; }
};

/** Whether the blocks of a map are whole groups; otherwise its rows are gathered into the thread's workspace and scattered back. */
static inline bool holdsGroups(const FeatureMap &map) { return map.block % lanes == 0; }

static inline SmallRow rowInMap(const FeatureMap &map, int64_t image, int64_t row) {
  return {map.data + image * map.imageStride + row * map.width * map.block, map.block, lanes, map.plane(), map.block / lanes};
}

static inline SmallRow rowInRoom(const FeatureMap &map, float *small) { return {small, lanes, 0, map.width * lanes, 1}; }

static void gatherSmallRow(const FeatureMap &map, int64_t image, int64_t row, float *small) {
  for (int64_t c = 0; c < roundUp(map.channels, lanes); c++) {
    const float *from = map.data + image * map.imageStride + c / map.block * map.plane() + row * map.width * map.block + c % map.block;
    float *to = small + c / lanes * map.width * lanes + c % lanes;
    if (c < map.channels) {
      for (int64_t x = 0; x < map.width; x++) to[x * lanes] = from[x * map.block];
    } else {
      for (int64_t x = 0; x < map.width; x++) to[x * lanes] = 0;
    }
  }
}

static void scatterSmallRow(const FeatureMap &map, int64_t image, int64_t row, const float *small) {
  for (int64_t c = 0; c < map.blocks() * map.block; c++) {
    float *to = map.data + image * map.imageStride + c / map.block * map.plane() + row * map.width * map.block + c % map.block;
    if (c < map.channels) {
      const float *from = small + c / lanes * map.width * lanes + c % lanes;
      for (int64_t x = 0; x < map.width; x++) to[x * map.block] = from[x * lanes];
    } else {
      for (int64_t x = 0; x < map.width; x++) to[x * map.block] = 0;
    }
  }
}

/** Brings a row of the logits to the output's width, one class after the other. Pixels past the width repeat the last one. */
static void expandRow(const LossHeadCall &call, const LossHeadPlan &plan, int64_t image, int64_t row, float *small, float *wide) {
  const FeatureMap &map = call.logits;
  if (!holdsGroups(map)) gatherSmallRow(map, image, row, small);
  const SmallRow source = holdsGroups(map) ? rowInMap(map, image, row) : rowInRoom(map, small);
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
static void narrowRow(const LossHeadCall &call, const LossHeadPlan &plan, int64_t image, int64_t row, float *small, const float *wide) {
  const FeatureMap &map = call.dLogits;
  const bool inMap = holdsGroups(map);
  const SmallRow target = inMap ? rowInMap(map, image, row) : rowInRoom(map, small);
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
  if (!inMap) scatterSmallRow(map, image, row, small);
}
