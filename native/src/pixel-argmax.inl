// Labels at the size of the photo: see src/parser/grid/argmax.ts and src/parser/grid/grid-classes.ts. Cells are the squares between four neighbouring points.

constexpr uint8_t uncertain = 255;

/** Relative to the largest score, twice as much as in TypeScript: differences are computed in single precision here. More is safe. */
constexpr float certainty = 1.0f / (1 << 19);

/** Finds the best class of every point, and whether its lead is certain. */
void rankPoints(const Argmax &work) {
  const auto &[scores, classes, height, width] = work.scores;
  const int64_t points = int64_t(height) * width;
  float *__restrict best = work.numbers, *__restrict second = best + width, *__restrict id = second + width;
  int32_t largestBits = 0;
  for (int32_t y = 0; y < height; y++) {
    const int64_t start = int64_t(y) * width;
    for (int32_t x = 0; x < width; x++) best[x] = second[x] = -__builtin_inff(), id[x] = 0;
    for (int32_t c = 0; c < classes; c++) {
      const float *__restrict row = scores + c * points + start;
      const auto *bits = reinterpret_cast<const FloatBits *>(row);
      const auto number = static_cast<float>(c);
      for (int32_t x = 0; x < width; x++) {
        const float score = row[x], old = best[x], next = second[x];
        const bool better = score > old;
        const float loser = better ? old : score;
        second[x] = loser > next ? loser : next;
        best[x] = better ? score : old;
        id[x] = better ? number : id[x];
      }
      for (int32_t x = 0; x < width; x++) {
        const int32_t size = bits[x] & 0x7fffffff;
        largestBits = size > largestBits ? size : largestBits;
      }
    }
    for (int32_t x = 0; x < width; x++) {
      work.lead[start + x] = best[x] - second[x];
      work.best[start + x] = static_cast<uint8_t>(static_cast<int32_t>(id[x]));
    }
  }
  float largest;
  __builtin_memcpy(&largest, &largestBits, sizeof largest);
  const float margin = largest * certainty;
  for (int64_t i = 0; i < points; i++) work.certain[i] = work.lead[i] > margin ? work.best[i] : uncertain;
  *work.margin = margin;
}

/** The scores at the corners of a cell by class: first of all, then of the candidates. */
struct Corners {
  float upperLeft[256], upperRight[256], lowerLeft[256], lowerRight[256];
  int32_t ids[256];
};

/** Keeps the classes that no leader of a corner surpasses at all four; the others are nowhere best. @returns how many */
int32_t keepCandidates(Corners &corners, int32_t classes, const int32_t (&leaders)[4], float margin) {
  auto &[upperLeft, upperRight, lowerLeft, lowerRight, ids] = corners;
  int32_t beaten[256];
  const int32_t padded = paddedClasses(classes);
  for (int32_t c = 0; c < padded; c++) beaten[c] = 0;
  for (int32_t corner = 0; corner < 4; corner++) {
    const int32_t rival = leaders[corner];
    bool seen = false;
    for (int32_t before = 0; before < corner; before++) seen |= leaders[before] == rival;
    if (seen) continue;
    const float a = upperLeft[rival], b = upperRight[rival], c = lowerLeft[rival], d = lowerRight[rival];
    for (int32_t i = 0; i < padded; i++) {
      beaten[i] |= (a - upperLeft[i] > margin) & (b - upperRight[i] > margin) & (c - lowerLeft[i] > margin) & (d - lowerRight[i] > margin);
    }
  }
  int32_t kept = 0;
  for (int32_t c = 0; c < classes; c++) {
    upperLeft[kept] = upperLeft[c];
    upperRight[kept] = upperRight[c];
    lowerLeft[kept] = lowerLeft[c];
    lowerRight[kept] = lowerRight[c];
    ids[kept] = c;
    kept += !beaten[c];
  }
  return kept;
}

/** Output pixels of one cell. */
struct CellPixels {
  int32_t fromRow, toRow, fromColumn, toColumn;
};

void fill(const Argmax &work, uint8_t id, const CellPixels &pixels) {
  const int32_t length = pixels.toColumn - pixels.fromColumn;
  for (int32_t y = pixels.fromRow; y < pixels.toRow; y++) {
    __builtin_memset(work.labels + int64_t(y) * work.columns.count + pixels.fromColumn, id, length);
  }
  work.pixels[id] += double(pixels.toRow - pixels.fromRow) * length;
}

/** Interpolates the candidates at every pixel of a cell and takes the best. */
void compare(const Argmax &work, const Corners &corners, int32_t candidates, const CellPixels &pixels) {
  double left[256], slope[256];
  for (int32_t y = pixels.fromRow; y < pixels.toRow; y++) {
    const double down = work.rows.fraction[y];
    for (int32_t k = 0; k < candidates; k++) {
      const double a = corners.upperLeft[k], b = corners.upperRight[k];
      const double from = static_cast<float>(a + (double(corners.lowerLeft[k]) - a) * down);
      const double to = static_cast<float>(b + (double(corners.lowerRight[k]) - b) * down);
      left[k] = from;
      slope[k] = to - from;
    }
    uint8_t *row = work.labels + int64_t(y) * work.columns.count;
    for (int32_t x = pixels.fromColumn; x < pixels.toColumn; x += argmaxStep) {
      const auto across = load<Doubles>(work.columns.fraction + x);
      Floats best = __builtin_convertvector(left[0] + slope[0] * across, Floats);
      Integers ids = Integers{} + corners.ids[0];
      for (int32_t k = 1; k < candidates; k++) {
        const Floats score = __builtin_convertvector(left[k] + slope[k] * across, Floats);
        const Integers better = score > best;
        best = better ? score : best;
        ids = better ? Integers{} + corners.ids[k] : ids;
      }
      const int32_t count = pixels.toColumn - x < argmaxStep ? pixels.toColumn - x : argmaxStep;
      for (int32_t i = 0; i < count; i++) {
        row[x + i] = static_cast<uint8_t>(ids[i]);
        work.pixels[ids[i]]++;
      }
    }
  }
}

/** The labels of the output rows from `fromRow` to `toRow`, which lie between the same two rows of points. */
void labelRows(const Argmax &work, int32_t fromRow, int32_t toRow) {
  const auto &[scores, classes, height, width] = work.scores;
  const int64_t stride = width + argmaxPadding;
  float *upper = work.numbers, *lower = upper + classes * stride;
  const int32_t low = work.rows.low[fromRow];
  const int64_t start = int64_t(low) * width, below = low + 1 < height ? width : 0;
  bool loaded = false;
  Corners corners;
  CellPixels filled{fromRow, toRow, 0, 0};
  int32_t filledId = -1;
  for (int32_t from = 0, to; from < work.columns.count; from = to) {
    const int32_t column = work.columns.low[from];
    for (to = from + 1; to < work.columns.count && work.columns.low[to] == column;) to++;
    const int64_t first = start + column, right = column + 1 < width ? 1 : 0;
    const uint8_t *points = work.certain + first;
    const uint8_t id = points[0];
    const bool alone = id != uncertain && points[right] == id && points[below] == id && points[below + right] == id;
    if (filledId >= 0 && !(alone && id == filledId)) fill(work, static_cast<uint8_t>(filledId), filled);
    if (alone) {
      if (id != filledId) filled.fromColumn = from;
      filled.toColumn = to;
      filledId = id;
      continue;
    }
    filledId = -1;
    if (!loaded) {
      // Side by side: in the planes, rows of the classes often compete for the same lines of the cache.
      for (int32_t c = 0; c < classes; c++) {
        const float *row = scores + int64_t(c) * height * width + start;
        __builtin_memcpy(upper + c * stride, row, width * sizeof(float));
        __builtin_memcpy(lower + c * stride, row + below, width * sizeof(float));
      }
      loaded = true;
    }
    for (int32_t c = 0; c < classes; c++) {
      const float *above = upper + c * stride + column, *under = lower + c * stride + column;
      corners.upperLeft[c] = above[0];
      corners.upperRight[c] = above[right];
      corners.lowerLeft[c] = under[0];
      corners.lowerRight[c] = under[right];
    }
    for (int32_t c = classes; c < paddedClasses(classes); c++) {
      corners.upperLeft[c] = corners.upperRight[c] = corners.lowerLeft[c] = corners.lowerRight[c] = 0;
    }
    const uint8_t *best = work.best + first;
    const int32_t leaders[4] = {best[0], best[right], best[below], best[below + right]};
    const int32_t candidates = keepCandidates(corners, classes, leaders, *work.margin);
    const CellPixels pixels{fromRow, toRow, from, to};
    if (candidates == 1) fill(work, static_cast<uint8_t>(corners.ids[0]), pixels);
    else compare(work, corners, candidates, pixels);
  }
  if (filledId >= 0) fill(work, static_cast<uint8_t>(filledId), filled);
}

void argmax(const Argmax &work) {
  rankPoints(work);
  for (int32_t from = 0, to; from < work.rows.count; from = to) {
    for (to = from + 1; to < work.rows.count && work.rows.low[to] == work.rows.low[from];) to++;
    labelRows(work, from, to);
  }
}
