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

static void resize(const ResizeCall &call) {
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
