#include "augmentation-binding.h"

#include <cmath>
#include <cstring>
#include <string>
#include <vector>

namespace faceparse {

Source readSource(Arguments &arguments, const char *name, int64_t channels) {
  const auto data = arguments.array<uint8_t>(name);
  const int64_t width = arguments.integer("width", 1, mostPixels);
  const int64_t height = arguments.integer("height", 1, mostPixels);
  if (width * height > mostPixels) arguments.fail("an image of " + std::to_string(width) + "×" + std::to_string(height) + " is too large");
  arguments.needRoom(name, data.count, 0, width * height * channels);
  return {data, static_cast<int32_t>(width), static_cast<int32_t>(height)};
}

namespace {

constexpr int64_t mostSide = 1 << 14;
constexpr double largestNumber = 1e30;

/** All sampled positions must stay within a safe range. */
Places readPlaces(const Arguments &arguments, const std::vector<double> &numbers, int64_t size) {
  const Places places{numbers[0], numbers[1], numbers[2], numbers[3], numbers[4], numbers[5]};
  // Processing continues slightly past the last row and column.
  const auto reach = static_cast<double>(size + 64);
  const double x = (std::fabs(places.ax) + std::fabs(places.bx)) * reach + std::fabs(places.cx);
  const double y = (std::fabs(places.ay) + std::fabs(places.by)) * reach + std::fabs(places.cy);
  if (!(x < farthestPlace && y < farthestPlace)) arguments.fail("the warp leads too far from the image");
  return places;
}

void warpPhoto(Arguments &arguments) { selectAugmentationKernels().warpPhoto(readPhotoWarp(arguments)); }

template <typename Label>
LabelWarp<Label> readLabelWarp(Arguments &arguments, const Source &source, const std::vector<double> &numbers, bool mirrored,
                               const std::vector<uint8_t> &relabel, int64_t outside, int64_t size, const Elements<Label> &out) {
  const int64_t offset = arguments.integer("offset", 0, out.count);
  arguments.needRoom("out", out.count, offset, size * size);
  LabelWarp<Label> warp{};
  warp.map = source.data.data;
  warp.width = source.width;
  warp.height = source.height;
  warp.place = readPlaces(arguments, numbers, size);
  warp.mirrored = mirrored;
  warp.relabel = relabel.data();
  warp.outside = static_cast<Label>(outside);
  warp.size = static_cast<int32_t>(size);
  warp.out = out.data + offset;
  return warp;
}

void warpLabels(Arguments &arguments) {
  const Source source = readSource(arguments, "map", 1);
  const auto numbers = arguments.finiteNumbers("places", 6, 6, largestNumber);
  const bool mirrored = arguments.flag("mirrored");
  const auto relabel = arguments.copy<uint8_t>("relabel", 256, 256);
  const int64_t outside = arguments.integer("outside", 0, 255);
  const int64_t size = arguments.integer("size", 1, mostSide);
  Elements<uint8_t> bytes{};
  if (arguments.optionalArray(bytes)) {
    selectAugmentationKernels().warpToBytes(readLabelWarp(arguments, source, numbers, mirrored, relabel, outside, size, bytes));
  } else {
    const auto out = arguments.array<int32_t>("out");
    selectAugmentationKernels().warpToIntegers(readLabelWarp(arguments, source, numbers, mirrored, relabel, outside, size, out));
  }
}

void blurPlanes(Arguments &arguments) {
  const auto planes = arguments.array<float>("planes");
  const int64_t offset = arguments.integer("offset", 0, planes.count);
  const int64_t size = arguments.integer("size", 1, mostSide);
  arguments.needRoom("planes", planes.count, offset, 3 * size * size);
  const auto kernel = arguments.copy<double>("kernel", 1, mostSide);
  const auto radius = static_cast<int64_t>(kernel.size()) - 1;
  std::vector<float> line(size + 2 * radius);
  std::vector<double> sums(size);
  std::vector<float> rows(blurredRows(size, radius) * size);
  selectAugmentationKernels().blurPlanes({planes.data + offset, static_cast<int32_t>(size), kernel.data(), static_cast<int32_t>(radius), line.data(),
                                     sums.data(), rows.data()});
}

void addNoise(Arguments &arguments) {
  const auto planes = arguments.array<float>("planes");
  const int64_t offset = arguments.integer("offset", 0, planes.count);
  const int64_t size = arguments.integer("size", 1, mostSide);
  arguments.needRoom("planes", planes.count, offset, 3 * size * size);
  const auto factors = arguments.finiteNumbers("factors", 3, 3, largestNumber);
  const auto state = arguments.array<int32_t>("state");
  arguments.needRoom("state", state.count, 0, 4);

  Noise noise{planes.data + offset, static_cast<int32_t>(size), {factors[0], factors[1], factors[2]}, {}};
  std::memcpy(noise.state, state.data, sizeof noise.state);
  selectAugmentationKernels().addNoise(noise);
  std::memcpy(state.data, noise.state, sizeof noise.state);
}

/** Other exceptions, such as failed allocations, become JavaScript errors through NODE_ADDON_API_CPP_EXCEPTIONS_ALL. */
Napi::Function functionOf(Napi::Env env, const char *name, void (*function)(Arguments &)) {
  return Napi::Function::New(env, [name, function](const Napi::CallbackInfo &info) {
    Arguments arguments(info, name);
    function(arguments);
  });
}

}  // namespace

PhotoWarp readPhotoWarp(Arguments &arguments) {
  const Source source = readSource(arguments, "photo", 3);
  const auto numbers = arguments.finiteNumbers("boxes", 8, 8, largestNumber);
  const bool mirrored = arguments.flag("mirrored");
  const auto color = arguments.finiteNumbers("color", 6, 18, largestNumber);
  const int64_t size = arguments.integer("size", 1, mostSide);
  const auto out = arguments.array<float>("out");
  const int64_t offset = arguments.integer("offset", 0, out.count);
  arguments.needRoom("out", out.count, offset, 3 * size * size);
  if (color.size() != 6 && color.size() != 18) arguments.fail("a colour matrix has 12 numbers");

  PhotoWarp warp{};
  warp.photo = source.data.data;
  warp.width = source.width;
  warp.height = source.height;
  warp.corner = readPlaces(arguments, numbers, size);
  warp.boxWidth = numbers[6];
  warp.boxHeight = numbers[7];
  if (!(warp.boxWidth >= 1 && warp.boxWidth < farthestPlace && warp.boxHeight >= 1 && warp.boxHeight < farthestPlace)) {
    arguments.fail("a box must measure at least one pixel, and be countable");
  }
  warp.mirrored = mirrored;
  warp.recolored = color.size() == 18;
  std::memcpy(warp.gain, color.data(), sizeof warp.gain);
  std::memcpy(warp.bias, color.data() + 3, sizeof warp.bias);
  if (warp.recolored) std::memcpy(warp.matrix, color.data() + 6, sizeof warp.matrix);
  warp.size = static_cast<int32_t>(size);
  warp.out = out.data + offset;
  return warp;
}

Napi::Object addonAugmentation(Napi::Env env) {
  const Napi::Object result = Napi::Object::New(env);
  result.Set("warpPhoto", functionOf(env, "warpPhoto", warpPhoto));
  result.Set("warpLabels", functionOf(env, "warpLabels", warpLabels));
  result.Set("blurPlanes", functionOf(env, "blurPlanes", blurPlanes));
  result.Set("addNoise", functionOf(env, "addNoise", addNoise));
  return result;
}

}  // namespace faceparse
