#include "nn/layers/spectral.h"

#include <algorithm>
#include <cmath>

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

Tensor right_vector(const Tensor& disk_weight, const Tensor& u, bool inputs_first) {
  const Tensor weight = disk_weight.to(DType::f64), left = u.to(DType::f64);
  const auto w = weight.as<double>(), l = left.as<double>();
  // As [outer, rows, inner] with u along rows; PyTorch's matrix has the columns outer * inner.
  const Shape& shape = weight.shape();
  const auto outer = static_cast<size_t>(inputs_first ? shape[0] : 1), rows = l.size();
  const size_t inner = w.size() / outer / rows;
  Tensor result(DType::f64, {static_cast<int64_t>(outer * inner)});
  const auto v = result.as<double>();
  for (size_t a = 0; a < outer; ++a)
    for (size_t r = 0; r < rows; ++r)
      for (size_t i = 0; i < inner; ++i) v[a * inner + i] += l[r] * w[(a * rows + r) * inner + i];
  double square = 0;
  for (const double x : v) square += x * x;
  for (double& x : v) x /= std::max(std::sqrt(square), 1e-12);
  return result;
}

}  // namespace agon::nn
