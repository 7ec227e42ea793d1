// How a sum is split into units; used by reduce.inl and, for the workspace of the units, by workspaces.cc.

/** Maximum number of columns that a unit of work sums. */
constexpr int64_t reduceColumns = 1024;

/**
 * The axes of a sum with neighbours of the same kind joined: outer ones of both kinds, then slabs that are contiguous in memory, of
 * rows × columns, whose rows are summed. Nothing here depends on the number of threads.
 */
struct ReducePlan {
  int32_t outerAxes = 0;
  int64_t extents[maxAxes], strides[maxAxes];
  bool reduced[maxAxes];
  /** Indices of the kept and of the reduced outer axes, and the slab. */
  int64_t outer = 1, slabs = 1, rows = 1, columns = 1;
  /** Chunks of columns, and ranges of all the rows that go into an output: a unit has one of each. */
  int64_t chunks = 1, parts = 1;
};

static inline ReducePlan planReduce(const ReduceCall &call) {
  ReducePlan plan;
  int32_t axes = 0;
  for (int32_t axis = 0; axis < call.axes; axis++) {
    if (call.extents[axis] == 1) continue;
    const bool joins = axes > 0 && plan.reduced[axes - 1] == call.reduced[axis];
    if (joins) axes--;
    plan.extents[axes] = joins ? plan.extents[axes] * call.extents[axis] : call.extents[axis];
    plan.reduced[axes++] = call.reduced[axis];
  }
  if (axes > 0 && !plan.reduced[axes - 1]) plan.columns = plan.extents[--axes];
  if (axes > 0 && plan.reduced[axes - 1]) plan.rows = plan.extents[--axes];
  plan.outerAxes = axes;
  int64_t stride = plan.rows * plan.columns;
  for (int32_t axis = axes - 1; axis >= 0; axis--) {
    plan.strides[axis] = stride;
    stride *= plan.extents[axis];
    (plan.reduced[axis] ? plan.slabs : plan.outer) *= plan.extents[axis];
  }
  // Enough units for many threads if there is enough work, each large enough for vectors.
  constexpr int64_t unitElements = 16384, mostUnits = 256;
  const int64_t units = std::clamp<int64_t>(stride / unitElements, 1, mostUnits);
  plan.chunks = (plan.columns + reduceColumns - 1) / reduceColumns;
  const int64_t outputs = plan.outer * plan.chunks;
  if (outputs > 0 && outputs < units) plan.parts = std::clamp<int64_t>((units + outputs - 1) / outputs, 1, plan.slabs * plan.rows);
  return plan;
}

/** Number of sums of single units in the workspace. */
static inline int64_t reducePartialSums(const ReducePlan &plan) {
  return plan.parts > 1 ? plan.outer * plan.columns * plan.parts : 0;
}
