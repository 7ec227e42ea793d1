// Resizing by taps, bilinear or nearest. Where a fraction is 0, `high` is not read: an infinity there would give NaN.

/** Output row of `width` positions from two input rows (one where the fraction of the row is 0). */
template <int block>
static void resizeRow(const float *upper, const float *lower, float fraction, const ResizeTap *columns, float *target,
                      int64_t width, bool stream) {
  const auto valueAt = [&](const float *row, const ResizeTap &tap) __attribute__((always_inline)) {
    const Pack<block> low = load<block>(row + tap.low * int64_t(block));
    if (tap.fraction == 0) return low;
    return multiplyAdd(load<block>(row + tap.high * int64_t(block)), tap.fraction, low * (1 - tap.fraction));
  };
  const auto put = [&](int64_t x, Pack<block> value) __attribute__((always_inline)) {
    if (stream) {
      storeStream<block>(target + x * block, value);
    } else {
      store<block>(target + x * block, value);
    }
  };
  if (fraction == 0) {
    for (int64_t x = 0; x < width; x++) put(x, valueAt(upper, columns[x]));
    return;
  }
  for (int64_t x = 0; x < width; x++) {
    put(x, multiplyAdd(valueAt(lower, columns[x]), fraction, valueAt(upper, columns[x]) * (1 - fraction)));
  }
}

/** Value index[i] of a and b, one after the other, for every lane i. */
FACEPARSE_INLINE FloatLanes pick(FloatLanes a, FloatLanes b, IntegerLanes index) {
#if defined(__clang__)
  float both[2 * lanes];
  storeLanes(both, a), storeLanes(both + lanes, b);
  FloatLanes result;
  for (int64_t i = 0; i < lanes; i++) result[i] = both[index[i] & (2 * lanes - 1)];
  return result;
#else
  return __builtin_shuffle(a, b, index);
#endif
}

/** Number of neighbouring columns of a plain map that are computed at once, and of the inputs that they may read. */
constexpr int64_t columnsAtOnce = 256, inputsAtOnce = 256;

/** Neighbouring columns of a plain map, in groups of vector lanes that read from two neighbouring vectors of inputs. */
struct PlainColumns {
  int64_t begin, count = 0, firstInput, inputs;
  /** The first input of each group, relative to firstInput, and the taps relative to that. */
  int32_t base[columnsAtOnce / lanes];
  alignas(64) int32_t low[columnsAtOnce], high[columnsAtOnce];
  alignas(64) float fraction[columnsAtOnce], blended[inputsAtOnce + 2 * lanes] = {};

  /** As many columns as fit, from `begin` on; the taps must be near (hasNearTaps). */
  PlainColumns(const ResizeTap *taps, int64_t begin, int64_t end) : begin(begin), firstInput(taps[begin].low) {
    const int64_t limit = smallerOf(end - begin, columnsAtOnce);
    int64_t last = firstInput;
    while (count < limit && taps[smallerOf(begin + count + lanes, end) - 1].high - firstInput < inputsAtOnce) {
      const int64_t group = smallerOf(lanes, limit - count), first = taps[begin + count].low;
      base[count / lanes] = static_cast<int32_t>(first - firstInput);
      for (int64_t i = 0; i < lanes; i++) {
        const ResizeTap &tap = taps[begin + count + smallerOf(i, group - 1)];
        low[count + i] = static_cast<int32_t>(tap.low - first), high[count + i] = static_cast<int32_t>(tap.high - first);
        fraction[count + i] = tap.fraction;
      }
      count += group;
      last = taps[begin + count - 1].high;
    }
    inputs = last - firstInput + 1;
  }
};

/** Part of an output row of a plain map: the two input rows are blended first, then the columns of the blend. */
FACEPARSE_SHARED void resizePlainRow(const float *upper, const float *lower, float fraction, PlainColumns &columns, float *target,
                                     bool stream) {
  float *blended = columns.blended;
  if (fraction == 0) {
    memcpy(blended, upper, columns.inputs * sizeof(float));
  } else {
#pragma omp simd
    for (int64_t x = 0; x < columns.inputs; x++) blended[x] = upper[x] * (1 - fraction) + lower[x] * fraction;
  }
  for (int64_t x = 0; x < columns.count; x += lanes) {
    const float *from = blended + columns.base[x / lanes];
    const FloatLanes a = loadLanes(from), b = loadLanes(from + lanes), part = loadLanes(columns.fraction + x);
    IntegerLanes low, high;
    memcpy(&low, columns.low + x, sizeof low), memcpy(&high, columns.high + x, sizeof high);
    const FloatLanes first = pick(a, b, low), mixed = first * (1.0f - part) + pick(a, b, high) * part;
    const FloatLanes value = part == 0.0f ? first : mixed;
    if (stream) {
      storeStream<lanes>(target + x, {value});
    } else {
      storeSome(target + x, value, columns.count - x);
    }
  }
}

static void resizePlain(const ResizeCall &call) {
  const FeatureMap &x = call.x, &y = call.y;
  const bool stream = wantsStream(y) && y.width % lanes == 0;
  parallelRanges(planesOf(y) * y.height, elementsOf(y), [&](int64_t begin, int64_t end) {
    for (int64_t first = 0; first < y.width;) {
      PlainColumns columns(call.columns, first, y.width);
      for (int64_t unit = begin; unit < end; unit++) {
        const ResizeTap tap = call.rows[unit % y.height];
        const float *source = planeOf(x, unit / y.height) + columns.firstInput;
        float *target = planeOf(y, unit / y.height) + unit % y.height * y.width + first;
        resizePlainRow(source + tap.low * x.width, source + tap.high * x.width, tap.fraction, columns, target, stream);
      }
      first += columns.count;
    }
    finishStreams();
  });
}

/** Whether taps grow along the row and those of neighbouring columns are near each other, as they are when a map is enlarged. */
static bool hasNearTaps(const ResizeCall &call) {
  for (int64_t x = 0; x < call.y.width; x++) {
    const ResizeTap &first = call.columns[x / lanes * lanes], &tap = call.columns[x];
    if (tap.low < first.low || tap.high < tap.low || tap.high - first.low >= 2 * lanes) return false;
    if (x > 0 && (tap.low < call.columns[x - 1].low || tap.high < call.columns[x - 1].high)) return false;
  }
  return true;
}

static void resize(const ResizeCall &call) {
  if (call.x.block == 1 && hasNearTaps(call)) return resizePlain(call);
  withBlock(call.x.block, [&](auto blockOf) {
    constexpr int block = decltype(blockOf)::value;
    const FeatureMap &x = call.x, &y = call.y;
    const bool stream = wantsStream(y);
    parallelRanges(planesOf(y) * y.height, elementsOf(y), [&](int64_t begin, int64_t end) {
      for (int64_t unit = begin; unit < end; unit++) {
        const int64_t plane = unit / y.height, row = unit % y.height;
        const ResizeTap tap = call.rows[row];
        const float *source = planeOf(x, plane);
        float *target = planeOf(y, plane) + row * y.width * block;
        const float *upper = source + tap.low * x.width * block, *lower = source + tap.high * x.width * block;
        resizeRow<block>(upper, lower, tap.fraction, call.columns, target, y.width, stream);
      }
      finishStreams();
    });
  });
}

/** Adds weight·value to a row, unless it is null. */
template <int block>
FACEPARSE_INLINE void addTo(float *row, int64_t position, Pack<block> value, float weight) {
  if (row == nullptr) return;
  store<block>(row + position * block, multiplyAdd(value, weight, load<block>(row + position * block)));
}

/**
 * Spreads one row of dy on two rows of dx (null: not wanted). Where neighbouring taps read the same positions, their shares are
 * summed in registers first.
 */
template <int block>
static void spreadRow(const float *dy, const ResizeTap *columns, int64_t width, float *upper, float upperWeight, float *lower,
                      float lowerWeight) {
  Pack<block> lowSum = zeroPack<block>(), highSum = lowSum;
  int64_t low = columns[0].low, high = columns[0].high;
  const auto flush = [&](int64_t position, Pack<block> value) __attribute__((always_inline)) {
    addTo<block>(upper, position, value, upperWeight);
    addTo<block>(lower, position, value, lowerWeight);
  };
  for (int64_t x = 0; x < width; x++) {
    const ResizeTap &tap = columns[x];
    if (tap.low != low || tap.high != high) {
      flush(low, lowSum);
      if (tap.low == high) {
        lowSum = highSum;
      } else {
        flush(high, highSum);
        lowSum = zeroPack<block>();
      }
      highSum = zeroPack<block>();
      low = tap.low, high = tap.high;
    }
    const Pack<block> value = load<block>(dy + x * block);
    lowSum = multiplyAdd(value, 1 - tap.fraction, lowSum);
    highSum = multiplyAdd(value, tap.fraction, highSum);
  }
  flush(low, lowSum);
  flush(high, highSum);
}

static void resizeGradient(const ResizeCall &call) {
  withBlock(call.x.block, [&](auto blockOf) {
    constexpr int block = decltype(blockOf)::value;
    const FeatureMap &dx = call.x, &dy = call.y;
    forEachBand(dx, elementsOf(dy), [&](int64_t plane, PositionRange band) {
      float *target = planeOf(dx, plane);
      const float *gradient = planeOf(dy, plane);
      ZeroedRows<block> zeroed = {target, dx.width, band.begin, band.end};
      for (int64_t row = 0; row < dy.height; row++) {
        const ResizeTap &tap = call.rows[row];
        const bool wantsLow = tap.low >= band.begin && tap.low < band.end;
        const bool wantsHigh = tap.fraction != 0 && tap.high >= band.begin && tap.high < band.end;
        if (!wantsLow && !wantsHigh) continue;
        zeroed.upTo(largerOf(tap.low, tap.high) + 1);
        float *upper = wantsLow ? target + tap.low * dx.width * block : nullptr;
        float *lower = wantsHigh ? target + tap.high * dx.width * block : nullptr;
        spreadRow<block>(gradient + row * dy.width * block, call.columns, dy.width, upper, 1 - tap.fraction, lower, tap.fraction);
      }
      zeroed.upTo(band.end);
    });
  });
}
