#pragma once

#include <napi.h>

#include <memory>

#include "executor.h"
#include "onednn.h"

namespace faceparse {

/** new NativeEngine(threads): a thread that runs programs. */
class NativeEngine : public Napi::ObjectWrap<NativeEngine> {
 public:
  static Napi::Function define(Napi::Env env);
  explicit NativeEngine(const Napi::CallbackInfo &info);

  const std::shared_ptr<Executor> &executor() const { return executor_; }

 private:
  /** sgemmPeak(size): Promise<number>, the GFLOP/s of oneDNN's product of two square matrices, the best of several runs. */
  Napi::Value sgemmPeak(const Napi::CallbackInfo &info);

  std::shared_ptr<Executor> executor_;
};

/** new PlanBuilder(engine): collects the primitives of one plan during planning, then compiles it. */
class PlanBuilder : public Napi::ObjectWrap<PlanBuilder> {
 public:
  static Napi::Function define(Napi::Env env);
  explicit PlanBuilder(const Napi::CallbackInfo &info);

 private:
  Napi::Value convolution(const Napi::CallbackInfo &info);
  Napi::Value matrixProduct(const Napi::CallbackInfo &info);
  /** workspace(request): number, the workspace of a kernel in bytes. */
  Napi::Value workspace(const Napi::CallbackInfo &info);
  /** compile(plan, contents: [offset, array, …]): Promise<NativeProgram> */
  Napi::Value compile(const Napi::CallbackInfo &info);

  std::shared_ptr<Executor> executor_;
  std::shared_ptr<Primitives> primitives_;
};

/** The state of one JavaScript environment. */
struct AddonData {
  Napi::FunctionReference engineClass, programClass;
};

}  // namespace faceparse
