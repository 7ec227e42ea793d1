// Copies between strided views: joined to as few axes as possible, then cut into tiles of two axes.

/** The axes of a copy in the order of the target's memory; the last two are those of a tile. */
struct CopyPlan {
  int32_t axes = 0;
  int64_t extents[maxAxes + 2], sourceStrides[maxAxes + 2], targetStrides[maxAxes + 2];
};

/** Rows and columns of a tile, and the strides to its neighbours. */
struct CopyTile {
  int64_t rows, columns, sourceRow, sourceColumn, targetRow, targetColumn;
};

/** Elements of a tile that is copied in runs; and the side of one that is transposed, whose lines should stay in the first-level cache. */
constexpr int64_t copyRunElements = 4096, copyTransposeSide = 32;

static void planCopy(CopyPlan &plan, const CopyCall &call) {
  // Insertion by the target's stride, the largest outside; equal ones keep their order.
  for (int32_t axis = 0; axis < call.axes; axis++) {
    if (call.extents[axis] == 1) continue;
    int32_t place = plan.axes++;
    for (; place > 0 && std::abs(plan.targetStrides[place - 1]) < std::abs(call.targetStrides[axis]); place--) {
      plan.extents[place] = plan.extents[place - 1];
      plan.sourceStrides[place] = plan.sourceStrides[place - 1];
      plan.targetStrides[place] = plan.targetStrides[place - 1];
    }
    plan.extents[place] = call.extents[axis];
    plan.sourceStrides[place] = call.sourceStrides[axis];
    plan.targetStrides[place] = call.targetStrides[axis];
  }
  int32_t kept = 0;
  for (int32_t axis = 0; axis < plan.axes; axis++) {
    const int64_t extent = plan.extents[axis], source = plan.sourceStrides[axis], target = plan.targetStrides[axis];
    const bool joins = kept > 0 && plan.sourceStrides[kept - 1] == source * extent && plan.targetStrides[kept - 1] == target * extent;
    if (joins) kept--;
    plan.extents[kept] = joins ? plan.extents[kept] * extent : extent;
    plan.sourceStrides[kept] = source;
    plan.targetStrides[kept] = target;
    kept++;
  }
  plan.axes = kept;
  // A tile has two axes, even of a single element.
  while (plan.axes < 2) {
    for (int32_t axis = plan.axes++; axis > 0; axis--) {
      plan.extents[axis] = plan.extents[axis - 1];
      plan.sourceStrides[axis] = plan.sourceStrides[axis - 1];
      plan.targetStrides[axis] = plan.targetStrides[axis - 1];
    }
    plan.extents[0] = 1;
    plan.sourceStrides[0] = plan.targetStrides[0] = 0;
  }
}

/** Whether the source is not read along the innermost axis; then the axis along which it is becomes the second innermost. */
static bool planTransposition(CopyPlan &plan) {
  const int32_t last = plan.axes - 1;
  int32_t along = last;
  for (int32_t axis = last - 1; axis >= 0; axis--) {
    const int64_t stride = std::abs(plan.sourceStrides[axis]);
    if (stride != 0 && stride < std::abs(plan.sourceStrides[along])) along = axis;
  }
  if (along == last) return false;
  std::swap(plan.extents[along], plan.extents[last - 1]);
  std::swap(plan.sourceStrides[along], plan.sourceStrides[last - 1]);
  std::swap(plan.targetStrides[along], plan.targetStrides[last - 1]);
  return true;
}

template <int64_t columns>
static void copyShortRuns(const uint32_t *source, uint32_t *target, const CopyTile &tile) {
  for (int64_t row = 0; row < tile.rows; row++) {
    memcpy(target + row * tile.targetRow, source + row * tile.sourceRow, columns * sizeof(uint32_t));
  }
}

static void copyTile(const uint32_t *source, uint32_t *target, const CopyTile &tile) {
  const int64_t columns = tile.columns;
  if (tile.targetColumn == 1 && tile.sourceColumn == 1) {
    if (columns == 8) return copyShortRuns<8>(source, target, tile);
    if (columns == 16) return copyShortRuns<16>(source, target, tile);
    for (int64_t row = 0; row < tile.rows; row++) {
      const uint32_t *from = source + row * tile.sourceRow;
      uint32_t *to = target + row * tile.targetRow;
      if (columns >= 32) {
        memcpy(to, from, columns * sizeof(uint32_t));
      } else {
        for (int64_t column = 0; column < columns; column++) to[column] = from[column];
      }
    }
  } else if (tile.targetColumn == 1 && tile.sourceColumn == 0) {
    for (int64_t row = 0; row < tile.rows; row++) {
      std::fill(target + row * tile.targetRow, target + row * tile.targetRow + columns, source[row * tile.sourceRow]);
    }
  } else {
    for (int64_t row = 0; row < tile.rows; row++) {
      const uint32_t *from = source + row * tile.sourceRow;
      uint32_t *to = target + row * tile.targetRow;
      for (int64_t column = 0; column < columns; column++) to[column * tile.targetColumn] = from[column * tile.sourceColumn];
    }
  }
}

/** A square of a transposition: contiguous along the rows in the source, along the columns in the target. */
static void transposeSquare(const float *source, int64_t sourceColumn, float *target, int64_t targetRow) {
  FloatLanes values[lanes];
  for (int64_t column = 0; column < lanes; column++) values[column] = loadLanes(source + column * sourceColumn);
  transposeLanes(values);
  for (int64_t row = 0; row < lanes; row++) storeLanes(target + row * targetRow, values[row]);
}

static void transposeTile(const uint32_t *source, uint32_t *target, const CopyTile &tile) {
  const int64_t wholeRows = tile.rows / lanes * lanes, wholeColumns = tile.columns / lanes * lanes;
  for (int64_t row = 0; row < wholeRows; row += lanes) {
    for (int64_t column = 0; column < wholeColumns; column += lanes) {
      transposeSquare(reinterpret_cast<const float *>(source + row + column * tile.sourceColumn), tile.sourceColumn,
                      reinterpret_cast<float *>(target + row * tile.targetRow + column), tile.targetRow);
    }
  }
  CopyTile right = tile, below = tile;
  right.rows = wholeRows;
  right.columns -= wholeColumns;
  below.rows -= wholeRows;
  copyTile(source + wholeColumns * tile.sourceColumn, target + wholeColumns, right);
  copyTile(source + wholeRows, target + wholeRows * tile.targetRow, below);
}

static void copy(const CopyCall &call) {
  int64_t elements = 1;
  for (int32_t axis = 0; axis < call.axes; axis++) elements *= call.extents[axis];
  if (elements == 0) return;
  CopyPlan plan;
  planCopy(plan, call);
  const bool transposes = planTransposition(plan);
  const int32_t outer = plan.axes - 2;
  const int64_t rows = plan.extents[outer], columns = plan.extents[outer + 1];
  const int64_t tileColumns = std::min(columns, transposes ? copyTransposeSide : copyRunElements);
  const int64_t tileRows = std::min(rows, transposes ? copyTransposeSide : std::max<int64_t>(1, copyRunElements / tileColumns));
  const int64_t rowTiles = (rows + tileRows - 1) / tileRows, columnTiles = (columns + tileColumns - 1) / tileColumns;
  const CopyTile whole = {tileRows, tileColumns, plan.sourceStrides[outer], plan.sourceStrides[outer + 1],
                          plan.targetStrides[outer], plan.targetStrides[outer + 1]};
  const bool squares = transposes && whole.sourceRow == 1 && whole.targetColumn == 1;
  int64_t tiles = rowTiles * columnTiles;
  for (int32_t axis = 0; axis < outer; axis++) tiles *= plan.extents[axis];
  parallelRanges(tiles, elements, [&](int64_t first, int64_t end) {
    for (int64_t number = first; number < end; number++) {
      const int64_t row = number / columnTiles % rowTiles * tileRows, column = number % columnTiles * tileColumns;
      const uint32_t *source = static_cast<const uint32_t *>(call.source) + row * whole.sourceRow + column * whole.sourceColumn;
      uint32_t *target = static_cast<uint32_t *>(call.target) + row * whole.targetRow + column * whole.targetColumn;
      int64_t rest = number / columnTiles / rowTiles;
      for (int32_t axis = outer - 1; axis >= 0; axis--) {
        const int64_t index = rest % plan.extents[axis];
        rest /= plan.extents[axis];
        source += index * plan.sourceStrides[axis];
        target += index * plan.targetStrides[axis];
      }
      CopyTile tile = whole;
      tile.rows = std::min(tileRows, rows - row);
      tile.columns = std::min(tileColumns, columns - column);
      if (squares) {
        transposeTile(source, target, tile);
      } else {
        copyTile(source, target, tile);
      }
    }
  });
}
