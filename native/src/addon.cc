// Entry of the add-on: classes and facts that src/native-addon/addon.ts describes.
#include <napi.h>

#include <dnnl.h>

#include <iterator>
#include <vector>

#include "engine.h"
#include "kernels/kernels.h"
#include "augmentation-binding.h"
#include "onednn.h"
#include "pixel-binding.h"
#include "program.h"

namespace faceparse {

namespace {

const char *oneDnnInstructionSet() {
  switch (dnnl_get_effective_cpu_isa()) {
    case dnnl_cpu_isa_sse41: return "sse41";
    case dnnl_cpu_isa_avx: return "avx";
    case dnnl_cpu_isa_avx2: return "avx2";
    case dnnl_cpu_isa_avx2_vnni: return "avx2_vnni";
    case dnnl_cpu_isa_avx512_core: return "avx512_core";
    case dnnl_cpu_isa_avx512_core_vnni: return "avx512_core_vnni";
    case dnnl_cpu_isa_avx512_core_bf16: return "avx512_core_bf16";
    case dnnl_cpu_isa_avx512_core_amx: return "avx512_core_amx";
    default: return "other";
  }
}

/** Number of adjacent channels that oneDNN's convolutions require. */
int channelBlock() {
  const auto isa = dnnl_get_effective_cpu_isa();
  return isa == dnnl_cpu_isa_avx512_core || isa == dnnl_cpu_isa_avx512_core_vnni || isa == dnnl_cpu_isa_avx512_core_bf16 ||
                 isa == dnnl_cpu_isa_avx512_core_amx
             ? 16
             : 8;
}

Napi::Array texts(Napi::Env env, const std::vector<const char *> &list) {
  const Napi::Array result = Napi::Array::New(env, list.size());
  for (uint32_t i = 0; i < list.size(); i++) result.Set(i, list[i]);
  return result;
}

std::vector<const char *> activationsAfterConvolution() {
  std::vector<const char *> result;
  for (int32_t kind = 0; kind < activationCount; kind++) {
    if (canFollowConvolution(static_cast<Activation>(kind))) result.push_back(activationNames[kind]);
  }
  return result;
}

Napi::Value facts(const Napi::CallbackInfo &info) {
  const Napi::Env env = info.Env();
  const dnnl_version_t *version = dnnl_version();
  const Napi::Object result = Napi::Object::New(env);
  result.Set("oneDnn", std::to_string(version->major) + "." + std::to_string(version->minor) + "." + std::to_string(version->patch));
  result.Set("oneDnnInstructionSet", oneDnnInstructionSet());
  result.Set("kernelInstructionSet", selectKernels().name);
  result.Set("channelBlock", channelBlock());
  result.Set("elementwiseOps", texts(env, {std::begin(elementwiseOpNames), std::end(elementwiseOpNames)}));
  result.Set("activations", texts(env, {std::begin(activationNames), std::end(activationNames)}));
  result.Set("convolutionActivations", texts(env, activationsAfterConvolution()));
  result.Set("maxElementwiseValues", maxElementwiseValues);
  result.Set("maxGradientTerms", maxGradientTerms);
  return result;
}

}  // namespace

Napi::Object start(Napi::Env env, Napi::Object exports) {
  auto *data = new AddonData;
  data->programClass = Napi::Persistent(NativeProgram::define(env));
  env.SetInstanceData(data);
  data->engineClass = Napi::Persistent(NativeEngine::define(env));
  exports.Set("NativeEngine", data->engineClass.Value());
  exports.Set("PlanBuilder", PlanBuilder::define(env));
  exports.Set("augmentation", addonAugmentation(env));
  exports.Set("pixels", addonPixels(env));
  exports.Set("facts", Napi::Function::New(env, facts));
  return exports;
}

}  // namespace faceparse

namespace {
Napi::Object startAddon(Napi::Env env, Napi::Object exports) { return faceparse::start(env, exports); }
}  // namespace

NODE_API_MODULE(faceparse_native, startAddon)
