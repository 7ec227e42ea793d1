// Mean probabilities of several views: see src/parser/grid/probability-sums.ts and src/parser/grid/exponential.ts.

constexpr double logarithmOfTwo = 0.6931471805599453;

inline Doubles exactly(double value) { return Doubles{} + value; }

/** `exponential` of src/parser/grid/exponential.ts, for numbers up to 0. */
inline Doubles exponential(const Doubles &value) {
  const Doubles bounded = value < -104.0 ? exactly(-104.0) : value;
  const auto power = __builtin_convertvector(bounded * 1.4426950408889634 - 0.5, Integers);
  const Doubles rest = bounded - __builtin_convertvector(power, Doubles) * logarithmOfTwo;
  constexpr double factors[] = {1.0 / 40320, 1.0 / 5040, 1.0 / 720, 1.0 / 120, 1.0 / 24, 1.0 / 6, 1.0 / 2, 1.0, 1.0};
  Doubles sum = exactly(1.0 / 362880);
  for (const double factor : factors) sum = factor + rest * sum;
  const Longs bits = (__builtin_convertvector(power, Longs) + 1023) << 52;
  return sum * reinterpret_cast<Doubles>(bits);
}

/** `logarithm` of src/parser/grid/exponential.ts, for normal numbers above 0. */
inline Floats logarithm(const Floats &value) {
  const Integers bits = reinterpret_cast<Integers>(value);
  const Integers power = (bits - 0x3f3504f3) >> 23;
  const Integers restBits = bits - (power << 23);
  const Doubles rest = __builtin_convertvector(reinterpret_cast<Floats>(restBits), Doubles);
  const Doubles part = (rest - 1) / (rest + 1);
  const Doubles square = part * part;
  constexpr double factors[] = {1.0 / 11, 1.0 / 9, 1.0 / 7, 1.0 / 5, 1.0 / 3, 1.0};
  Doubles sum = exactly(1.0 / 13);
  for (const double factor : factors) sum = factor + square * sum;
  return __builtin_convertvector(__builtin_convertvector(power, Doubles) * logarithmOfTwo + 2 * part * sum, Floats);
}

/** Interpolates one row of one class. */
void upsampleRow(const float *plane, int32_t width, int32_t below, double down, const Taps &columns, float *__restrict line, float *__restrict to) {
  for (int32_t x = 0; x < width; x++) {
    const double upper = plane[x];
    line[x] = static_cast<float>(upper + (double(plane[below + x]) - upper) * down);
  }
  // The neighbour of the last value.
  line[width] = line[width - 1];
  for (int32_t x = 0; x < columns.count; x++) {
    const double left = line[columns.low[x]];
    to[x] = static_cast<float>(left + (double(line[columns.low[x] + 1]) - left) * columns.fraction[x]);
  }
}

void addProbabilities(const ProbabilitySum &work) {
  const auto &[scores, classes, height, width] = work.scores;
  const int32_t columns = work.columns.count;
  const int64_t stride = wholeVectors(columns);
  float *line = work.numbers;
  float *__restrict largest = line + width + 1, *__restrict total = largest + stride, *values = total + stride;
  for (int32_t y = 0; y < work.rows.count; y++) {
    const int32_t low = work.rows.low[y], below = low + 1 < height ? width : 0;
    for (int32_t c = 0; c < classes; c++) {
      const float *plane = scores + (int64_t(c) * height + low) * width;
      upsampleRow(plane, width, below, work.rows.fraction[y], work.columns, line, values + c * stride);
    }
    for (int64_t x = 0; x < stride; x++) largest[x] = values[x], total[x] = 0;
    for (int32_t c = 1; c < classes; c++) {
      const float *__restrict row = values + c * stride;
      for (int64_t x = 0; x < stride; x++) largest[x] = row[x] > largest[x] ? row[x] : largest[x];
    }
    for (int32_t c = 0; c < classes; c++) {
      float *row = values + c * stride;
      for (int64_t x = 0; x < stride; x += 4) {
        const auto value = __builtin_convertvector(load<Floats>(row + x), Doubles), most = __builtin_convertvector(load<Floats>(largest + x), Doubles);
        const Doubles power = exponential(value - most);
        store(row + x, __builtin_convertvector(power, Floats));
        store(total + x, __builtin_convertvector(__builtin_convertvector(load<Floats>(total + x), Doubles) + power, Floats));
      }
    }
    for (int32_t c = 0; c < classes; c++) {
      const float *__restrict row = values + c * stride;
      float *__restrict sums = work.sums + (int64_t(work.targets[c]) * work.rows.count + y) * columns;
      if (work.mirrored) {
        for (int32_t x = 0; x < columns; x++) sums[columns - 1 - x] += row[x] / total[x];
      } else {
        for (int32_t x = 0; x < columns; x++) sums[x] += row[x] / total[x];
      }
    }
  }
}

void meanLogarithms(const float *sums, int64_t count, double views, double least, float *out) {
  for (int64_t from = 0; from < count; from += 4) {
    const auto some = count - from < 4 ? count - from : 4;
    Floats values = Floats{} + 1;
    __builtin_memcpy(&values, sums + from, some * sizeof(float));
    const Doubles mean = __builtin_convertvector(values, Doubles) / views;
    const Floats result = logarithm(__builtin_convertvector(mean > least ? mean : exactly(least), Floats));
    __builtin_memcpy(out + from, &result, some * sizeof(float));
  }
}
