#pragma once
#include "agon/tensor.h"

#include "nn/module.h"
#include "nn/row.h"

namespace agon::nn {

/// How a module gets its weight: the parameter "weight", or "weight_orig" divided by its spectral norm
/// (torch.nn.utils.spectral_norm; Miyato et al., "Spectral Normalization for Generative Adversarial
/// Networks", ICLR 2018), which advances the buffer "weight_u" in training.
class SpectralWeight {
 public:
  /// `inputs_first`: the weight's first axis counts inputs (conv_transpose); the matrix is then taken by
  /// outputs.
  SpectralWeight(bool normalised, bool inputs_first) : normalised_(normalised), inputs_first_(inputs_first) {}
  Value operator()(const Context& context) const;

 private:
  bool normalised_, inputs_first_;
};

/// Adds `weight` to the module, as the row's 'spectral_norm' says, and returns the way to read it.
SpectralWeight add_weight(Module& module, const Row& row, Parameter weight, bool inputs_first);

/// PyTorch's buffer "weight_v" for a weight in disk layout and its u: the normalised W^T u, f64. Agon keeps
/// only u.
Tensor right_vector(const Tensor& disk_weight, const Tensor& u, bool inputs_first);

}  // namespace agon::nn
