// Pooling. Vectors run over the channels of a block; in the plain layout (block 1) over nothing. Gradients are worked
// on by bands of rows of dx: every thread owns the rows it adds to.

/** Half-open. */
struct PositionRange {
  int64_t begin, end;
  int64_t length() const { return end > begin ? end - begin : 0; }
};

/** The positions inside of the picture that a window covers along an axis. */
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
  parallelRanges(planesOf(y) * y.height, elementsOf(x), [&](int64_t begin, int64_t end) {
    for (int64_t unit = begin; unit < end; unit++) {
      const int64_t plane = unit / y.height, row = unit % y.height;
      const float *source = planeOf(x, plane);
      float *target = planeOf(y, plane) + row * y.width * block;
      const PositionRange rows = grid.rows(row);
      for (int64_t column = 0; column < y.width; column++) {
        store<block>(target + column * block, reduce(source, rows, grid.columns(column)));
      }
    }
  });
}

/** The largest value of a window; zero for a window outside of the picture. */
template <int block>
FACEPARSE_INLINE Pack<block> largestOf(const float *source, int64_t width, PositionRange rows, PositionRange columns) {
  if (rows.length() == 0 || columns.length() == 0) return zeroPack<block>();
  Pack<block> largest = load<block>(source + (rows.begin * width + columns.begin) * block);
  for (int64_t row = rows.begin; row < rows.end; row++) {
    const float *values = source + row * width * block;
    for (int64_t column = columns.begin; column < columns.end; column++) largest = largerOf(load<block>(values + column * block), largest);
  }
  return largest;
}

static void maxPool(const PoolCall &call) {
  withBlock(call.x.block, [&](auto blockOf) {
    constexpr int block = decltype(blockOf)::value;
    const Windows<PoolCall> windows = {call, call.x.height, call.x.width};
    poolForward<block>(call.x, call.y, windows, [&](const float *source, PositionRange rows, PositionRange columns) __attribute__((always_inline)) {
      return largestOf<block>(source, call.x.width, rows, columns);
    });
  });
}

/** Values of a row that are summed in single precision before the sum goes over to double precision. */
constexpr int64_t rowChunk = 128;

/** The mean of a window; zero for a window outside of the picture. Large windows are summed up in double precision. */
template <int block>
FACEPARSE_INLINE Pack<block> meanOf(const float *source, int64_t width, PositionRange rows, PositionRange columns) {
  const int64_t count = rows.length() * columns.length();
  if (count == 0) return zeroPack<block>();
  if (count <= rowChunk) {
    Pack<block> sum = zeroPack<block>();
    for (int64_t row = rows.begin; row < rows.end; row++) {
      const float *values = source + row * width * block;
      for (int64_t column = columns.begin; column < columns.end; column++) sum = sum + load<block>(values + column * block);
    }
    return sum * (1.0f / count);
  }
  double total[block] = {};
  alignas(64) float part[block];
  for (int64_t row = rows.begin; row < rows.end; row++) {
    const float *values = source + row * width * block;
    for (int64_t column = columns.begin; column < columns.end;) {
      const int64_t end = smallerOf(column + rowChunk, columns.end);
      Pack<block> sum = zeroPack<block>(), otherSum = sum;
      for (; column + 1 < end; column += 2) {
        sum = sum + load<block>(values + column * block);
        otherSum = otherSum + load<block>(values + (column + 1) * block);
      }
      if (column < end) sum = sum + load<block>(values + column++ * block);
      store<block>(part, sum + otherSum);
      for (int i = 0; i < block; i++) total[i] += part[i];
    }
  }
  for (int i = 0; i < block; i++) part[i] = static_cast<float>(total[i] / count);
  return load<block>(part);
}

template <typename Grid>
static void meanPool(const FeatureMap &x, const FeatureMap &y, const Grid &grid) {
  withBlock(x.block, [&](auto blockOf) {
    constexpr int block = decltype(blockOf)::value;
    poolForward<block>(x, y, grid, [&](const float *source, PositionRange rows, PositionRange columns) __attribute__((always_inline)) {
      return meanOf<block>(source, x.width, rows, columns);
    });
  });
}

static void avgPool(const PoolCall &call) { meanPool(call.x, call.y, Windows<PoolCall>{call, call.x.height, call.x.width}); }

static void adaptiveAvgPool(const AdaptivePoolCall &call) {
  meanPool(call.x, call.y, Cells{call.x.height, call.x.width, call.y.height, call.y.width});
}

// ---------------------------------------------------------------------------------------------- backward

/** At most this many rows of dx in a band, unless planes alone are enough to share out. */
constexpr int64_t bandRows = 16;

/** Planes from which on a band is a whole plane. */
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

/** Rows of a band that are set to zero only when they are needed first, while the cache is about to hold them anyway. */
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
 * dx = what the windows add to it: add(plane, index of the window, dy, rows, columns, dx's plane, band) for every window that
 * reaches into a band; it adds to rows of the band only.
 */
template <int block, typename Grid, typename Add>
static void poolBackward(const FeatureMap &dy, const FeatureMap &dx, const Grid &grid, const Add &add) {
  forEachBand(dx, elementsOf(dx), [&](int64_t plane, PositionRange band) {
    float *target = planeOf(dx, plane);
    const float *gradient = planeOf(dy, plane);
    ZeroedRows<block> zeroed = {target, dx.width, band.begin, band.end};
    for (int64_t row = 0; row < dy.height; row++) {
      const PositionRange rows = grid.rows(row);
      if (rows.end <= band.begin || rows.begin >= band.end) continue;
      zeroed.upTo(rows.end);
      for (int64_t column = 0; column < dy.width; column++) {
        const int64_t offset = (row * dy.width + column) * block;
        add(plane, offset, load<block>(gradient + offset), rows, grid.columns(column), target, band);
      }
    }
    zeroed.upTo(band.end);
  });
}

static void maxPoolGradient(const PoolGradientCall &call) {
  withBlock(call.dx.block, [&](auto blockOf) {
    constexpr int block = decltype(blockOf)::value;
    const int64_t width = call.dx.width;
    const auto add = [&](int64_t plane, int64_t offset, Pack<block> gradient, PositionRange rows, PositionRange columns, float *target,
                         PositionRange band) __attribute__((always_inline)) {
      const float *x = planeOf(call.x, plane);
      const Pack<block> largest = load<block>(planeOf(call.y, plane) + offset), zero = zeroPack<block>();
      for (int64_t row = rows.begin; row < smallerOf(rows.end, band.end); row++) {
        for (int64_t column = columns.begin; column < columns.end; column++) {
          const int64_t position = (row * width + column) * block;
          const Pack<block> value = load<block>(x + position);
          if (row >= band.begin) {
            store<block>(target + position, load<block>(target + position) + whereEqual(value, largest, gradient, zero));
          }
          gradient = whereEqual(value, largest, zero, gradient);  // the first maximum takes all
        }
      }
    };
    poolBackward<block>(call.dy, call.dx, Windows<PoolGradientCall>{call, call.dx.height, width}, add);
  });
}

template <typename Grid>
static void meanPoolGradient(const FeatureMap &dy, const FeatureMap &dx, const Grid &grid) {
  withBlock(dx.block, [&](auto blockOf) {
    constexpr int block = decltype(blockOf)::value;
    const auto add = [&](int64_t, int64_t, Pack<block> gradient, PositionRange rows, PositionRange columns, float *target,
                         PositionRange band) __attribute__((always_inline)) {
      const int64_t count = rows.length() * columns.length();
      if (count == 0) return;
      const Pack<block> share = gradient * (1.0f / count);
      for (int64_t row = largerOf(rows.begin, band.begin); row < smallerOf(rows.end, band.end); row++) {
        for (int64_t column = columns.begin; column < columns.end; column++) {
          float *position = target + (row * dx.width + column) * block;
          store<block>(position, load<block>(position) + share);
        }
      }
    };
    poolBackward<block>(dy, dx, grid, add);
  });
}

static void avgPoolGradient(const PoolGradientCall &call) {
  meanPoolGradient(call.dy, call.dx, Windows<PoolGradientCall>{call, call.dx.height, call.dx.width});
}

static void adaptiveAvgPoolGradient(const AdaptivePoolCall &call) {
  meanPoolGradient(call.y, call.x, Cells{call.x.height, call.x.width, call.y.height, call.y.width});
}
