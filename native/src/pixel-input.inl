// From a photo to the input of a network: see src/image/resize.ts, src/image/letterbox.ts and src/image/normalization.ts; and src/image/block-means.ts.

/** Red, green, blue and something; the pixel before the end of the memory has only three bytes. */
inline Integers colorAt(const uint8_t *pixel, int32_t bytes) {
  Bytes color = {};
  if (bytes == 4) __builtin_memcpy(&color, pixel, 4);
  else __builtin_memcpy(&color, pixel, 3);
  return __builtin_convertvector(color, Integers);
}

/** `narrowRow`: one row of the photo to weighted sums. */
template <int32_t Bytes>
void narrowRow(const PhotoInput &work, const uint8_t *source, float *to) {
  const auto &[starts, counts, weights, stride, length] = work.across;
  for (int32_t x = 0; x < length; x++, to += 3) {
    const uint8_t *first = source + int64_t(starts[x]) * 3, *last = first + int64_t(counts[x] - 1) * 3;
    const double weight = weights[x * stride], lastWeight = last > first ? weights[x * stride + counts[x] - 1] : 0;
    UnsignedIntegers middle = {};
    for (const uint8_t *pixel = first + 3; pixel < last; pixel += 3) middle += reinterpret_cast<UnsignedIntegers>(colorAt(pixel, 4));
    const auto start = __builtin_convertvector(colorAt(first, Bytes), Doubles), end = __builtin_convertvector(colorAt(last, Bytes), Doubles);
    const auto whole = __builtin_convertvector(reinterpret_cast<Integers>(middle), Doubles);
    store(to, __builtin_convertvector(weight * start + whole + lastWeight * end, Floats));
  }
}

void padInput(const PhotoInput &work) {
  const int32_t size = work.size, right = work.x + work.across.length, bottom = work.y + work.down.length;
  for (int32_t channel = 0; channel < 3; channel++) {
    float *plane = work.out + int64_t(channel) * size * size;
    const float value = work.tables[channel * 256 + work.padding];
    for (int32_t y = 0; y < size; y++) {
      const bool outside = y < work.y || y >= bottom;
      float *row = plane + int64_t(y) * size;
      for (int32_t x = 0; x < (outside ? size : work.x); x++) row[x] = value;
      for (int32_t x = outside ? size : right; x < size; x++) row[x] = value;
    }
  }
}

void photoToInput(const PhotoInput &work) {
  padInput(work);
  const int32_t length = work.across.length;
  const int64_t row = int64_t(length) * 3;
  // The last row of an output row may be the first one of the next. Vectors write one number more.
  float *kept[2] = {work.numbers, work.numbers + row + 1};
  int32_t keptRows[2] = {-1, -1};
  double *__restrict sums = work.sums;
  for (int32_t y = 0; y < work.down.length; y++) {
    for (int64_t i = 0; i < row; i++) sums[i] = 0;
    for (int32_t tap = 0; tap < work.down.counts[y]; tap++) {
      const int32_t from = work.down.starts[y] + tap;
      float *values = kept[from % 2];
      if (keptRows[from % 2] != from) {
        const uint8_t *source = work.photo + int64_t(from) * work.width * 3;
        if (from + 1 < work.height) narrowRow<4>(work, source, values);
        else narrowRow<3>(work, source, values);
        keptRows[from % 2] = from;
      }
      const double weight = work.down.weights[y * work.down.stride + tap];
      const float *__restrict numbers = values;
      for (int64_t i = 0; i < row; i++) sums[i] += weight * numbers[i];
    }
    float *red = work.out + int64_t(work.y + y) * work.size + work.x;
    float *green = red + int64_t(work.size) * work.size, *blue = green + int64_t(work.size) * work.size;
    int32_t *__restrict bytes = work.bytes;
    for (int64_t i = 0; i < row; i++) {
      const double value = sums[i] / work.area + (0.5 + 1.0 / 16384);
      bytes[i] = static_cast<int32_t>(value < 255 ? value : 255);
    }
    for (int32_t x = 0; x < length; x++) {
      red[x] = work.tables[bytes[3 * x]];
      green[x] = work.tables[256 + bytes[3 * x + 1]];
      blue[x] = work.tables[512 + bytes[3 * x + 2]];
    }
  }
}

void blockMeans(const BlockMeans &work) {
  const int64_t pitch = int64_t(work.width) * 3;
  const int32_t factor = work.factor, rows = work.height / factor, columns = work.width / factor;
  const double share = 1.0 / (double(factor) * factor);
  uint32_t *__restrict sums = work.sums;
  uint8_t *out = work.out;
  for (int32_t y = 0; y < rows; y++) {
    for (int64_t i = 0; i < pitch; i++) sums[i] = 0;
    for (int32_t row = 0; row < factor; row++) {
      const uint8_t *__restrict source = work.photo + (int64_t(y) * factor + row) * pitch;
      for (int64_t i = 0; i < pitch; i++) sums[i] += source[i];
    }
    const uint32_t *from = sums;
    for (int32_t x = 0; x < columns; x++) {
      uint32_t red = 0, green = 0, blue = 0;
      for (int32_t i = 0; i < factor; i++, from += 3) {
        red += from[0];
        green += from[1];
        blue += from[2];
      }
      *out++ = static_cast<uint8_t>(red * share + 0.5);
      *out++ = static_cast<uint8_t>(green * share + 0.5);
      *out++ = static_cast<uint8_t>(blue * share + 0.5);
    }
  }
}
