#include "plan-reader.h"

#include <cmath>

namespace faceparse {

namespace {

constexpr double largestInteger = 9007199254740991.0;

}  // namespace

PlanReader::PlanReader(const Napi::Object &step, const MemoryBlock &memory, std::string label)
    : step_(step), memory_(memory), label_(std::move(label)) {}

void PlanReader::fail(const std::string &what) const {
  throw Napi::Error::New(step_.Env(), "native engine, " + label_ + ": " + what);
}

Napi::Value PlanReader::value(const char *name) const {
  const Napi::Value value = step_.Get(name);
  if (value.IsUndefined()) fail(std::string("the field '") + name + "' is missing");
  return value;
}

bool PlanReader::has(const char *name) const { return !step_.Get(name).IsUndefined(); }

std::string PlanReader::text(const char *name) const {
  const Napi::Value found = value(name);
  if (!found.IsString()) fail(std::string("the field '") + name + "' is no text");
  return found.As<Napi::String>().Utf8Value();
}

namespace {

bool toInteger(const Napi::Value &value, int64_t *result) {
  if (!value.IsNumber()) return false;
  const double number = value.As<Napi::Number>().DoubleValue();
  if (!(std::fabs(number) <= largestInteger) || number != std::floor(number)) return false;
  *result = static_cast<int64_t>(number);
  return true;
}

}  // namespace

int64_t PlanReader::integer(const char *name, int64_t least) const {
  int64_t result;
  if (!toInteger(value(name), &result) || result < least) {
    fail(std::string("the field '") + name + "' is no whole number from " + std::to_string(least));
  }
  return result;
}

float PlanReader::number(const char *name) const {
  const Napi::Value found = value(name);
  if (!found.IsNumber()) fail(std::string("the field '") + name + "' is no number");
  return found.As<Napi::Number>().FloatValue();
}

bool PlanReader::flag(const char *name) const {
  const Napi::Value found = step_.Get(name);
  return found.IsBoolean() && found.As<Napi::Boolean>().Value();
}

std::vector<int64_t> PlanReader::integers(const char *name) const {
  const Napi::Value found = value(name);
  if (!found.IsArray()) fail(std::string("the field '") + name + "' is no list");
  const auto list = found.As<Napi::Array>();
  std::vector<int64_t> result(list.Length());
  for (uint32_t i = 0; i < list.Length(); i++) {
    if (!toInteger(list.Get(i), &result[i])) fail(std::string("the field '") + name + "' holds what is no whole number");
  }
  return result;
}

std::vector<float> PlanReader::numbers(const char *name) const {
  const Napi::Value found = value(name);
  if (!found.IsArray()) fail(std::string("the field '") + name + "' is no list");
  const auto list = found.As<Napi::Array>();
  std::vector<float> result(list.Length());
  for (uint32_t i = 0; i < list.Length(); i++) {
    const Napi::Value item = list.Get(i);
    if (!item.IsNumber()) fail(std::string("the field '") + name + "' holds what is no number");
    result[i] = item.As<Napi::Number>().FloatValue();
  }
  return result;
}

Activation PlanReader::activation(const char *name) const {
  const std::string kind = text(name);
  for (int32_t i = 0; i < activationCount; i++) {
    if (kind == activationNames[i]) return static_cast<Activation>(i);
  }
  fail("the activation '" + kind + "' is unknown");
}

void *PlanReader::memoryAt(int64_t offset, int64_t bytes, const char *name) const {
  const auto size = static_cast<int64_t>(memory_.bytes());
  if (offset < 0 || offset % 4 != 0 || bytes < 0 || offset > size || bytes > size - offset) {
    fail(std::string("'") + name + "' takes " + std::to_string(bytes) + " bytes at " + std::to_string(offset) +
         ", outside of the program's " + std::to_string(size));
  }
  return memory_.data() + offset;
}

void *PlanReader::memory(const char *name, int64_t bytes) const { return memoryAt(integer(name), bytes, name); }

FeatureMap PlanReader::mapOf(const Napi::Value &found, const char *name) const {
  const auto wrong = [&] { fail(std::string("the field '") + name + "' is no feature map"); };
  if (!found.IsArray()) wrong();
  const auto list = found.As<Napi::Array>();
  int64_t fields[7];
  if (list.Length() != 7) wrong();
  for (uint32_t i = 0; i < 7; i++) {
    if (!toInteger(list.Get(i), &fields[i])) wrong();
    // Products of these stay far from the limit of 64 bits.
    if (fields[i] < (i == 0 ? 0 : 1) || (i > 0 && fields[i] > int64_t{1} << 40)) wrong();
  }
  FeatureMap map;
  map.images = fields[1];
  map.channels = fields[2];
  map.height = fields[3];
  map.width = fields[4];
  map.block = fields[5];
  map.imageStride = fields[6];
  if (map.block != 1 && map.block != 8 && map.block != 16) wrong();
  const double own = double(map.blocks()) * double(map.height) * double(map.width) * double(map.block);
  const double all = double(map.images - 1) * double(map.imageStride) + own;
  if (double(map.imageStride) < own || all > 1e12) wrong();
  map.data = static_cast<float *>(memoryAt(fields[0], static_cast<int64_t>(all) * 4, name));
  return map;
}

FeatureMap PlanReader::map(const char *name) const { return mapOf(value(name), name); }

FeatureMap PlanReader::optionalMap(const char *name) const { return has(name) ? map(name) : FeatureMap{}; }

std::vector<FeatureMap> PlanReader::maps(const char *name) const {
  const Napi::Value found = value(name);
  if (!found.IsArray()) fail(std::string("the field '") + name + "' is no list");
  const auto list = found.As<Napi::Array>();
  std::vector<FeatureMap> result;
  for (uint32_t i = 0; i < list.Length(); i++) result.push_back(mapOf(list.Get(i), name));
  return result;
}

}  // namespace faceparse
