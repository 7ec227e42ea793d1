// Reads the arguments of the functions that work on typed arrays, for any caller: nothing is used before it is checked.
#pragma once

#include <napi.h>

#include <cmath>
#include <cstdint>
#include <string>
#include <vector>

namespace faceparse {

/** A typed array's elements, which may be shared with other threads. */
template <typename Element>
struct Elements {
  Element *data;
  int64_t count;
};

template <typename Element>
struct ElementKind;
template <>
struct ElementKind<uint8_t> {
  static constexpr napi_typedarray_type type = napi_uint8_array;
  static constexpr const char *name = "a Uint8Array";
};
template <>
struct ElementKind<int32_t> {
  static constexpr napi_typedarray_type type = napi_int32_array;
  static constexpr const char *name = "an Int32Array";
};
template <>
struct ElementKind<float> {
  static constexpr napi_typedarray_type type = napi_float32_array;
  static constexpr const char *name = "a Float32Array";
};
template <>
struct ElementKind<double> {
  static constexpr napi_typedarray_type type = napi_float64_array;
  static constexpr const char *name = "a Float64Array";
};

/** Reads the arguments of a function in order; any fault is an error that names function and argument. */
class Arguments {
 public:
  Arguments(const Napi::CallbackInfo &info, const char *function) : info_(info), function_(function) {}

  template <typename Element>
  Elements<Element> array(const char *name) {
    const Napi::Value value = next();
    Elements<Element> elements{};
    if (!tryArray(value, elements)) throw Napi::TypeError::New(info_.Env(), where(name) + "must be " + ElementKind<Element>::name + ".");
    return elements;
  }

  /** Whether the next argument is such an array; if so, it is consumed. */
  template <typename Element>
  bool optionalArray(Elements<Element> &elements) {
    if (!tryArray(info_[index_], elements)) return false;
    index_++;
    return true;
  }

  /** A copy: others could change shared numbers between test and use. */
  template <typename Element>
  std::vector<Element> copy(const char *name, int64_t least, int64_t most) {
    const auto elements = array<Element>(name);
    if (elements.count < least || elements.count > most) {
      throw Napi::RangeError::New(info_.Env(), where(name) + "has " + std::to_string(elements.count) + " numbers, but must have from " +
                                                   std::to_string(least) + " to " + std::to_string(most) + ".");
    }
    return std::vector<Element>(elements.data, elements.data + elements.count);
  }

  std::vector<double> finiteNumbers(const char *name, int64_t least, int64_t most, double largest) {
    auto numbers = copy<double>(name, least, most);
    for (const double number : numbers) {
      if (!(std::fabs(number) <= largest)) throw Napi::RangeError::New(info_.Env(), where(name) + "holds " + std::to_string(number) + ".");
    }
    return numbers;
  }

  int64_t integer(const char *name, int64_t least, int64_t most) {
    const Napi::Value value = next();
    const double number = value.IsNumber() ? value.As<Napi::Number>().DoubleValue() : NAN;
    if (!(number >= static_cast<double>(least) && number <= static_cast<double>(most) && number == std::floor(number))) {
      throw Napi::RangeError::New(info_.Env(), where(name) + "must be a whole number from " + std::to_string(least) + " to " +
                                                   std::to_string(most) + (value.IsNumber() ? ", not " + std::to_string(number) : "") + ".");
    }
    return static_cast<int64_t>(number);
  }

  bool flag(const char *name) {
    const Napi::Value value = next();
    if (!value.IsBoolean()) throw Napi::TypeError::New(info_.Env(), where(name) + "must be true or false.");
    return value.As<Napi::Boolean>().Value();
  }

  void needRoom(const char *name, int64_t count, int64_t offset, int64_t needed) const {
    if (offset <= count && needed <= count - offset) return;
    throw Napi::RangeError::New(info_.Env(), where(name) + "holds " + std::to_string(count) + " values, but must hold " +
                                                 std::to_string(needed) + " from " + std::to_string(offset) + " on.");
  }

  [[noreturn]] void fail(const std::string &what) const { throw Napi::RangeError::New(info_.Env(), std::string(function_) + ": " + what); }

 private:
  Napi::Value next() { return info_[index_++]; }

  std::string where(const char *name) const { return std::string(function_) + ": \"" + name + "\" "; }

  template <typename Element>
  bool tryArray(const Napi::Value &value, Elements<Element> &elements) const {
    if (!value.IsTypedArray()) return false;
    napi_typedarray_type type;
    size_t length = 0;
    void *data = nullptr;
    // Also for a view of a SharedArrayBuffer, which has no Napi::ArrayBuffer.
    if (napi_get_typedarray_info(info_.Env(), value, &type, &length, &data, nullptr, nullptr) != napi_ok) return false;
    if (type != ElementKind<Element>::type) return false;
    elements = {static_cast<Element *>(data), static_cast<int64_t>(length)};
    return true;
  }

  const Napi::CallbackInfo &info_;
  const char *function_;
  size_t index_ = 0;
};

}  // namespace faceparse
