#pragma once

#include <memory>
#include <string>

#include "plan-reader.h"

namespace faceparse {

/** One step of a program: created from its description on the JavaScript thread, then prepared and run on the executor thread. */
class Step {
 public:
  virtual ~Step() = default;
  /** Does slow work that is needed only once, such as generating code. */
  virtual void prepare() {}
  virtual void run() = 0;
};

class Primitives;

/** Creates a step that runs one of the add-on's kernels; null for any other kind. */
std::unique_ptr<Step> makeKernelStep(const std::string &kind, const PlanReader &reader);

/** Size in bytes of the workspace of a kernel step; `request` contains its kind and the values that it depends on. */
int64_t workspaceBytes(const Napi::Object &request);

/** Creates a step that runs a oneDNN primitive; null for any other kind. */
std::unique_ptr<Step> makeOneDnnStep(const std::string &kind, const PlanReader &reader, const Primitives &primitives);

}  // namespace faceparse
