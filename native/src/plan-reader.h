#pragma once

#include <napi.h>

#include <cstdint>
#include <string>
#include <vector>

#include "kernels/kernels.h"
#include "memory-block.h"

namespace faceparse {

/** Reads the fields of one step of a plan; every field that is missing, of another type or out of range is an error that names step and field. */
class PlanReader {
 public:
  PlanReader(const Napi::Object &step, const MemoryBlock &memory, std::string label);

  const std::string &label() const { return label_; }
  bool has(const char *name) const;
  std::string text(const char *name) const;
  int64_t integer(const char *name, int64_t least = 0) const;
  float number(const char *name) const;
  bool flag(const char *name) const;
  std::vector<int64_t> integers(const char *name) const;
  std::vector<float> numbers(const char *name) const;
  Activation activation(const char *name) const;

  /** The memory at the byte offset in the field; `bytes` from there must be inside the program's block. */
  void *memory(const char *name, int64_t bytes) const;
  template <typename Element>
  Element *array(const char *name, int64_t count) const {
    void *place = memory(name, count * static_cast<int64_t>(sizeof(Element)));
    if (reinterpret_cast<uintptr_t>(place) % alignof(Element) != 0) fail(std::string("'") + name + "' is not aligned");
    return static_cast<Element *>(place);
  }
  /** The same, or null where the field is missing. */
  template <typename Element>
  Element *optionalArray(const char *name, int64_t count) const {
    return has(name) ? array<Element>(name, count) : nullptr;
  }

  /** A field of the form [offset, images, channels, height, width, block, imageStride]. */
  FeatureMap map(const char *name) const;
  FeatureMap optionalMap(const char *name) const;
  std::vector<FeatureMap> maps(const char *name) const;

  /** Offsets that are given as a list. */
  void *memoryAt(int64_t offset, int64_t bytes, const char *name) const;

  [[noreturn]] void fail(const std::string &what) const;

 private:
  Napi::Value value(const char *name) const;
  FeatureMap mapOf(const Napi::Value &value, const char *name) const;

  const Napi::Object step_;
  const MemoryBlock &memory_;
  const std::string label_;
};

}  // namespace faceparse
