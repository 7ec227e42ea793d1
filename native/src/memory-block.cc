#include "memory-block.h"

#include <sys/mman.h>

#include <cstdint>
#include <stdexcept>
#include <string>

namespace faceparse {

namespace {
constexpr size_t hugePage = size_t{2} << 20;
// Kernels read and write whole vectors, so a feature map at the very end may be read slightly past its last element.
constexpr size_t slack = 256;
}  // namespace

MemoryBlock::MemoryBlock(size_t bytes) : bytes_(bytes) {
  if (bytes == 0) return;
  mapped_ = (bytes + slack + 2 * hugePage - 1) / hugePage * hugePage;
  mapping_ = mmap(nullptr, mapped_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (mapping_ == MAP_FAILED) {
    mapping_ = nullptr;
    throw std::runtime_error("the system has no " + std::to_string((bytes + (1 << 20) - 1) >> 20) + " MiB of memory for the program");
  }
  const auto address = reinterpret_cast<uintptr_t>(mapping_);
  data_ = reinterpret_cast<char *>((address + hugePage - 1) / hugePage * hugePage);
#ifdef MADV_HUGEPAGE
  // Small programs use small pages, because huge pages would take most of their memory.
  if (bytes >= hugePage) madvise(data_, bytes + slack, MADV_HUGEPAGE);
#endif
}

MemoryBlock::~MemoryBlock() {
  if (mapping_) munmap(mapping_, mapped_);
}

}  // namespace faceparse
