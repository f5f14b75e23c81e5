#pragma once
#include <cstdint>

/// Optimizers over flat fp32 buffers, one pass each, in place (p, slots), as torch.optim's of the same name.
/// The gradient seen by the rule is g + weight_decay * p. Sums of squares are in double, in a fixed order for
/// a fixed number of threads.
namespace agon::cpu {

/// What an update found and left: the squared norms of the gradient (as given) and of the new parameters.
struct UpdateNorms {
  double grad_square = 0, param_square = 0;
};

/// m = beta1 m + (1 - beta1) g; v = beta2 v + (1 - beta2) g^2;
/// p -= lr / correction1 * m / (sqrt(v) / sqrt(correction2) + eps), correction_i = 1 - beta_i^t.
struct AdamSettings {
  double beta1 = 0.9, beta2 = 0.999, eps = 1e-8, weight_decay = 0;
};
UpdateNorms adam(float* p, const float* g, float* m, float* v, int64_t n, const AdamSettings& settings,
                 double lr, double correction1, double correction2);

/// v = alpha v + (1 - alpha) g^2; step = g / (sqrt(v) + eps); with momentum b = momentum b + step, p -= lr b,
/// without p -= lr step (`buffer` is then not touched and may be null).
struct RmspropSettings {
  double alpha = 0.99, eps = 1e-8, momentum = 0, weight_decay = 0;
};
UpdateNorms rmsprop(float* p, const float* g, float* v, float* buffer, int64_t n,
                    const RmspropSettings& settings, double lr);

/// b = momentum b + g (b starts at zero, which makes torch's first step b = g); p -= lr b, or with nesterov
/// p -= lr (g + momentum b); without momentum p -= lr g (`buffer` is then not touched and may be null).
struct SgdSettings {
  double momentum = 0, weight_decay = 0;
  bool nesterov = false;
};
UpdateNorms sgd(float* p, const float* g, float* buffer, int64_t n, const SgdSettings& settings, double lr);

}  // namespace agon::cpu
