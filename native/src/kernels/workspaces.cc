// Workspaces of kernels. They do not depend on the instruction set, because calls are planned before it is chosen.
#include <omp.h>

#include <algorithm>
#include <cstdint>

#include "kernels.h"

namespace faceparse {

namespace workspaces {
#include "loss-head-plan.inl"
#include "lovasz-plan.inl"
#include "reduce-plan.inl"
}  // namespace workspaces

int64_t workspaceThreads() {
  static const int64_t threads = std::clamp<int64_t>(omp_get_num_procs(), 1, 64);
  return threads;
}

int64_t reduceWorkspace(const ReduceCall &call) {
  return workspaces::reducePartialSums(workspaces::planReduce(call)) * static_cast<int64_t>(sizeof(double));
}

int64_t lossHeadWorkspace(const LossHeadCall &call) { return workspaces::planLossHead(call).bytes; }

int64_t lovaszWorkspace(const LovaszCall &call) { return workspaces::lovaszBytes(call); }

}  // namespace faceparse
