// Straight-line programs over the elements of a shape. A call is planned first: axes are merged, each value gets a slot in the
// cache, and each instruction a loop. Then each thread runs all instructions on one chunk of elements after another.

/** Elements per chunk: 2 KiB per value, so that a dozen values fit in a first-level cache of 32 KiB. */
constexpr int64_t elementwiseChunk = 512;

#include "elementwise-steps.inl"

// ---------------------------------------------------------------------------------------------- the plan of a call

constexpr int32_t noSlot = -1;

/** Location of a value while a chunk is processed. */
struct ElementwisePlace {
  bool uniform = false;    // one float for the whole chunk
  int32_t slot = noSlot;   // in the thread's memory; without one in place: in the operand, or in an output
  int32_t output = noSlot;  // the output whose memory the value is formed in
};

/** The shape with as few axes as possible, and how every value is stored and every instruction runs. */
struct ElementwisePlan {
  int32_t axes = 0;
  int64_t extents[maxAxes], rows = 1, length = 0;
  /** Chunks are whole rows (rowsPerChunk > 0), or parts of a row. */
  int64_t rowsPerChunk = 0, chunksPerRow = 1, chunkLength = 0, chunks = 0;
  int32_t operandCount = 0;
  ElementwiseOperand operands[maxElementwiseValues];
  bool dense[maxElementwiseValues];  // in the same order as the outputs, without gaps
  ElementwisePlace places[maxElementwiseValues];
  ElementwiseStep steps[maxElementwiseValues];
};

/** Gives every operand the simplest spread that reads the same. */
static void simplifySpreads(ElementwisePlan &plan) {
  for (int32_t i = 0; i < plan.operandCount; i++) {
    ElementwiseOperand &operand = plan.operands[i];
    if (operand.spread == Spread::periodic && operand.period >= plan.length) operand.spread = Spread::full;
    if (operand.spread == Spread::periodic && operand.period == 1) operand.spread = Spread::scalar;
    if (plan.length == 1) operand.spread = Spread::scalar;
  }
}

/** Makes the innermost outer axis part of the run, if every operand can be read along both. */
static bool mergeIntoRun(ElementwisePlan &plan) {
  if (plan.axes == 0) return false;
  const int32_t axis = plan.axes - 1;
  for (int32_t i = 0; i < plan.operandCount; i++) {
    const ElementwiseOperand &operand = plan.operands[i];
    const int64_t stride = operand.strides[axis];
    if (stride == 0 && (operand.spread != Spread::periodic || plan.length % operand.period == 0)) continue;
    const bool continues = operand.spread == Spread::full || (plan.length == 1 && operand.spread == Spread::scalar);
    if (!continues || stride != plan.length) return false;
  }
  for (int32_t i = 0; i < plan.operandCount; i++) {
    ElementwiseOperand &operand = plan.operands[i];
    if (operand.strides[axis] != 0) {
      operand.spread = Spread::full;
    } else if (operand.spread == Spread::full) {
      operand.spread = Spread::periodic;
      operand.period = plan.length;
    }
  }
  plan.length *= plan.extents[axis];
  plan.axes--;
  return true;
}

/** Removes outer axes of extent 1 and merges neighbours that every operand traverses evenly. */
static void mergeOuterAxes(ElementwisePlan &plan) {
  int32_t kept = 0;
  for (int32_t axis = 0; axis < plan.axes; axis++) {
    const int64_t extent = plan.extents[axis];
    if (extent == 1) continue;
    bool joins = kept > 0;
    for (int32_t i = 0; joins && i < plan.operandCount; i++) {
      const int64_t *strides = plan.operands[i].strides;
      joins = strides[kept - 1] == strides[axis] * extent;
    }
    if (joins) kept--;
    plan.extents[kept] = joins ? plan.extents[kept] * extent : extent;
    for (int32_t i = 0; i < plan.operandCount; i++) plan.operands[i].strides[kept] = plan.operands[i].strides[axis];
    kept++;
  }
  plan.axes = kept;
}

static void planChunks(ElementwisePlan &plan) {
  if (plan.length * 2 <= elementwiseChunk) {
    plan.rowsPerChunk = elementwiseChunk / plan.length;
    plan.chunks = (plan.rows + plan.rowsPerChunk - 1) / plan.rowsPerChunk;
    return;
  }
  plan.chunksPerRow = (plan.length + elementwiseChunk - 1) / elementwiseChunk;
  const int64_t evenly = (plan.length + plan.chunksPerRow - 1) / plan.chunksPerRow;
  plan.chunkLength = std::min<int64_t>((evenly + 15) / 16 * 16, elementwiseChunk);
  plan.chunks = plan.rows * plan.chunksPerRow;
}

/** Whether an operand's values have the order of the outputs; and whether it is a single value. */
static void planOperand(ElementwisePlan &plan, int32_t number) {
  const ElementwiseOperand &operand = plan.operands[number];
  bool repeats = true, dense = operand.spread == Spread::full || plan.length == 1;
  int64_t expected = plan.length;
  for (int32_t axis = plan.axes - 1; axis >= 0; axis--) {
    repeats = repeats && operand.strides[axis] == 0;
    dense = dense && operand.strides[axis] == expected;
    expected *= plan.extents[axis];
  }
  plan.dense[number] = dense;
  plan.places[number].uniform = operand.spread == Spread::scalar && (plan.rowsPerChunk == 0 || repeats);
}

/** Slots, loops and output places of all values. */
static void planValues(ElementwisePlan &plan, const ElementwiseCall &call) {
  const int32_t values = call.operandCount + call.instructionCount;
  int32_t lastUse[maxElementwiseValues], freeSlots[maxElementwiseValues], freeCount = 0, slots = 0;
  std::fill(lastUse, lastUse + values, -1);
  for (int32_t i = 0; i < call.instructionCount; i++) {
    const ElementwiseInstruction &instruction = call.instructions[i];
    lastUse[instruction.a] = i;
    if (readsB(instruction.op)) lastUse[instruction.b] = i;
  }
  for (int32_t o = 0; o < call.outputCount; o++) lastUse[call.outputValues[o]] = call.instructionCount;

  for (int32_t i = 0; i < call.operandCount; i++) {
    const ElementwiseOperand &operand = plan.operands[i];
    ElementwisePlace &place = plan.places[i];
    // An operand that is itself an output must not be overwritten by another output.
    bool overwritten = false;
    for (int32_t o = 0; o < call.outputCount; o++) overwritten |= call.outputs[o] == operand.data;
    const bool inPlace = plan.rowsPerChunk > 0 ? plan.dense[i] : operand.spread == Spread::full;
    if (place.uniform || (inPlace && !(overwritten && lastUse[i] == call.instructionCount))) continue;
    place.slot = slots++;
  }
  for (int32_t i = 0; i < call.instructionCount; i++) {
    const ElementwiseInstruction &instruction = call.instructions[i];
    const int32_t number = call.operandCount + i, b = readsB(instruction.op) ? instruction.b : instruction.a;
    const bool uniformA = plan.places[instruction.a].uniform, uniformB = plan.places[b].uniform;
    ElementwisePlace &place = plan.places[number];
    place.uniform = uniformA && uniformB;
    plan.steps[i] = stepOf(instruction, uniformA, uniformB);
    for (const int32_t argument : {instruction.a, b}) {
      ElementwisePlace &read = plan.places[argument];
      // Operands keep their slots: the contents may be reused by the next chunk.
      if (argument < call.operandCount || read.slot == noSlot || lastUse[argument] != i) continue;
      freeSlots[freeCount++] = read.slot;
      lastUse[argument] = call.instructionCount + 1;  // given back once, even if it is both arguments
    }
    for (int32_t o = 0; o < call.outputCount && !place.uniform && place.output == noSlot; o++) {
      if (call.outputValues[o] != number) continue;
      bool readLater = false;
      for (int32_t j = 0; j < call.operandCount; j++) {
        readLater |= plan.places[j].slot == noSlot && call.outputs[o] == plan.operands[j].data && lastUse[j] > i;
      }
      if (!readLater) place.output = o;
    }
    if (place.uniform || place.output != noSlot) continue;
    place.slot = freeCount > 0 ? freeSlots[--freeCount] : slots++;
  }
}

static void planElementwise(ElementwisePlan &plan, const ElementwiseCall &call) {
  plan.axes = call.axes;
  plan.length = call.length;
  plan.operandCount = call.operandCount;
  std::copy(call.extents, call.extents + call.axes, plan.extents);
  std::copy(call.operands, call.operands + call.operandCount, plan.operands);
  mergeOuterAxes(plan);
  do simplifySpreads(plan);
  while (mergeIntoRun(plan));
  for (int32_t axis = 0; axis < plan.axes; axis++) plan.rows *= plan.extents[axis];
  planChunks(plan);
  for (int32_t i = 0; i < plan.operandCount; i++) planOperand(plan, i);
  planValues(plan, call);
}

// ---------------------------------------------------------------------------------------------- chunks

/** `rows` rows of `length` values each, from rows that are `stride` apart. */
static void gatherRows(const ElementwiseOperand &operand, const float *from, int64_t stride, int64_t rows, int64_t length, float *to) {
  if (operand.spread == Spread::full && stride == length) {
    memcpy(to, from, rows * length * sizeof(float));
  } else if (length == 1) {
    for (int64_t row = 0; row < rows; row++) to[row] = from[row * stride];
  } else if (operand.spread == Spread::periodic) {
    for (int64_t row = 0; row < rows; row++) {
      for (int64_t i = 0; i < length; i++) to[row * length + i] = from[row * stride + i % operand.period];
    }
  } else if (operand.spread == Spread::scalar) {
    for (int64_t row = 0; row < rows; row++) std::fill(to + row * length, to + (row + 1) * length, from[row * stride]);
  } else if (length == 16) {
    for (int64_t row = 0; row < rows; row++) memcpy(to + row * 16, from + row * stride, 16 * sizeof(float));
  } else {
    for (int64_t row = 0; row < rows; row++) memcpy(to + row * length, from + row * stride, length * sizeof(float));
  }
}

/** State of a thread while it processes its chunks. */
struct ElementwiseThread {
  /** Where every value of the current chunk is. */
  const float *values[maxElementwiseValues];
  float uniforms[maxElementwiseValues];
  /** Contents of the slot of a periodic operand: values from `filledFrom`, the first of which has index `filledPhase`. */
  const float *filledFrom[maxElementwiseValues];
  int64_t filledPhase[maxElementwiseValues], filledCount[maxElementwiseValues];
  alignas(64) float slots[maxElementwiseValues * elementwiseChunk];
};

FACEPARSE_INLINE void keepUniform(ElementwiseThread &thread, int32_t operand, float value) {
  thread.uniforms[operand] = value;
  thread.values[operand] = thread.uniforms + operand;
}

/** Fills a slot with repeating values, unless it already contains them. */
static void fillPeriodic(ElementwiseThread &thread, int32_t operand, const float *from, int64_t period, int64_t phase, int64_t n, float *slot) {
  if (thread.filledFrom[operand] == from && thread.filledPhase[operand] == phase && thread.filledCount[operand] >= n) return;
  int64_t done = std::min(n, period - phase);
  memcpy(slot, from + phase, done * sizeof(float));
  if (done < n) {
    const int64_t rest = std::min(n - done, phase);
    memcpy(slot + done, from, rest * sizeof(float));
    done += rest;
  }
  // After one full period, the rest repeats it in growing pieces.
  while (done < n) {
    const int64_t piece = std::min(n - done, done / period * period);
    memcpy(slot + done, slot, piece * sizeof(float));
    done += piece;
  }
  thread.filledFrom[operand] = from;
  thread.filledPhase[operand] = phase;
  thread.filledCount[operand] = n;
}

/** Sets the operands' values for whole rows from `row` on. */
static void readRows(const ElementwisePlan &plan, ElementwiseThread &thread, int64_t row, int64_t rows) {
  const int32_t last = plan.axes - 1;
  int64_t first[maxAxes];
  int64_t rest = row;
  for (int32_t axis = last; axis >= 0; axis--) {
    first[axis] = rest % plan.extents[axis];
    rest /= plan.extents[axis];
  }
  for (int32_t i = 0; i < plan.operandCount; i++) {
    const ElementwiseOperand &operand = plan.operands[i];
    const ElementwisePlace &place = plan.places[i];
    if (place.uniform) {
      keepUniform(thread, i, *operand.data);
      continue;
    }
    if (place.slot == noSlot) {
      thread.values[i] = operand.data + row * plan.length;
      continue;
    }
    float *slot = thread.slots + place.slot * elementwiseChunk;
    thread.values[i] = slot;
    int64_t index[maxAxes];
    std::copy(first, first + plan.axes, index);
    for (int64_t done = 0; done < rows;) {
      int64_t offset = 0;
      for (int32_t axis = 0; axis <= last; axis++) offset += index[axis] * operand.strides[axis];
      const int64_t count = plan.axes == 0 ? 1 : std::min(rows - done, plan.extents[last] - index[last]);
      gatherRows(operand, operand.data + offset, plan.axes == 0 ? 0 : operand.strides[last], count, plan.length, slot + done * plan.length);
      done += count;
      if (plan.axes == 0) break;
      index[last] += count;
      for (int32_t axis = last; axis > 0 && index[axis] == plan.extents[axis]; axis--) {
        index[axis] = 0;
        index[axis - 1]++;
      }
    }
  }
}

/** Sets the operands' values for n elements of one row. */
static void readPart(const ElementwisePlan &plan, ElementwiseThread &thread, int64_t row, int64_t start, int64_t n) {
  int64_t index[maxAxes];
  for (int32_t axis = plan.axes - 1; axis >= 0; axis--) {
    index[axis] = row % plan.extents[axis];
    row /= plan.extents[axis];
  }
  for (int32_t i = 0; i < plan.operandCount; i++) {
    const ElementwiseOperand &operand = plan.operands[i];
    const ElementwisePlace &place = plan.places[i];
    const float *from = operand.data;
    for (int32_t axis = 0; axis < plan.axes; axis++) from += index[axis] * operand.strides[axis];
    if (place.uniform) {
      keepUniform(thread, i, *from);
    } else if (operand.spread == Spread::full) {
      thread.values[i] = from + start;
      if (place.slot == noSlot) continue;
      float *slot = thread.slots + place.slot * elementwiseChunk;
      memcpy(slot, from + start, n * sizeof(float));
      thread.values[i] = slot;
    } else {
      const int64_t phase = start % operand.period;
      float *slot = thread.slots + place.slot * elementwiseChunk;
      const bool whole = phase + n <= operand.period;
      if (!whole) fillPeriodic(thread, i, from, operand.period, phase, n, slot);
      thread.values[i] = whole ? from + phase : slot;
    }
  }
}

/** Runs all instructions on n elements that start at `position` of the outputs. */
static void runChunk(const ElementwisePlan &plan, const ElementwiseCall &call, ElementwiseThread &thread, int64_t position, int64_t n) {
  for (int32_t i = 0; i < call.instructionCount; i++) {
    const ElementwiseInstruction &instruction = call.instructions[i];
    const int32_t number = call.operandCount + i;
    const ElementwisePlace &place = plan.places[number];
    float *result = place.uniform               ? thread.uniforms + number
                    : place.output != noSlot ? call.outputs[place.output] + position
                                                : thread.slots + place.slot * elementwiseChunk;
    const float *a = thread.values[instruction.a];
    const float *b = readsB(instruction.op) ? thread.values[instruction.b] : a;
    plan.steps[i](a, b, result, place.uniform ? 1 : n, instruction.immediate);
    thread.values[number] = result;
  }
  for (int32_t o = 0; o < call.outputCount; o++) {
    const int32_t number = call.outputValues[o];
    float *to = call.outputs[o] + position;
    const float *from = thread.values[number];
    if (plan.places[number].uniform) {
      std::fill(to, to + n, *from);
    } else if (from != to) {
      memcpy(to, from, n * sizeof(float));
    }
  }
}

static void elementwise(const ElementwiseCall &call) {
  int64_t elements = call.length;
  for (int32_t axis = 0; axis < call.axes; axis++) elements *= call.extents[axis];
  if (elements == 0) return;
  ElementwisePlan plan;
  planElementwise(plan, call);
  const int64_t instructionsEach = std::max<int64_t>(1, call.instructionCount / 4);
  parallelRanges(plan.chunks, elements * instructionsEach, [&](int64_t first, int64_t end) {
    ElementwiseThread thread;
    std::fill(thread.filledFrom, thread.filledFrom + plan.operandCount, nullptr);
    for (int64_t chunk = first; chunk < end; chunk++) {
      if (plan.rowsPerChunk > 0) {
        const int64_t row = chunk * plan.rowsPerChunk, rows = std::min(plan.rowsPerChunk, plan.rows - row);
        readRows(plan, thread, row, rows);
        runChunk(plan, call, thread, row * plan.length, rows * plan.length);
      } else {
        const int64_t row = chunk / plan.chunksPerRow, start = chunk % plan.chunksPerRow * plan.chunkLength;
        const int64_t n = std::min(plan.chunkLength, plan.length - start);
        if (n <= 0) continue;
        readPart(plan, thread, row, start, n);
        runChunk(plan, call, thread, row * plan.length + start, n);
      }
    }
  });
}
