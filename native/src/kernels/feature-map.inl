// Shared code of all kernels on feature maps: packs of neighbouring values, addresses, the choice of the block, the split over threads.

/** A function whose code is shared by its callers: most templates that use it differ in other things. */
#define FACEPARSE_SHARED static __attribute__((noinline))

// ---------------------------------------------------------------------------------------------- packs

/** `size` (a power of two) floats: one vector where the machine has one of that width, else two packs of half the size. */
template <int size, bool isVector = (size <= lanes)>
struct Pack;

template <int size>
struct Pack<size, true> {
  typedef float Vector __attribute__((vector_size(size * sizeof(float))));
  typedef float Unaligned __attribute__((vector_size(size * sizeof(float)), aligned(4), may_alias));
  Vector v;
};

template <>
struct Pack<1, true> {
  typedef float Vector;
  typedef float Unaligned;
  Vector v;
};

template <int size>
struct Pack<size, false> {
  Pack<size / 2> low, high;
};

template <int size>
FACEPARSE_INLINE Pack<size> load(const float *source) {
  if constexpr (size <= lanes) {
    return {*reinterpret_cast<const typename Pack<size>::Unaligned *>(source)};
  } else {
    return {load<size / 2>(source), load<size / 2>(source + size / 2)};
  }
}

template <int size>
FACEPARSE_INLINE void store(float *target, Pack<size> value) {
  if constexpr (size <= lanes) {
    *reinterpret_cast<typename Pack<size>::Unaligned *>(target) = value.v;
  } else {
    store<size / 2>(target, value.low);
    store<size / 2>(target + size / 2, value.high);
  }
}

/** Stores that bypass the caches; the target is aligned to its own size. `finishStreams` must follow. */
template <int size>
FACEPARSE_INLINE void storeStream(float *target, Pack<size> value) {
  if constexpr (size > lanes) {
    storeStream<size / 2>(target, value.low);
    storeStream<size / 2>(target + size / 2, value.high);
#if defined(__x86_64__)
  } else if constexpr (size == 16) {
    _mm512_stream_ps(target, (__m512)value.v);
  } else if constexpr (size == 8) {
    _mm256_stream_ps(target, (__m256)value.v);
  } else if constexpr (size == 4) {
    _mm_stream_ps(target, (__m128)value.v);
#endif
  } else {
    store<size>(target, value);
  }
}

/** Makes streamed stores visible to other threads. */
static inline void finishStreams() {
#if defined(__x86_64__)
  _mm_sfence();
#endif
}

template <int size>
FACEPARSE_INLINE Pack<size> zeroPack() {
  if constexpr (size <= lanes) {
    return {typename Pack<size>::Vector{}};
  } else {
    return {zeroPack<size / 2>(), zeroPack<size / 2>()};
  }
}

#define PACK_OPERATOR(OPERATOR)                                            \
  template <int size>                                                      \
  FACEPARSE_INLINE Pack<size> operator OPERATOR(Pack<size> a, Pack<size> b) { \
    if constexpr (size <= lanes) {                                   \
      return {a.v OPERATOR b.v};                                           \
    } else {                                                               \
      return {a.low OPERATOR b.low, a.high OPERATOR b.high};               \
    }                                                                      \
  }
PACK_OPERATOR(+)
PACK_OPERATOR(-)
PACK_OPERATOR(*)
#undef PACK_OPERATOR

template <int size>
FACEPARSE_INLINE Pack<size> operator*(Pack<size> a, float factor) {
  if constexpr (size <= lanes) {
    return {a.v * factor};
  } else {
    return {a.low * factor, a.high * factor};
  }
}

/** a·b + c, rounded once if the machine supports it. */
template <int size>
FACEPARSE_INLINE Pack<size> multiplyAdd(Pack<size> a, Pack<size> b, Pack<size> c) {
  if constexpr (size <= lanes) {
    return {a.v * b.v + c.v};
  } else {
    return {multiplyAdd(a.low, b.low, c.low), multiplyAdd(a.high, b.high, c.high)};
  }
}

template <int size>
FACEPARSE_INLINE Pack<size> multiplyAdd(Pack<size> a, float factor, Pack<size> c) {
  if constexpr (size <= lanes) {
    return {a.v * factor + c.v};
  } else {
    return {multiplyAdd(a.low, factor, c.low), multiplyAdd(a.high, factor, c.high)};
  }
}

/** The larger one; NaN where either is NaN, as Math.max. */
template <int size>
FACEPARSE_INLINE Pack<size> largerOf(Pack<size> a, Pack<size> b) {
  if constexpr (size <= lanes) {
    const auto larger = a.v > b.v ? a.v : b.v;  // b where either is NaN
    return {a.v != a.v ? a.v : larger};
  } else {
    return {largerOf(a.low, b.low), largerOf(a.high, b.high)};
  }
}

/** `yes` where a = b, else `no`. */
template <int size>
FACEPARSE_INLINE Pack<size> whereEqual(Pack<size> a, Pack<size> b, Pack<size> yes, Pack<size> no) {
  if constexpr (size <= lanes) {
    return {a.v == b.v ? yes.v : no.v};
  } else {
    return {whereEqual(a.low, b.low, yes.low, no.low), whereEqual(a.high, b.high, yes.high, no.high)};
  }
}

// ---------------------------------------------------------------------------------------------- maps

static inline int64_t smallerOf(int64_t a, int64_t b) { return a < b ? a : b; }
static inline int64_t largerOf(int64_t a, int64_t b) { return a > b ? a : b; }

/** The plane of one image and one block of channels. */
static inline float *planeOf(const FeatureMap &map, int64_t image, int64_t channelBlock) {
  return map.data + image * map.imageStride + channelBlock * map.plane();
}

/** The plane with the given number, where planes are counted image by image. */
static inline float *planeOf(const FeatureMap &map, int64_t plane) {
  return planeOf(map, plane / map.blocks(), plane % map.blocks());
}

static inline int64_t planesOf(const FeatureMap &map) { return map.images * map.blocks(); }

/** Floats of a map, its padding channels among them. */
static inline int64_t elementsOf(const FeatureMap &map) { return planesOf(map) * map.plane(); }

/** Larger maps are written past the caches, because no part of them would remain there for the next step. */
constexpr int64_t streamBytes = 4 << 20;

/** Whether a map is large and aligned enough to be written past the caches. */
static inline bool wantsStream(const FeatureMap &map) {
  if (elementsOf(map) * int64_t(sizeof(float)) < streamBytes) return false;
  return reinterpret_cast<uintptr_t>(map.data) % 64 == 0 && map.imageStride % 16 == 0 && map.plane() % 16 == 0;
}

/** A compile-time constant, passed as an argument. */
template <int number>
struct Constant {
  static constexpr int value = number;
};

/** Calls body(Constant<block>()). */
template <typename Body>
static inline void withBlock(int64_t block, const Body &body) {
  switch (block) {
    case 1: return body(Constant<1>());
    case 8: return body(Constant<8>());
    case 16: return body(Constant<16>());
    default:
      fprintf(stderr, "faceparse: a feature map has blocks of %d channels; the kernels know 1, 8 and 16\n", static_cast<int>(block));
      abort();
  }
}

static void clearPadding(const FeatureMap &map) {
  const int64_t filled = map.channels % map.block;
  if (filled == 0) return;
  const int64_t pixels = map.height * map.width, block = map.block;
  parallelRanges(map.images * map.height, map.images * pixels * (block - filled), [&](int64_t begin, int64_t end) {
    for (int64_t row = begin; row < end; row++) {
      float *values = planeOf(map, row / map.height, map.blocks() - 1) + row % map.height * map.width * block;
      for (int64_t x = 0; x < map.width; x++) {
        for (int64_t channel = filled; channel < block; channel++) values[x * block + channel] = 0;
      }
    }
  });
}
