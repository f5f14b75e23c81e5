#include "agon/error.h"

#include "nn/layers/layers.h"
#include "nn/layers/spectral.h"

namespace agon::nn {

Module linear(const Row& row, const Shape& in) {
  static constexpr std::string_view keys[] = {"out", "bias", "spectral_norm"};
  row.allow_only(keys);
  const int64_t features = in.numel(), out = row.integer("out");
  const bool bias = row.flag("bias", true);

  Module module;
  module.type = "linear";
  module.output = {out};
  Parameter weight = plain_parameter("weight", {out, features}, row.init("weight", "pytorch"));
  weight.fan_in = features;
  weight.fan_out = out;
  if (in.rank() == 3) {
    weight.view = {out, in[0], in[1], in[2]};
    weight.permutation = {0, 3, 1, 2};
  }
  const SpectralWeight source = add_weight(module, row, weight, false);
  if (bias) {
    Parameter b = plain_parameter("bias", {out}, row.init("bias", "pytorch"));
    b.fan_in = features;
    b.fan_out = out;
    module.parameters.push_back(b);
  }
  module.apply = [source, features](const Context& context, Value x) {
    Value y = matmul(with_sample_shape(x, {features}), source(context), false, true);
    const Value b = context.parameter_if("bias");
    return b.valid() ? y + b : y;
  };
  return module;
}

}  // namespace agon::nn
