#pragma once

#include <cstddef>

namespace faceparse {

/** All memory of one program: one zeroed mapping on huge pages, allocated and freed once. */
class MemoryBlock {
 public:
  /** Throws std::runtime_error with the size if the system refuses. */
  explicit MemoryBlock(size_t bytes);
  ~MemoryBlock();
  MemoryBlock(const MemoryBlock &) = delete;
  MemoryBlock &operator=(const MemoryBlock &) = delete;

  char *data() const { return data_; }
  size_t bytes() const { return bytes_; }

 private:
  char *data_ = nullptr;
  size_t bytes_ = 0;
  void *mapping_ = nullptr;
  size_t mapped_ = 0;
};

}  // namespace faceparse
