#include "pixel-binding.h"

#include <algorithm>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "arguments.h"
#include "pixel-kernels.h"

namespace faceparse {

namespace {

using Task = std::function<void()>;

/** Runs a task on one of libuv's threads and resolves a promise after it. Keeps the arrays of the call alive meanwhile. */
class Work : public Napi::AsyncWorker {
 public:
  Work(const Napi::CallbackInfo &info, Task task)
      : AsyncWorker(info.Env(), "faceparse pixels"), task_(std::move(task)), deferred_(Napi::Promise::Deferred::New(info.Env())) {
    for (size_t i = 0; i < info.Length(); i++) {
      if (info[i].IsTypedArray()) arrays_.push_back(Napi::Persistent(info[i].As<Napi::Object>()));
    }
  }

  Napi::Promise promise() const { return deferred_.Promise(); }

 protected:
  void Execute() override { task_(); }
  void OnOK() override { deferred_.Resolve(Env().Undefined()); }
  void OnError(const Napi::Error &error) override { deferred_.Reject(error.Value()); }

 private:
  const Task task_;
  const Napi::Promise::Deferred deferred_;
  std::vector<Napi::ObjectReference> arrays_;
};

constexpr int64_t mostClasses = 255;
constexpr int64_t mostGridSide = 1 << 14;
constexpr int64_t mostImageSide = 1 << 28;
/** Pixels of an image, and values of a grid. */
constexpr int64_t mostValues = int64_t{1} << 31;

Planes readPlanes(Arguments &arguments, const char *name) {
  const auto data = arguments.array<float>(name);
  const int64_t classes = arguments.integer("classes", 1, mostClasses);
  const int64_t height = arguments.integer("height", 1, mostGridSide);
  const int64_t width = arguments.integer("width", 1, mostGridSide);
  if (classes * height * width > mostValues) arguments.fail("the grid is too large");
  arguments.needRoom(name, data.count, 0, classes * height * width);
  return {data.data, static_cast<int32_t>(classes), static_cast<int32_t>(height), static_cast<int32_t>(width)};
}

/** A copy of taps: others could change them between test and use. */
struct OwnTaps {
  std::vector<int32_t> low;
  std::vector<double> fraction;

  Taps taps(int32_t spare = 0) const {
    return {low.data(), fraction.data(), static_cast<int32_t>(fraction.size()) - spare};
  }
};

/** @param spare zeros after the fractions */
OwnTaps readTaps(Arguments &arguments, const char *low, const char *fraction, int32_t extent, int32_t spare = 0) {
  OwnTaps taps{arguments.copy<int32_t>(low, 1, mostImageSide), arguments.finiteNumbers(fraction, 1, mostImageSide, 1)};
  if (taps.low.size() != taps.fraction.size()) arguments.fail(std::string("\"") + low + "\" and \"" + fraction + "\" differ in length");
  for (const int32_t position : taps.low) {
    if (position < 0 || position >= extent) arguments.fail(std::string("\"") + low + "\" leads to " + std::to_string(position) + ", outside of the grid");
  }
  for (const double part : taps.fraction) {
    if (part < 0) arguments.fail(std::string("\"") + fraction + "\" holds " + std::to_string(part));
  }
  taps.fraction.resize(taps.fraction.size() + spare);
  return taps;
}

Task argmax(Arguments &arguments) {
  const Planes scores = readPlanes(arguments, "scores");
  auto rows = std::make_shared<const OwnTaps>(readTaps(arguments, "rows", "rowFractions", scores.height));
  auto columns = std::make_shared<const OwnTaps>(readTaps(arguments, "columns", "columnFractions", scores.width, argmaxStep));
  const auto labels = arguments.array<uint8_t>("labels");
  const auto pixels = arguments.array<double>("pixels");
  const Taps rowTaps = rows->taps(), columnTaps = columns->taps(argmaxStep);
  arguments.needRoom("labels", labels.count, 0, int64_t(rowTaps.count) * columnTaps.count);
  arguments.needRoom("pixels", pixels.count, 0, 256);
  return [=, kept = std::make_pair(rows, columns)] {
    const int64_t points = int64_t(scores.height) * scores.width;
    std::vector<uint8_t> ids(2 * points);
    std::vector<float> numbers(points + argmaxNumbers(scores));
    float margin = 0;
    double counts[256] = {};
    selectPixelKernels().argmax({scores, rowTaps, columnTaps, ids.data(), ids.data() + points, numbers.data(), numbers.data() + points, &margin,
                                 labels.data, counts});
    std::copy(counts, counts + 256, pixels.data);
  };
}

/** Faults of the arguments are thrown at once, before anything is done. */
Napi::Function functionOf(Napi::Env env, const char *name, Task (*read)(Arguments &)) {
  return Napi::Function::New(env, [name, read](const Napi::CallbackInfo &info) -> Napi::Value {
    Arguments arguments(info, name);
    auto work = std::make_unique<Work>(info, read(arguments));
    const Napi::Promise promise = work->promise();
    work->Queue();
    // It deletes itself when it is done.
    work.release();
    return promise;
  });
}

}  // namespace

Napi::Object addonPixels(Napi::Env env) {
  const Napi::Object result = Napi::Object::New(env);
  result.Set("argmax", functionOf(env, "argmax", argmax));
  return result;
}

}  // namespace faceparse
