// Pooling. Vectors run over the channels of a block; the plain layout (block 1) is scalar. Gradients are processed in bands of
// rows of dx: every thread owns the rows that it adds to.

/** Half-open. */
struct PositionRange {
  int64_t begin, end;
  int64_t length() const { return end > begin ? end - begin : 0; }
};

/** The positions inside the image that a window covers along an axis. */
static inline PositionRange windowRange(int64_t index, int64_t size, int64_t kernel, int64_t stride, int64_t padding) {
  const int64_t start = index * stride - padding;
  return {largerOf(start, 0), smallerOf(start + kernel, size)};
}

/** The positions that a cell of an adaptive pooling covers along an axis. */
static inline PositionRange cellRange(int64_t index, int64_t size, int64_t cells) {
  return {index * size / cells, ((index + 1) * size + cells - 1) / cells};
}

/** The rows and columns of the windows of a PoolCall or PoolGradientCall. */
template <typename Call>
struct Windows {
  const Call &call;
  int64_t height, width;
  PositionRange rows(int64_t index) const { return windowRange(index, height, call.kernel[0], call.stride[0], call.padding[0]); }
  PositionRange columns(int64_t index) const { return windowRange(index, width, call.kernel[1], call.stride[1], call.padding[1]); }
};

/** The same for the cells of an adaptive pooling. */
struct Cells {
  int64_t height, width, cellRows, cellColumns;
  PositionRange rows(int64_t index) const { return cellRange(index, height, cellRows); }
  PositionRange columns(int64_t index) const { return cellRange(index, width, cellColumns); }
};

// ---------------------------------------------------------------------------------------------- forward

/** y = reduce(plane of x, rows, columns) for every window. */
template <int block, typename Grid, typename Reduce>
static void poolForward(const FeatureMap &x, const FeatureMap &y, const Grid &grid, const Reduce &reduce) {
  const bool stream = wantsStream(y);
  parallelRanges(planesOf(y) * y.height, elementsOf(x), [&](int64_t begin, int64_t end) {
    for (int64_t unit = begin; unit < end; unit++) {
      const int64_t plane = unit / y.height, row = unit % y.height;
      const float *source = planeOf(x, plane);
      float *target = planeOf(y, plane) + row * y.width * block;
      const PositionRange rows = grid.rows(row);
      for (int64_t column = 0; column < y.width; column++) {
        const Pack<block> value = reduce(source, rows, grid.columns(column));
        if (stream) {
          storeStream<block>(target + column * block, value);
        } else {
          store<block>(target + column * block, value);
        }
      }
    }
    finishStreams();
  });
}

/** The largest value of rows×columns values that start at `values`; the numbers are known to the compiler in the usual cases. */
template <int block>
FACEPARSE_INLINE Pack<block> largestOfRectangle(const float *values, int64_t width, int64_t rows, int64_t columns) {
  Pack<block> largest = load<block>(values);
  for (int64_t row = 0; row < rows; row++) {
    for (int64_t column = 0; column < columns; column++) largest = largerOf(load<block>(values + (row * width + column) * block), largest);
  }
  return largest;
}

/** The largest value of a window; zero for a window outside the image. */
template <int block>
FACEPARSE_INLINE Pack<block> largestOf(const float *source, int64_t width, PositionRange rows, PositionRange columns) {
  const float *values = source + (rows.begin * width + columns.begin) * block;
  const int64_t height = rows.length(), breadth = columns.length();
  if (height == 2 && breadth == 2) return largestOfRectangle<block>(values, width, 2, 2);
  if (height == 3 && breadth == 3) return largestOfRectangle<block>(values, width, 3, 3);
  if (height == 0 || breadth == 0) return zeroPack<block>();
  return largestOfRectangle<block>(values, width, height, breadth);
}

static void maxPool(const PoolCall &call) {
  withBlock(call.x.block, [&](auto blockOf) {
    constexpr int block = decltype(blockOf)::value;
    const Windows<PoolCall> windows = {call, call.x.height, call.x.width};
    const auto largest = [&](const float *source, PositionRange rows, PositionRange columns) __attribute__((always_inline)) {
      return largestOf<block>(source, call.x.width, rows, columns);
    };
    poolForward<block>(call.x, call.y, windows, largest);
  });
}

/** The sum of rows×columns values that start at `values`. */
template <int block>
FACEPARSE_INLINE Pack<block> sumOfRectangle(const float *values, int64_t width, int64_t rows, int64_t columns) {
  Pack<block> sum = zeroPack<block>();
  for (int64_t row = 0; row < rows; row++) {
    for (int64_t column = 0; column < columns; column++) sum = sum + load<block>(values + (row * width + column) * block);
  }
  return sum;
}

/** Number of values summed in single precision before the sum is added in double precision. */
constexpr int64_t singlePrecisionSum = 128;

/** The same for many values. */
template <int block>
FACEPARSE_SHARED void sumOfLargeRectangle(const float *values, int64_t width, int64_t rows, int64_t columns, double *total) {
  Pack<block> sum = zeroPack<block>(), otherSum = sum;
  int64_t pending = 0;
  const auto flush = [&]() __attribute__((always_inline)) {
    float part[block];
    store<block>(part, sum + otherSum);
    for (int i = 0; i < block; i++) total[i] += part[i];
    sum = otherSum = zeroPack<block>();
    pending = 0;
  };
  for (int64_t row = 0; row < rows; row++, values += width * block) {
    for (int64_t column = 0; column < columns;) {
      const int64_t end = smallerOf(column + singlePrecisionSum - pending, columns);
      pending += end - column;
      for (; column + 1 < end; column += 2) {
        sum = sum + load<block>(values + column * block);
        otherSum = otherSum + load<block>(values + (column + 1) * block);
      }
      if (column < end) sum = sum + load<block>(values + column++ * block);
      if (pending == singlePrecisionSum) flush();
    }
  }
  flush();
}

/** The mean of a window; zero for a window outside the image. */
template <int block>
FACEPARSE_INLINE Pack<block> meanOf(const float *source, int64_t width, PositionRange rows, PositionRange columns) {
  const float *values = source + (rows.begin * width + columns.begin) * block;
  const int64_t height = rows.length(), breadth = columns.length(), count = height * breadth;
  if (height == 2 && breadth == 2) return sumOfRectangle<block>(values, width, 2, 2) * 0.25f;
  if (height == 3 && breadth == 3) return sumOfRectangle<block>(values, width, 3, 3) * (1.0f / 9);
  if (count == 0) return zeroPack<block>();
  if (count <= singlePrecisionSum) return sumOfRectangle<block>(values, width, height, breadth) * (1.0f / count);
  double total[block] = {};
  sumOfLargeRectangle<block>(values, width, height, breadth, total);
  float mean[block];
  for (int i = 0; i < block; i++) mean[i] = static_cast<float>(total[i] / count);
  return load<block>(mean);
}

template <typename Grid>
static void meanPool(const FeatureMap &x, const FeatureMap &y, const Grid &grid) {
  withBlock(x.block, [&](auto blockOf) {
    constexpr int block = decltype(blockOf)::value;
    const auto mean = [&](const float *source, PositionRange rows, PositionRange columns) __attribute__((always_inline)) {
      return meanOf<block>(source, x.width, rows, columns);
    };
    poolForward<block>(x, y, grid, mean);
  });
}

static void avgPool(const PoolCall &call) { meanPool(call.x, call.y, Windows<PoolCall>{call, call.x.height, call.x.width}); }

static void adaptiveAvgPool(const AdaptivePoolCall &call) {
  meanPool(call.x, call.y, Cells{call.x.height, call.x.width, call.y.height, call.y.width});
}

// ---------------------------------------------------------------------------------------------- backward

/** Maximum number of rows of dx in a band, unless planes alone provide enough work for all threads. */
constexpr int64_t bandRows = 16;

/** With at least this many planes, a band is a whole plane. */
constexpr int64_t enoughPlanes = 64;

/** Calls body(plane, band of rows of dx), in parallel. */
template <typename Body>
static void forEachBand(const FeatureMap &dx, int64_t elements, const Body &body) {
  const int64_t rows = planesOf(dx) >= enoughPlanes ? largerOf(dx.height, 1) : bandRows;
  const int64_t bands = (dx.height + rows - 1) / rows;
  parallelRanges(planesOf(dx) * bands, elements, [&](int64_t begin, int64_t end) {
    for (int64_t unit = begin; unit < end; unit++) {
      const int64_t first = unit % bands * rows;
      body(unit / bands, PositionRange{first, smallerOf(first + rows, dx.height)});
    }
  });
}

/** Rows of a band that are zeroed only on first use, when they are loaded into the cache anyway. */
template <int block>
struct ZeroedRows {
  float *target;
  int64_t width, next, end;

  /** Makes the rows before `row` ready for adding. */
  void upTo(int64_t row) {
    row = smallerOf(row, end);
    if (row <= next) return;
    memset(target + next * width * block, 0, (row - next) * width * block * sizeof(float));
    next = row;
  }
};

/**
 * dx = what the windows add to it. For every band addTo(plane, band) gives a function add(offset of the window in the plane of
 * dy, its dy, rows, columns) that adds to rows of the band only; it is called for every window that reaches into the band.
 */
template <int block, typename Grid, typename AddTo>
static void poolBackward(const FeatureMap &dy, const FeatureMap &dx, const Grid &grid, const AddTo &addTo) {
  forEachBand(dx, elementsOf(dx), [&](int64_t plane, PositionRange band) {
    const float *gradient = planeOf(dy, plane);
    ZeroedRows<block> zeroed = {planeOf(dx, plane), dx.width, band.begin, band.end};
    const auto add = addTo(plane, band);
    for (int64_t row = 0; row < dy.height; row++) {
      const PositionRange rows = grid.rows(row);
      if (rows.end <= band.begin || rows.begin >= band.end) continue;
      zeroed.upTo(rows.end);
      for (int64_t column = 0; column < dy.width; column++) {
        const int64_t offset = (row * dy.width + column) * block;
        add(offset, load<block>(gradient + offset), rows, grid.columns(column));
      }
    }
    zeroed.upTo(band.end);
  });
}

/** Adds the gradient to the first of rows×columns values that is the largest. Rows before `skipped` are not added to. */
template <int block>
FACEPARSE_INLINE void addToFirst(const float *x, float *dx, int64_t width, int64_t rows, int64_t columns, int64_t skipped,
                                 Pack<block> largest, Pack<block> gradient) {
  const Pack<block> zero = zeroPack<block>();
  for (int64_t row = 0; row < rows; row++) {
    for (int64_t column = 0; column < columns; column++) {
      const int64_t position = (row * width + column) * block;
      const Pack<block> value = load<block>(x + position);
      if (row >= skipped) store<block>(dx + position, load<block>(dx + position) + whereEqual(value, largest, gradient, zero));
      gradient = whereEqual(value, largest, zero, gradient);
    }
  }
}

static void maxPoolGradient(const PoolGradientCall &call) {
  withBlock(call.dx.block, [&](auto blockOf) {
    constexpr int block = decltype(blockOf)::value;
    const int64_t width = call.dx.width;
    poolBackward<block>(call.dy, call.dx, Windows<PoolGradientCall>{call, call.dx.height, width}, [&](int64_t plane, PositionRange band) {
      const float *x = planeOf(call.x, plane), *y = planeOf(call.y, plane);
      float *dx = planeOf(call.dx, plane);
      return [=](int64_t offset, Pack<block> gradient, PositionRange rows, PositionRange columns) __attribute__((always_inline)) {
        const int64_t start = (rows.begin * width + columns.begin) * block;
        const int64_t skipped = largerOf(band.begin - rows.begin, 0), height = smallerOf(rows.end, band.end) - rows.begin;
        const Pack<block> largest = load<block>(y + offset);
        if (height == 2 && columns.length() == 2 && skipped == 0) {
          addToFirst<block>(x + start, dx + start, width, 2, 2, 0, largest, gradient);
        } else if (height == 3 && columns.length() == 3 && skipped == 0) {
          addToFirst<block>(x + start, dx + start, width, 3, 3, 0, largest, gradient);
        } else {
          addToFirst<block>(x + start, dx + start, width, height, columns.length(), skipped, largest, gradient);
        }
      };
    });
  });
}

/** Adds a pack to rows×columns values. */
template <int block>
FACEPARSE_INLINE void addToAll(float *dx, int64_t width, int64_t rows, int64_t columns, Pack<block> share) {
  for (int64_t row = 0; row < rows; row++) {
    for (int64_t column = 0; column < columns; column++) {
      const int64_t position = (row * width + column) * block;
      store<block>(dx + position, load<block>(dx + position) + share);
    }
  }
}

template <typename Grid>
static void meanPoolGradient(const FeatureMap &dy, const FeatureMap &dx, const Grid &grid) {
  withBlock(dx.block, [&](auto blockOf) {
    constexpr int block = decltype(blockOf)::value;
    const int64_t width = dx.width;
    poolBackward<block>(dy, dx, grid, [&](int64_t plane, PositionRange band) {
      float *target = planeOf(dx, plane);
      return [=](int64_t, Pack<block> gradient, PositionRange rows, PositionRange columns) __attribute__((always_inline)) {
        const int64_t count = rows.length() * columns.length();
        if (count == 0) return;
        const int64_t first = largerOf(rows.begin, band.begin), height = smallerOf(rows.end, band.end) - first;
        float *start = target + (first * width + columns.begin) * block;
        const Pack<block> share = gradient * (1.0f / count);
        if (height == 2 && columns.length() == 2) {
          addToAll<block>(start, width, 2, 2, share);
        } else if (height == 3 && columns.length() == 3) {
          addToAll<block>(start, width, 3, 3, share);
        } else {
          addToAll<block>(start, width, height, columns.length(), share);
        }
      };
    });
  });
}

static void avgPoolGradient(const PoolGradientCall &call) {
  meanPoolGradient(call.dy, call.dx, Windows<PoolGradientCall>{call, call.dx.height, call.dx.width});
}

static void adaptiveAvgPoolGradient(const AdaptivePoolCall &call) {
  meanPoolGradient(call.y, call.x, Cells{call.x.height, call.x.width, call.y.height, call.y.width});
}
