#include "program.h"

#include <algorithm>
#include <chrono>
#include <cstring>

#include "onednn.h"

namespace faceparse {

namespace {

constexpr double largestProgram = 1e12;

size_t planBytes(const Napi::Object &plan) {
  const Napi::Value bytes = plan.Get("bytes");
  const double value = bytes.IsNumber() ? bytes.As<Napi::Number>().DoubleValue() : -1;
  if (!(value >= 0 && value <= largestProgram)) throw Napi::Error::New(plan.Env(), "native engine: the plan does not say how many bytes it takes");
  return static_cast<size_t>(value);
}

/** The bytes of a typed array. */
struct Bytes {
  char *data;
  size_t size;
};

Bytes bytesOf(const Napi::Value &value) {
  if (!value.IsTypedArray()) throw Napi::TypeError::New(value.Env(), "native engine: a typed array is wanted");
  const auto array = value.As<Napi::TypedArray>();
  void *data = nullptr;
  size_t length = 0;
  // The view's own pointer, because unlike its ArrayBuffer it also exists for shared memory.
  napi_get_typedarray_info(value.Env(), array, nullptr, &length, &data, nullptr, nullptr);
  return {static_cast<char *>(data), array.ByteLength()};
}

char *place(const MemoryBlock &memory, const Napi::Value &offset, size_t bytes) {
  const double value = offset.IsNumber() ? offset.As<Napi::Number>().DoubleValue() : -1;
  if (!(value >= 0) || value + static_cast<double>(bytes) > static_cast<double>(memory.bytes())) {
    throw Napi::RangeError::New(offset.Env(), "native engine: an array lies outside of the program's memory");
  }
  return memory.data() + static_cast<size_t>(value);
}

}  // namespace

ProgramData::ProgramData(const Napi::Object &plan, const Primitives &primitives)
    : memory(planBytes(plan)),
      entries(readEntries(plan.Get("entries"), memory, primitives)),
      initial_(readSteps(plan.Get("initial"), memory, primitives)) {}

std::vector<Entry> ProgramData::readEntries(const Napi::Value &value, const MemoryBlock &memory, const Primitives &primitives) {
  if (!value.IsArray()) throw Napi::Error::New(value.Env(), "native engine: a plan wants a list of entries");
  const auto list = value.As<Napi::Array>();
  std::vector<Entry> entries(list.Length());
  for (uint32_t i = 0; i < list.Length(); i++) {
    entries[i].steps = readSteps(list.Get(i), memory, primitives);
    entries[i].seconds.assign(entries[i].steps.size(), 0);
  }
  return entries;
}

Steps ProgramData::readSteps(const Napi::Value &value, const MemoryBlock &memory, const Primitives &primitives) {
  if (!value.IsArray()) throw Napi::Error::New(value.Env(), "native engine: a plan wants lists of steps");
  const auto list = value.As<Napi::Array>();
  Steps steps;
  steps.reserve(list.Length());
  for (uint32_t i = 0; i < list.Length(); i++) {
    const Napi::HandleScope scope(value.Env());
    const Napi::Value item = list.Get(i);
    if (!item.IsObject()) throw Napi::Error::New(value.Env(), "native engine: step " + std::to_string(i) + " is no object");
    const PlanReader named(item.As<Napi::Object>(), memory, "step " + std::to_string(i));
    const PlanReader reader(item.As<Napi::Object>(), memory, named.text("label"));
    const std::string kind = reader.text("kind");
    std::unique_ptr<Step> step = makeKernelStep(kind, reader);
    if (!step) step = makeOneDnnStep(kind, reader, primitives);
    if (!step) reader.fail("the kind of step '" + kind + "' is unknown");
    steps.push_back(std::move(step));
  }
  return steps;
}

void ProgramData::prepare() {
  for (const auto &step : initial_) step->prepare();
  for (const auto &entry : entries) {
    for (const auto &step : entry.steps) step->prepare();
  }
  for (const auto &step : initial_) step->run();
  initial_.clear();
}

void ProgramData::runOnce(size_t number) {
  Entry &entry = entries[number];
  if (!profiling.load(std::memory_order_relaxed)) {
    for (const auto &step : entry.steps) step->run();
    return;
  }
  auto before = std::chrono::steady_clock::now();
  for (size_t i = 0; i < entry.steps.size(); i++) {
    entry.steps[i]->run();
    const auto now = std::chrono::steady_clock::now();
    entry.seconds[i] += std::chrono::duration<double>(now - before).count();
    before = now;
  }
  entry.profiledRuns++;
}

Napi::Function NativeProgram::define(Napi::Env env) {
  return DefineClass(env, "NativeProgram",
                     {InstanceMethod("run", &NativeProgram::run), InstanceMethod("read", &NativeProgram::read),
                      InstanceMethod("write", &NativeProgram::write), InstanceMethod("profile", &NativeProgram::profile),
                      InstanceMethod("dispose", &NativeProgram::dispose)});
}

NativeProgram::NativeProgram(const Napi::CallbackInfo &info) : ObjectWrap(info) {}

void NativeProgram::attach(std::shared_ptr<Executor> executor, std::shared_ptr<ProgramData> data) {
  executor_ = std::move(executor);
  data_ = std::move(data);
}

ProgramData &NativeProgram::data(Napi::Env env) const {
  if (!data_) throw Napi::Error::New(env, "native engine: the program has been disposed of");
  if (running_) throw Napi::Error::New(env, "native engine: the program is running");
  return *data_;
}

Napi::Value NativeProgram::run(const Napi::CallbackInfo &info) {
  const Napi::Env env = info.Env();
  ProgramData &program = data(env);
  if (info.Length() != 3 || !info[0].IsNumber() || !info[1].IsArray() || !info[2].IsArray()) {
    throw Napi::TypeError::New(env, "native engine: run wants the number of an entry and two lists");
  }
  const double number = info[0].As<Napi::Number>().DoubleValue();
  const auto entry = static_cast<size_t>(number >= 0 && number < static_cast<double>(program.entries.size()) ? number : program.entries.size());
  if (entry >= program.entries.size() || static_cast<double>(entry) != number) {
    throw Napi::RangeError::New(env, "native engine: the program has " + std::to_string(program.entries.size()) + " entries, but not that one");
  }
  const auto inputs = info[1].As<Napi::Array>();
  for (uint32_t i = 0; i + 1 < inputs.Length(); i += 2) {
    const Bytes bytes = bytesOf(inputs.Get(i + 1));
    if (bytes.size > 0) std::memcpy(place(program.memory, inputs.Get(i), bytes.size), bytes.data, bytes.size);
  }
  auto outputs = std::make_shared<Napi::ObjectReference>(Napi::Persistent(info[2].As<Napi::Object>()));
  running_ = true;
  Ref();
  auto shared = data_;
  return executor_->post(
      env, [shared, entry] { shared->runOnce(entry); },
      [shared, outputs](Napi::Env env) -> Napi::Value {
        const auto list = outputs->Value().As<Napi::Array>();
        for (uint32_t i = 0; i + 1 < list.Length(); i += 2) {
          const Bytes bytes = bytesOf(list.Get(i + 1));
          if (bytes.size > 0) std::memcpy(bytes.data, place(shared->memory, list.Get(i), bytes.size), bytes.size);
        }
        return env.Undefined();
      },
      [this] {
        running_ = false;
        Unref();
      });
}

Napi::Value NativeProgram::read(const Napi::CallbackInfo &info) {
  const Bytes bytes = bytesOf(info[1]);
  const char *from = place(data(info.Env()).memory, info[0], bytes.size);
  if (bytes.size > 0) std::memcpy(bytes.data, from, bytes.size);
  return info.Env().Undefined();
}

Napi::Value NativeProgram::write(const Napi::CallbackInfo &info) {
  const Bytes bytes = bytesOf(info[1]);
  char *to = place(data(info.Env()).memory, info[0], bytes.size);
  if (bytes.size > 0) std::memcpy(to, bytes.data, bytes.size);
  return info.Env().Undefined();
}

Napi::Value NativeProgram::profile(const Napi::CallbackInfo &info) {
  const Napi::Env env = info.Env();
  ProgramData &program = data(env);
  const Napi::Array results = Napi::Array::New(env, program.entries.size());
  for (uint32_t i = 0; i < program.entries.size(); i++) {
    Entry &entry = program.entries[i];
    auto seconds = Napi::Float64Array::New(env, entry.seconds.size());
    std::copy(entry.seconds.begin(), entry.seconds.end(), seconds.Data());
    std::fill(entry.seconds.begin(), entry.seconds.end(), 0);
    const Napi::Object result = Napi::Object::New(env);
    result.Set("seconds", seconds);
    result.Set("runs", static_cast<double>(entry.profiledRuns));
    results.Set(i, result);
    entry.profiledRuns = 0;
  }
  program.profiling = info[0].ToBoolean().Value();
  return results;
}

Napi::Value NativeProgram::dispose(const Napi::CallbackInfo &info) {
  if (running_) throw Napi::Error::New(info.Env(), "native engine: the program is running");
  data_.reset();
  return info.Env().Undefined();
}

}  // namespace faceparse
