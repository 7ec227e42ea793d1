#pragma once

#include <napi.h>

#include <atomic>
#include <memory>
#include <vector>

#include "executor.h"
#include "memory-block.h"
#include "step.h"

namespace faceparse {

using Steps = std::vector<std::unique_ptr<Step>>;

/** One entry of a plan: the steps of a run. */
struct Entry {
  Steps steps;
  /** Seconds per step while profiling, and the number of profiled runs. */
  std::vector<double> seconds;
  int64_t profiledRuns = 0;
};

/** Memory and steps of one plan; shared by the JavaScript object and the running tasks. */
class ProgramData {
 public:
  ProgramData(const Napi::Object &plan, const Primitives &primitives);

  void prepare();
  void runOnce(size_t entry);

  MemoryBlock memory;
  std::atomic<bool> profiling{false};
  std::vector<Entry> entries;

 private:
  static Steps readSteps(const Napi::Value &list, const MemoryBlock &memory, const Primitives &primitives);
  static std::vector<Entry> readEntries(const Napi::Value &lists, const MemoryBlock &memory, const Primitives &primitives);

  /** Steps to run once, after the constants are written. */
  Steps initial_;
};

/** The JavaScript side of a program. The caller ensures that calls do not overlap. */
class NativeProgram : public Napi::ObjectWrap<NativeProgram> {
 public:
  static Napi::Function define(Napi::Env env);
  explicit NativeProgram(const Napi::CallbackInfo &info);

  void attach(std::shared_ptr<Executor> executor, std::shared_ptr<ProgramData> data);

 private:
  /** run(entry, inputs: [offset, array, …], outputs: [offset, array, …]): Promise<void> */
  Napi::Value run(const Napi::CallbackInfo &info);
  /** read(offset, array): void */
  Napi::Value read(const Napi::CallbackInfo &info);
  /** write(offset, array): void */
  Napi::Value write(const Napi::CallbackInfo &info);
  /** profile(on): { seconds: Float64Array, runs: number }[], the measurements so far by entry */
  Napi::Value profile(const Napi::CallbackInfo &info);
  Napi::Value dispose(const Napi::CallbackInfo &info);

  ProgramData &data(Napi::Env env) const;

  std::shared_ptr<Executor> executor_;
  std::shared_ptr<ProgramData> data_;
  bool running_ = false;
};

}  // namespace faceparse
