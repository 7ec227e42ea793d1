// Vectors as wide as those of the instruction set, the exponential and the logarithm, and the split of work over threads.
// Like all .inl files here, it is included inside the namespace of an instruction set, so it includes nothing itself.

#define FACEPARSE_INLINE static inline __attribute__((always_inline))

#if defined(__AVX512F__)
constexpr int64_t lanes = 16;
#elif defined(__AVX2__)
constexpr int64_t lanes = 8;
#else
constexpr int64_t lanes = 4;
#endif

/** A vector register of floats, and of half as many floats and doubles for sums in double precision. */
typedef float FloatLanes __attribute__((vector_size(lanes * sizeof(float))));
typedef int32_t IntegerLanes __attribute__((vector_size(lanes * sizeof(int32_t))));
typedef uint32_t UnsignedLanes __attribute__((vector_size(lanes * sizeof(uint32_t))));
typedef float HalfLanes __attribute__((vector_size(lanes / 2 * sizeof(float))));
typedef double DoubleLanes __attribute__((vector_size(lanes / 2 * sizeof(double))));

FACEPARSE_INLINE FloatLanes loadLanes(const float *from) {
  FloatLanes result;
  memcpy(&result, from, sizeof result);
  return result;
}

FACEPARSE_INLINE void storeLanes(float *to, FloatLanes value) { memcpy(to, &value, sizeof value); }

FACEPARSE_INLINE IntegerLanes loadLanes(const int32_t *from) {
  IntegerLanes result;
  memcpy(&result, from, sizeof result);
  return result;
}

/** The halves of a vector in double precision. */
FACEPARSE_INLINE void widenLanes(FloatLanes value, DoubleLanes &low, DoubleLanes &high) {
  HalfLanes halves[2];
  memcpy(halves, &value, sizeof halves);
  low = __builtin_convertvector(halves[0], DoubleLanes);
  high = __builtin_convertvector(halves[1], DoubleLanes);
}

/** The first `count` values, zeros after them; all if there are more. */
FACEPARSE_INLINE FloatLanes loadSome(const float *from, int64_t count) {
  if (count >= lanes) return loadLanes(from);
  FloatLanes result = {};
  memcpy(&result, from, count * sizeof(float));
  return result;
}

/** Writes the first `count` values, or all if that is more. */
FACEPARSE_INLINE void storeSome(float *to, FloatLanes value, int64_t count) {
  if (count >= lanes) return storeLanes(to, value);
  memcpy(to, &value, count * sizeof(float));
}

/** Transposes a square: value j of vector i becomes value i of vector j. Each round interleaves the halves of the list. */
FACEPARSE_INLINE void transposeLanes(FloatLanes *values) {
#pragma GCC unroll 4
  for (int64_t round = 1; round < lanes; round *= 2) {
    FloatLanes mixed[lanes];
#pragma GCC unroll 8
    for (int64_t i = 0; i < lanes / 2; i++) {
      const FloatLanes a = values[i], b = values[i + lanes / 2];
#if defined(__AVX512F__)
      mixed[2 * i] = __builtin_shufflevector(a, b, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
      mixed[2 * i + 1] = __builtin_shufflevector(a, b, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31);
#elif defined(__AVX2__)
      mixed[2 * i] = __builtin_shufflevector(a, b, 0, 8, 1, 9, 2, 10, 3, 11);
      mixed[2 * i + 1] = __builtin_shufflevector(a, b, 4, 12, 5, 13, 6, 14, 7, 15);
#else
      mixed[2 * i] = __builtin_shufflevector(a, b, 0, 4, 1, 5);
      mixed[2 * i + 1] = __builtin_shufflevector(a, b, 2, 6, 3, 7);
#endif
    }
#pragma GCC unroll 16
    for (int64_t i = 0; i < lanes; i++) values[i] = mixed[i];
  }
}

// Bits of numbers, and a number for every place of a vector: for float and FloatLanes alike.

FACEPARSE_INLINE uint32_t bitsOf(float value) {
  uint32_t bits;
  memcpy(&bits, &value, sizeof bits);
  return bits;
}

FACEPARSE_INLINE float floatOf(uint32_t bits) {
  float value;
  memcpy(&value, &bits, sizeof value);
  return value;
}

FACEPARSE_INLINE UnsignedLanes bitsOf(FloatLanes value) { return reinterpret_cast<UnsignedLanes>(value); }
FACEPARSE_INLINE FloatLanes floatOf(UnsignedLanes bits) { return reinterpret_cast<FloatLanes>(bits); }

/** The signed number of these bits, as a float. */
FACEPARSE_INLINE float floatOfSigned(uint32_t bits) { return static_cast<float>(static_cast<int32_t>(bits)); }
FACEPARSE_INLINE FloatLanes floatOfSigned(UnsignedLanes bits) {
  return __builtin_convertvector(reinterpret_cast<IntegerLanes>(bits), FloatLanes);
}

template <typename Value>
FACEPARSE_INLINE Value spread(float value) {
  return value - Value{};
}

/**
 * e^x to about 1 ulp; results below 1.7e-38 are 0, NaN stays NaN. With n = round(x/ln 2), r = x − n·ln 2 in two parts, the
 * polynomial of Cephes' expf gives e^r, and 2^(n−1) is made from bits; the factor 2 that is missing comes last, so that n = 128
 * does not overflow early. Value: float (in loops that the compiler vectorises) or FloatLanes.
 */
template <typename Value>
FACEPARSE_INLINE Value vectorExp(Value x) {
  // The order of the comparisons keeps NaN.
  const Value high = x > 89.0f ? spread<Value>(89.0f) : x;
  const Value clamped = high < -87.33f ? spread<Value>(-87.33f) : high;
  const Value shifted = clamped * 1.44269504088896341f + 12582912.0f;  // 1.5·2^23: the sum's last bits are n
  const Value n = shifted - 12582912.0f;
  const Value r = (clamped - n * 0.693359375f) + n * 2.12194440e-4f;
  Value polynomial = r * 1.9875691500e-4f + 1.3981999507e-3f;
  polynomial = polynomial * r + 8.3334519073e-3f;
  polynomial = polynomial * r + 4.1665795894e-2f;
  polynomial = polynomial * r + 1.6666665459e-1f;
  polynomial = polynomial * r + 5.0000001201e-1f;
  const Value lessOne = polynomial * (r * r) + r;
  return (lessOne * 2.0f + 2.0f) * floatOf((bitsOf(shifted) << 23) + (126u << 23));
}

/** ln x to about 1 ulp: −∞ for 0, NaN for negative x and NaN. x = 2^n·(1 + r) with 1 + r in √½ to √2, polynomial of Cephes' logf. */
template <typename Value>
FACEPARSE_INLINE Value vectorLog(Value x) {
  const Value scaled = x < 1.17549435e-38f ? x * 8388608.0f : x;
  const Value scale = x < 1.17549435e-38f ? spread<Value>(23.0f) : Value{};
  const auto offset = bitsOf(scaled) - 0x3f3504f3u;
  // The exponent with its sign: bit 31 is worth −2⁹ after the shift.
  const Value n = floatOfSigned((offset >> 23) - ((offset >> 31) << 9)) - scale;
  const Value r = floatOf((offset & 0x7fffffu) + 0x3f3504f3u) - 1.0f;
  const Value square = r * r;
  Value polynomial = r * 7.0376836292e-2f - 1.1514610310e-1f;
  polynomial = polynomial * r + 1.1676998740e-1f;
  polynomial = polynomial * r - 1.2420140846e-1f;
  polynomial = polynomial * r + 1.4249322787e-1f;
  polynomial = polynomial * r - 1.6668057665e-1f;
  polynomial = polynomial * r + 2.0000714765e-1f;
  polynomial = polynomial * r - 2.4999993993e-1f;
  polynomial = polynomial * r + 3.3333331174e-1f;
  const Value low = (polynomial * (square * r) - n * 2.12194440e-4f) - square * 0.5f;
  const Value result = (r + low) + n * 0.693359375f;
  const float infinity = std::numeric_limits<float>::infinity();
  const Value special = x == 0.0f ? spread<Value>(-infinity) : spread<Value>(std::numeric_limits<float>::quiet_NaN());
  const Value finite = x < infinity ? result : x;
  return x > 0.0f ? finite : special;
}

/** Calls with less work than this stay on the calling thread, because waking the others costs more. */
constexpr int64_t parallelThreshold = 16384;

/** Calls body(first, end) for ranges that together cover 0 to count, one per thread if `work` elements justify it. */
template <typename Body>
FACEPARSE_INLINE void parallelRanges(int64_t count, int64_t work, const Body &body) {
  const int64_t wanted = work < parallelThreshold ? 1 : std::min<int64_t>(count, omp_get_max_threads());
  if (wanted <= 1) {
    body(int64_t{0}, count);
    return;
  }
#pragma omp parallel num_threads(static_cast<int>(wanted))
  {
    const int64_t thread = omp_get_thread_num(), threads = omp_get_num_threads();
    body(count * thread / threads, count * (thread + 1) / threads);
  }
}
