#pragma once

#include "step.h"

namespace faceparse {

/** Far more than memory allows, and far less than would overflow. */
constexpr int64_t mostElements = int64_t{1} << 40;

/** A step that calls one kernel with arguments fixed at construction. */
template <typename Call>
class KernelStep : public Step {
 public:
  using Kernel = void (*)(const Call &);
  KernelStep(Kernel kernel, const Call &call) : kernel_(kernel), call_(call) {}
  void run() override { kernel_(call_); }

 private:
  const Kernel kernel_;
  const Call call_;
};

template <typename Call>
std::unique_ptr<Step> step(void (*kernel)(const Call &), const Call &call) {
  return std::make_unique<KernelStep<Call>>(kernel, call);
}

inline void copyAxes(const std::vector<int64_t> &values, int64_t *target, size_t count, const char *name, const PlanReader &reader) {
  if (values.size() != count || count > maxAxes) reader.fail(std::string("'") + name + "' has another number of axes");
  for (size_t i = 0; i < count; i++) target[i] = values[i];
}

/** The product of extents, all of which are from 1 on. */
inline int64_t product(const std::vector<int64_t> &extents, const PlanReader &reader) {
  int64_t result = 1;
  for (const int64_t extent : extents) {
    if (extent < 1 || __builtin_mul_overflow(result, extent, &result) || result > mostElements) reader.fail("a size is out of range");
  }
  return result;
}

/** Number of elements from the first to the last that strides reach, to check the memory that a call accesses. */
inline int64_t reach(const int64_t *extents, const int64_t *strides, int32_t axes, const PlanReader &reader) {
  int64_t last = 0;
  for (int32_t i = 0; i < axes; i++) {
    int64_t distance;
    if (extents[i] < 1 || strides[i] < 0) reader.fail("extents and strides must not be negative");
    if (__builtin_mul_overflow(extents[i] - 1, strides[i], &distance) || distance > mostElements) reader.fail("a stride is out of range");
    last += distance;
  }
  return last;
}

inline void requireSame(const FeatureMap &a, const FeatureMap &b, const PlanReader &reader) {
  if (b.data && (a.images != b.images || a.channels != b.channels || a.height != b.height || a.width != b.width || a.block != b.block)) {
    reader.fail("two feature maps that should be alike differ");
  }
}

inline void requirePlanes(const FeatureMap &a, const FeatureMap &b, const PlanReader &reader) {
  if (a.images != b.images || a.channels != b.channels || a.block != b.block) reader.fail("two feature maps do not fit");
}

/** Taps as [low, high, fraction] one after the other. */
inline std::vector<ResizeTap> readTaps(const PlanReader &reader, const char *name, int64_t inputs, int64_t outputs) {
  const auto fields = reader.numbers(name);
  if (static_cast<int64_t>(fields.size()) != outputs * 3) reader.fail(std::string("'") + name + "' has another number of taps");
  std::vector<ResizeTap> taps(static_cast<size_t>(outputs));
  for (size_t i = 0; i < taps.size(); i++) {
    taps[i] = {static_cast<int32_t>(fields[3 * i]), static_cast<int32_t>(fields[3 * i + 1]), fields[3 * i + 2]};
    if (taps[i].low < 0 || taps[i].low >= inputs || taps[i].high < 0 || taps[i].high >= inputs) reader.fail("a tap is outside of the map");
  }
  return taps;
}

/** Steps on feature maps: normalisation, pooling, depthwise convolution, resizing; null for any other kind. */
std::unique_ptr<Step> makeMapStep(const std::string &kind, const PlanReader &reader);

/** Steps of the losses; null for any other kind. */
std::unique_ptr<Step> makeLossStep(const std::string &kind, const PlanReader &reader);

/** Size in bytes of the workspace of a loss; an error for kinds without one. */
int64_t lossWorkspaceBytes(const std::string &kind, const PlanReader &reader);

}  // namespace faceparse
