#include "engine.h"

#include <dnnl.h>

#include <algorithm>
#include <chrono>
#include <cstring>
#include <vector>

#include "program.h"

namespace faceparse {

namespace {

constexpr double mostThreads = 1024;

Napi::Object objectArgument(const Napi::CallbackInfo &info, size_t index) {
  if (info.Length() <= index || !info[index].IsObject()) throw Napi::TypeError::New(info.Env(), "native engine: an object is wanted");
  return info[index].As<Napi::Object>();
}

}  // namespace

Napi::Function NativeEngine::define(Napi::Env env) {
  return DefineClass(env, "NativeEngine", {InstanceMethod("sgemmPeak", &NativeEngine::sgemmPeak)});
}

NativeEngine::NativeEngine(const Napi::CallbackInfo &info) : ObjectWrap(info) {
  const double threads = info[0].IsNumber() ? info[0].As<Napi::Number>().DoubleValue() : 0;
  if (!(threads >= 1 && threads <= mostThreads)) throw Napi::RangeError::New(info.Env(), "native engine: the number of threads must be from 1 to 1024");
  executor_ = std::make_shared<Executor>(info.Env(), static_cast<int>(threads));
}

Napi::Value NativeEngine::sgemmPeak(const Napi::CallbackInfo &info) {
  const auto size = std::clamp<int64_t>(info[0].IsNumber() ? info[0].As<Napi::Number>().Int64Value() : 1024, 16, 4096);
  auto best = std::make_shared<double>(0);
  return executor_->post(
      info.Env(),
      [size, best] {
        const std::vector<float> a(size * size, 0.5f), b(size * size, 0.25f);
        std::vector<float> c(size * size);
        for (int i = 0; i < 8; i++) {
          const auto start = std::chrono::steady_clock::now();
          dnnl_sgemm('N', 'N', size, size, size, 1, a.data(), size, b.data(), size, 0, c.data(), size);
          const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
          *best = std::max(*best, 2e-9 * double(size) * double(size) * double(size) / seconds);
        }
      },
      [best](Napi::Env env) -> Napi::Value { return Napi::Number::New(env, *best); });
}

Napi::Function PlanBuilder::define(Napi::Env env) {
  return DefineClass(env, "PlanBuilder",
                     {InstanceMethod("convolution", &PlanBuilder::convolution), InstanceMethod("matrixProduct", &PlanBuilder::matrixProduct),
                      InstanceMethod("workspace", &PlanBuilder::workspace), InstanceMethod("compile", &PlanBuilder::compile)});
}

PlanBuilder::PlanBuilder(const Napi::CallbackInfo &info) : ObjectWrap(info) {
  const Napi::Object engine = objectArgument(info, 0);
  if (!engine.InstanceOf(info.Env().GetInstanceData<AddonData>()->engineClass.Value())) {
    throw Napi::TypeError::New(info.Env(), "native engine: a NativeEngine is wanted");
  }
  executor_ = NativeEngine::Unwrap(engine)->executor();
  primitives_ = std::make_shared<Primitives>(executor_->threads());
}

Napi::Value PlanBuilder::convolution(const Napi::CallbackInfo &info) { return primitives_->addConvolution(objectArgument(info, 0)); }

Napi::Value PlanBuilder::matrixProduct(const Napi::CallbackInfo &info) { return primitives_->addMatrixProduct(objectArgument(info, 0)); }

Napi::Value PlanBuilder::workspace(const Napi::CallbackInfo &info) {
  const ThreadCount count(executor_->threads());
  return Napi::Number::New(info.Env(), static_cast<double>(workspaceBytes(objectArgument(info, 0))));
}

Napi::Value PlanBuilder::compile(const Napi::CallbackInfo &info) {
  const Napi::Env env = info.Env();
  std::shared_ptr<ProgramData> data;
  try {
    data = std::make_shared<ProgramData>(objectArgument(info, 0), *primitives_);
  } catch (const Napi::Error &) {
    throw;
  } catch (const std::exception &error) {
    throw Napi::Error::New(env, std::string("native engine: ") + error.what());
  }
  const auto contents = objectArgument(info, 1).As<Napi::Array>();
  for (uint32_t i = 0; i + 1 < contents.Length(); i += 2) {
    const Napi::HandleScope scope(env);
    const Napi::Value value = contents.Get(i + 1);
    if (!value.IsTypedArray()) throw Napi::TypeError::New(env, "native engine: a typed array is wanted");
    const auto array = value.As<Napi::TypedArray>();
    const auto offset = contents.Get(i).ToNumber().Int64Value();
    if (offset < 0 || static_cast<size_t>(offset) + array.ByteLength() > data->memory.bytes()) {
      throw Napi::RangeError::New(env, "native engine: a constant lies outside of the program's memory");
    }
    if (array.ByteLength() > 0) {
      std::memcpy(data->memory.data() + offset, static_cast<char *>(array.ArrayBuffer().Data()) + array.ByteOffset(), array.ByteLength());
    }
  }
  auto executor = executor_;
  return executor->post(
      env, [data] { data->prepare(); },
      [data, executor](Napi::Env env) -> Napi::Value {
        const Napi::Object program = env.GetInstanceData<AddonData>()->programClass.New({});
        NativeProgram::Unwrap(program)->attach(executor, data);
        return program;
      });
}

}  // namespace faceparse
