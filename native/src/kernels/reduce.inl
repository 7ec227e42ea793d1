// Sums over some axes. The array is read as slabs of rows: a slab is contiguous in memory with shape [rows, columns], and its
// rows are summed. Slabs are numbered by the kept and by the reduced axes outside them.

#include "reduce-plan.inl"

/** Neighbouring rows are joined up to about this length, so that short rows also fill vectors. */
constexpr int64_t reduceJoinedRow = 64;

// ---------------------------------------------------------------------------------------------- rows in memory

/** sums[0..count·lanes) += the sum of `rows` rows, each `count` vectors; four rows meet in single precision first. */
template <int64_t count>
static inline void addStrip(const float *source, int64_t stride, int64_t rows, double *sums) {
  DoubleLanes totals[2 * count];
  memcpy(totals, sums, sizeof totals);
  const auto add = [&totals](int64_t vector, FloatLanes value) {
    DoubleLanes low, high;
    widenLanes(value, low, high);
    totals[2 * vector] += low;
    totals[2 * vector + 1] += high;
  };
  int64_t row = 0;
  for (; row + 4 <= rows; row += 4) {
    const float *from = source + row * stride;
#pragma GCC unroll 4
    for (int64_t vector = 0; vector < count; vector++) {
      const float *at = from + vector * lanes;
      add(vector, (loadLanes(at) + loadLanes(at + stride)) + (loadLanes(at + 2 * stride) + loadLanes(at + 3 * stride)));
    }
  }
  for (; row < rows; row++) {
#pragma GCC unroll 4
    for (int64_t vector = 0; vector < count; vector++) add(vector, loadLanes(source + row * stride + vector * lanes));
  }
  memcpy(sums, totals, sizeof totals);
}

/** sums[0..columns) += the sum of rows that are `stride` apart. */
static void addRows(const float *source, int64_t stride, int64_t rows, int64_t columns, double *sums) {
  // Long rows are processed a few at a time, because sequential reads are fastest.
  const int64_t block = std::max<int64_t>(16, 8192 / columns);
  for (int64_t first = 0; first < rows; first += block) {
    const float *from = source + first * stride;
    const int64_t count = std::min(block, rows - first);
    int64_t column = 0;
    for (; column + 4 * lanes <= columns; column += 4 * lanes) addStrip<4>(from + column, stride, count, sums + column);
    for (; column + lanes <= columns; column += lanes) addStrip<1>(from + column, stride, count, sums + column);
    for (int64_t row = 0; row < count && column < columns; row++) {
      for (int64_t rest = column; rest < columns; rest++) sums[rest] += from[row * stride + rest];
    }
  }
}

/** The same for contiguous rows of less than reduceJoinedRow columns. */
static void addShortRows(const float *source, int64_t rows, int64_t columns, double *sums) {
  // The fewest rows that are long enough together and fill whole vectors.
  int64_t joined = 16;
  while (joined > 1 && columns * joined / 2 % 16 == 0) joined /= 2;
  joined *= (reduceJoinedRow + columns * joined - 1) / (columns * joined);
  const int64_t groups = rows / joined, length = columns * joined;
  if (groups > 0) {
    // At most 63 columns of 16 rows.
    double totals[reduceColumns];
    std::fill(totals, totals + length, 0.0);
    addRows(source, length, groups, length, totals);
    for (int64_t row = 0; row < joined; row++) {
      for (int64_t column = 0; column < columns; column++) sums[column] += totals[row * columns + column];
    }
  }
  addRows(source + groups * length, columns, rows - groups * joined, columns, sums);
}

// ---------------------------------------------------------------------------------------------- units of work

/** The sums of one unit: `columns` columns of a range of the rows that go into one outer kept index. */
static void addUnit(const ReducePlan &plan, const float *source, int64_t outer, int64_t firstColumn, int64_t columns, int64_t firstRow,
                    int64_t endRow, double *sums) {
  for (int32_t axis = plan.outerAxes - 1; axis >= 0; axis--) {
    if (plan.reduced[axis]) continue;
    source += outer % plan.extents[axis] * plan.strides[axis];
    outer /= plan.extents[axis];
  }
  for (int64_t row = firstRow; row < endRow;) {
    const int64_t rowInSlab = row % plan.rows, count = std::min(plan.rows - rowInSlab, endRow - row);
    const float *from = source + rowInSlab * plan.columns + firstColumn;
    int64_t slab = row / plan.rows;
    for (int32_t axis = plan.outerAxes - 1; axis >= 0; axis--) {
      if (!plan.reduced[axis]) continue;
      from += slab % plan.extents[axis] * plan.strides[axis];
      slab /= plan.extents[axis];
    }
    if (plan.columns < reduceJoinedRow) {
      addShortRows(from, count, plan.columns, sums);
    } else {
      addRows(from, plan.columns, count, columns, sums);
    }
    row += count;
  }
}

/** A few neighbouring values each, too short for separate vectors. */
static void sumShortRuns(const ReduceCall &call, int64_t runs, int64_t length) {
  parallelRanges(runs, runs * length, [&](int64_t first, int64_t end) {
    for (int64_t run = first; run < end; run++) {
      const float *values = call.source + run * length;
      double sum = 0;
#pragma omp simd reduction(+ : sum)
      for (int64_t i = 0; i < length; i++) sum += values[i];
      call.target[run] = static_cast<float>(sum * call.factor);
    }
  });
}

static void reduceSum(const ReduceCall &call) {
  const ReducePlan plan = planReduce(call);
  if (plan.outer * plan.columns == 0) return;
  const int64_t totalRows = plan.slabs * plan.rows, elements = plan.outer * plan.columns * totalRows;
  if (plan.outerAxes <= 1 && plan.slabs == 1 && plan.columns == 1 && plan.rows < reduceJoinedRow && plan.parts == 1) {
    return sumShortRuns(call, plan.outer, plan.rows);
  }
  double *partial = static_cast<double *>(call.workspace);
  const int64_t kept = plan.outer * plan.columns, chunks = plan.chunks;
  parallelRanges(plan.outer * chunks * plan.parts, elements, [&](int64_t first, int64_t end) {
    for (int64_t unit = first; unit < end; unit++) {
      const int64_t part = unit % plan.parts, chunk = unit / plan.parts % chunks, outer = unit / plan.parts / chunks;
      const int64_t firstColumn = chunk * reduceColumns, columns = std::min(reduceColumns, plan.columns - firstColumn);
      double sums[reduceColumns];
      std::fill(sums, sums + columns, 0.0);
      addUnit(plan, call.source, outer, firstColumn, columns, totalRows * part / plan.parts, totalRows * (part + 1) / plan.parts, sums);
      const int64_t place = outer * plan.columns + firstColumn;
      if (plan.parts > 1) {
        std::copy(sums, sums + columns, partial + part * kept + place);
      } else {
        for (int64_t i = 0; i < columns; i++) call.target[place + i] = static_cast<float>(sums[i] * call.factor);
      }
    }
  });
  if (plan.parts == 1) return;
  parallelRanges(kept, kept * plan.parts, [&](int64_t first, int64_t end) {
    for (int64_t i = first; i < end; i++) {
      double sum = 0;
      for (int64_t part = 0; part < plan.parts; part++) sum += partial[part * kept + i];
      call.target[i] = static_cast<float>(sum * call.factor);
    }
  });
}
