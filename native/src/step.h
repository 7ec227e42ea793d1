#pragma once

#include <memory>
#include <string>

#include "plan-reader.h"

namespace faceparse {

/** One step of a program: made from its description on JavaScript's thread, then prepared and run on the executor's. */
class Step {
 public:
  virtual ~Step() = default;
  /** Whatever takes long and is done once, such as generating code. */
  virtual void prepare() {}
  virtual void run() = 0;
};

class Primitives;

/** Makes a step that runs an own kernel; null where the kind is none of those. */
std::unique_ptr<Step> makeKernelStep(const std::string &kind, const PlanReader &reader);

/** The bytes of working memory that a kernel step of some kind wants; `request` has the kind and what it depends on. */
int64_t workspaceBytes(const Napi::Object &request);

/** Makes a step that runs a oneDNN primitive; null where the kind is none of those. */
std::unique_ptr<Step> makeOneDnnStep(const std::string &kind, const PlanReader &reader, const Primitives &primitives);

}  // namespace faceparse
