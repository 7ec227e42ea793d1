// How normalisation traverses its maps, forward and backward. Its two passes are memory-bound: the cost is how often a map is
// read from memory. Channels are therefore processed in groups small enough that the second pass finds them in the cache.

/** Bytes of the maps that all threads together process at a time, from the first pass to the second. */
constexpr int64_t decodedBytes = 16 << 20;

/** Minimum number of parts (if there are enough pixels), so that all threads have work. */
constexpr int64_t leastParts = 64;

/**
 * A map split into parts: block of channels × image × range of pixels. The split depends only on the shape, so that sums over
 * parts do not depend on the number of threads.
 */
struct NormalizeParts {
  int64_t images, blocks, pixels, stretches, stretchPixels;
  /** Of all maps in one block of channels. */
  int64_t blockBytes;

  NormalizeParts(const FeatureMap &map, int64_t maps) {
    images = map.images, blocks = map.blocks(), pixels = map.height * map.width;
    const int64_t planes = largerOf(images * blocks, 1);
    stretches = planes >= leastParts ? 1 : (leastParts + planes - 1) / planes;
    stretchPixels = ((pixels + stretches - 1) / stretches + 63) / 64 * 64;
    stretchPixels = largerOf(stretchPixels, 64);
    stretches = (pixels + stretchPixels - 1) / stretchPixels;
    blockBytes = largerOf(images * map.plane() * int64_t(sizeof(float)) * maps, 1);
  }

  int64_t partsOfBlock() const { return images * stretches; }
  int64_t channelBlock(int64_t part) const { return part / partsOfBlock(); }
  int64_t image(int64_t part) const { return part / stretches % images; }
  int64_t firstPixel(int64_t part) const { return part % stretches * stretchPixels; }
  int64_t pixelsOf(int64_t part) const { return smallerOf(stretchPixels, pixels - firstPixel(part)); }
  bool fitsWorkspace() const { return stretches == 1; }
};

/** Memory for the two sums of each part if the workspace of the call is too small. */
template <int block>
struct PartSums {
  double values[2 * leastParts * 2 * block];
};

/** The address of a part in a map. */
template <int block>
static inline float *partOf(const FeatureMap &map, const NormalizeParts &parts, int64_t part) {
  if (map.data == nullptr) return nullptr;
  return planeOf(map, parts.image(part), parts.channelBlock(part)) + parts.firstPixel(part) * block;
}

/** The work of one thread in `runTwoPasses`. */
template <typename Parameters, typename First, typename Prepare, typename Second>
struct TwoPasses {
  const NormalizeParts &parts;
  const First &first;
  const Prepare &prepare;
  const Second &second;

  void measure(int64_t begin, int64_t end, Parameters &parameters) const {
    for (int64_t part = begin; part < end; part++) first(part, part == begin || part % parts.partsOfBlock() == 0, parameters);
  }

  /** In reverse order: the last parts are most likely still in the cache. */
  void apply(int64_t begin, int64_t end, Parameters &parameters) const {
    for (int64_t part = end - 1, prepared = -1; part >= begin; part--) {
      const int64_t channelBlock = parts.channelBlock(part);
      if (channelBlock != prepared) prepare(prepared = channelBlock, begin <= channelBlock * parts.partsOfBlock(), parameters);
      second(part, parameters);
    }
  }

  void run(int64_t thread, int64_t threads) const {
    Parameters parameters;
    // Blocks that one thread processes alone.
    const int64_t alone = parts.blockBytes * threads <= decodedBytes ? parts.blocks / threads : 0;
    for (int64_t channelBlock = thread * alone; channelBlock < (thread + 1) * alone; channelBlock++) {
      const int64_t begin = channelBlock * parts.partsOfBlock(), end = begin + parts.partsOfBlock();
      measure(begin, end, parameters);
      apply(begin, end, parameters);
    }
    // Threads share the remaining blocks, some at a time. Each round needs a barrier, which is costly if threads wait for a core.
    const int64_t together = largerOf(decodedBytes / parts.blockBytes, 1);
    for (int64_t group = alone * threads; group < parts.blocks; group += together) {
      const int64_t start = group * parts.partsOfBlock();
      const int64_t count = smallerOf(together, parts.blocks - group) * parts.partsOfBlock();
      const int64_t begin = start + count * thread / threads, end = start + count * (thread + 1) / threads;
      measure(begin, end, parameters);
      if (threads > 1) {
#pragma omp barrier
      }
      apply(begin, end, parameters);
    }
    finishStreams();
  }
};

/**
 * For all parts of some blocks of channels first(part, entered, parameters), where `entered` says that the thread comes to
 * another block of channels; then second(part, parameters), where prepare(channelBlock, owner, parameters) has set the
 * parameters; owner is true in one thread only. So few blocks are taken at a time that the second pass finds them in the cache.
 */
template <typename Parameters, typename First, typename Prepare, typename Second>
static void runTwoPasses(const NormalizeParts &parts, int64_t elements, const First &first, const Prepare &prepare,
                         const Second &second) {
  const TwoPasses<Parameters, First, Prepare, Second> passes = {parts, first, prepare, second};
  if (elements < parallelThreshold) return passes.run(0, 1);
#pragma omp parallel
  passes.run(omp_get_thread_num(), omp_get_num_threads());
}
