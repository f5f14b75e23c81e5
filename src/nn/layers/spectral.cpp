#include "nn/layers/spectral.h"

#include "agon/error.h"

#include "nn/layers/layers.h"

namespace agon::nn {

Value SpectralWeight::operator()(const Context& context) const {
  if (!normalised_) return context.parameter("weight");
  Value w = context.parameter("weight_orig");
  if (inputs_first_) w = transpose(w, {3, 1, 2, 0});
  const auto result = spectral_norm(w, context.buffer("weight_u"), 1e-12, context.training());
  if (context.training()) context.set_buffer("weight_u", result.u);
  return inputs_first_ ? transpose(result.w, {3, 1, 2, 0}) : result.w;
}

SpectralWeight add_weight(Module& module, const Row& row, Parameter weight, bool inputs_first) {
  const bool normalised = row.flag("spectral_norm", false);
  if (normalised) {
    weight.name = "weight_orig";
    module.detail += module.detail.empty() ? "spectral norm" : ", spectral norm";
    module.buffers.push_back(plain_parameter("weight_u", {weight.shape[inputs_first ? -1 : 0]}, "unit"));
  }
  module.parameters.push_back(std::move(weight));
  return {normalised, inputs_first};
}

}  // namespace agon::nn
