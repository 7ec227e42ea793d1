// How the work of a loss head is split, and the layout of its workspace; used by loss-head.inl and workspaces.cc.

/** Rows of outputs are padded to this many pixels, a multiple of every vector. */
constexpr int64_t headPadding = 16;

/** Rows of outputs of a unit of the forward pass. */
constexpr int64_t headForwardRows = 32;

/**
 * A unit is an image and some of its rows: output rows in the forward pass, rows of the small logits in the backward pass, where the
 * rows that two units need are computed by both. Only the number of per-thread workspaces depends on the machine.
 */
struct LossHeadPlan {
  int64_t classes, forwardUnits, gradientRows, gradientUnits;
  /** Floats from one class to the next in a row of the output's width, and in a row of the small width. */
  int64_t wideStride, smallRow;
  /** Floats in the workspace of one thread, and the offsets of its parts. */
  int64_t expanded, strip, gradients, small, labels, room;
  /** Doubles that a unit of the forward pass leaves: loss, weight, and three a class. */
  int64_t unitSums;
  int64_t threads, bytes;
};

static inline int64_t roundUp(int64_t value, int64_t step) { return (value + step - 1) / step * step; }

static inline LossHeadPlan planLossHead(const LossHeadCall &call) {
  LossHeadPlan plan;
  plan.classes = call.logits.channels;
  plan.forwardUnits = call.logits.images * (roundUp(call.outputHeight, headForwardRows) / headForwardRows);
  // An odd number of cache lines, so that the classes of a pixel do not compete for the same places of the cache.
  plan.wideStride = roundUp(call.outputWidth, headPadding);
  if (plan.wideStride % (2 * headPadding) == 0) plan.wideStride += headPadding;
  plan.smallRow = roundUp(plan.classes, 16) * call.logits.width;
  // The rows of a unit should fit a second-level cache, but few rows mean many that are computed twice.
  constexpr int64_t unitFloats = 192 * 1024, leastRows = 4, mostRows = 16;
  plan.gradientRows = std::clamp<int64_t>(unitFloats / std::max<int64_t>(1, plan.classes * plan.wideStride), leastRows, mostRows);
  plan.gradientUnits = call.logits.images * (roundUp(call.logits.height, plan.gradientRows) / plan.gradientRows);

  plan.expanded = 0;  // two rows
  plan.strip = plan.expanded + 2 * plan.classes * plan.wideStride;  // three values a class and pixel of a vector
  plan.gradients = plan.strip + 3 * plan.classes * headPadding;
  plan.small = plan.gradients + plan.gradientRows * plan.classes * plan.wideStride;
  plan.labels = plan.small + plan.smallRow;
  plan.room = roundUp(plan.labels + plan.wideStride, 16);

  plan.unitSums = 2 + 3 * plan.classes;
  plan.threads = workspaceThreads();
  const int64_t floatBytes = sizeof(float), doubleBytes = sizeof(double);
  plan.bytes = plan.threads * plan.room * floatBytes + plan.forwardUnits * plan.unitSums * doubleBytes;
  return plan;
}
