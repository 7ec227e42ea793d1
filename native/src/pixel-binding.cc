#include "pixel-binding.h"

#include <algorithm>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "augmentation-binding.h"
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

Task addProbabilities(Arguments &arguments) {
  const Planes scores = readPlanes(arguments, "scores");
  auto rows = std::make_shared<const OwnTaps>(readTaps(arguments, "rows", "rowFractions", scores.height));
  auto columns = std::make_shared<const OwnTaps>(readTaps(arguments, "columns", "columnFractions", scores.width));
  auto targets = std::make_shared<const std::vector<uint8_t>>(arguments.copy<uint8_t>("targets", scores.classes, scores.classes));
  for (const uint8_t target : *targets) {
    if (target >= scores.classes) arguments.fail("\"targets\" holds " + std::to_string(target));
  }
  const bool mirrored = arguments.flag("mirrored");
  const auto sums = arguments.array<float>("sums");
  const Taps rowTaps = rows->taps(), columnTaps = columns->taps();
  arguments.needRoom("sums", sums.count, 0, int64_t(scores.classes) * rowTaps.count * columnTaps.count);
  return [=, kept = std::make_pair(rows, columns)] {
    std::vector<float> numbers(probabilityNumbers(scores, columnTaps.count));
    selectPixelKernels().addProbabilities({scores, rowTaps, columnTaps, targets->data(), mirrored, sums.data, numbers.data()});
  };
}

Task meanLogarithms(Arguments &arguments) {
  const auto sums = arguments.array<float>("sums");
  const auto views = static_cast<double>(arguments.integer("views", 1, 1 << 20));
  const double least = arguments.finiteNumbers("least", 1, 1, 1)[0];
  // The logarithm takes normal numbers only.
  if (least < 1.2e-38) arguments.fail("\"least\" holds " + std::to_string(least));
  const auto out = arguments.array<float>("out");
  arguments.needRoom("out", out.count, 0, sums.count);
  return [=] { selectPixelKernels().meanLogarithms(sums.data, sums.count, views, least, out.data); };
}

struct OwnSourceTaps {
  std::vector<int32_t> starts, counts;
  std::vector<double> weights;

  SourceTaps taps() const {
    const auto length = static_cast<int64_t>(starts.size());
    return {starts.data(), counts.data(), weights.data(), static_cast<int64_t>(weights.size()) / length, static_cast<int32_t>(length)};
  }
};

OwnSourceTaps readSourceTaps(Arguments &arguments, int64_t extent, int64_t size) {
  OwnSourceTaps taps{arguments.copy<int32_t>("starts", 1, size), arguments.copy<int32_t>("counts", 1, size),
                     arguments.finiteNumbers("weights", 1, mostValues, 1)};
  const size_t length = taps.starts.size();
  const auto stride = static_cast<int64_t>(taps.weights.size() / length);
  if (taps.counts.size() != length || taps.weights.size() % length != 0) arguments.fail("\"starts\", \"counts\" and \"weights\" do not match");
  for (size_t i = 0; i < length; i++) {
    const int64_t start = taps.starts[i], count = taps.counts[i];
    if (start < 0 || count < 1 || count > stride || start + count > extent) {
      arguments.fail(std::to_string(count) + " source pixels from " + std::to_string(start) + " are outside of the photo");
    }
  }
  for (const double weight : taps.weights) {
    if (weight < 0) arguments.fail("\"weights\" holds " + std::to_string(weight));
  }
  return taps;
}

Task photoToInput(Arguments &arguments) {
  const Source photo = readSource(arguments, "photo", 3);
  const int64_t size = arguments.integer("size", 1, mostGridSide);
  auto across = std::make_shared<const OwnSourceTaps>(readSourceTaps(arguments, photo.width, size));
  auto down = std::make_shared<const OwnSourceTaps>(readSourceTaps(arguments, photo.height, size));
  const double area = arguments.finiteNumbers("area", 1, 1, 1e12)[0];
  if (area < 1) arguments.fail("\"area\" holds " + std::to_string(area));
  const SourceTaps acrossTaps = across->taps(), downTaps = down->taps();
  const int64_t x = arguments.integer("x", 0, size - acrossTaps.length);
  const int64_t y = arguments.integer("y", 0, size - downTaps.length);
  const int64_t padding = arguments.integer("padding", 0, 255);
  auto tables = std::make_shared<const std::vector<float>>(arguments.copy<float>("tables", 768, 768));
  const auto out = arguments.array<float>("out");
  arguments.needRoom("out", out.count, 0, 3 * size * size);
  return [=, kept = std::make_pair(across, down)] {
    const int64_t row = int64_t(acrossTaps.length) * 3;
    std::vector<float> numbers(2 * (row + 1));
    std::vector<double> sums(row);
    std::vector<int32_t> bytes(row);
    selectPixelKernels().photoToInput({photo.data.data, photo.width, photo.height, acrossTaps, downTaps, area,
                                       static_cast<int32_t>(x), static_cast<int32_t>(y), static_cast<int32_t>(size), tables->data(),
                                       static_cast<uint8_t>(padding), out.data, numbers.data(), sums.data(), bytes.data()});
  };
}

Task drawBoxes(Arguments &arguments) {
  const PhotoWarp warp = readPhotoWarp(arguments);
  return [=] { selectAugmentationKernels().warpPhoto(warp); };
}

Task blockMeans(Arguments &arguments) {
  const Source photo = readSource(arguments, "photo", 3);
  const int64_t factor = arguments.integer("factor", 1, std::min<int64_t>(std::min(photo.width, photo.height), mostBlock));
  const auto out = arguments.array<uint8_t>("out");
  arguments.needRoom("out", out.count, 0, (photo.width / factor) * (photo.height / factor) * 3);
  return [=] {
    std::vector<uint32_t> sums(int64_t(photo.width) * 3);
    selectPixelKernels().blockMeans({photo.data.data, photo.width, photo.height, static_cast<int32_t>(factor), sums.data(), out.data});
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
  result.Set("addProbabilities", functionOf(env, "addProbabilities", addProbabilities));
  result.Set("meanLogarithms", functionOf(env, "meanLogarithms", meanLogarithms));
  result.Set("drawBoxes", functionOf(env, "drawBoxes", drawBoxes));
  result.Set("blockMeans", functionOf(env, "blockMeans", blockMeans));
  result.Set("photoToInput", functionOf(env, "photoToInput", photoToInput));
  return result;
}

}  // namespace faceparse
