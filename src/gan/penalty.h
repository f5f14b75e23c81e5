#pragma once
#include <functional>

#include "agon/graph.h"

namespace agon::gan {

/// A network with its parameters bound: images to scores.
using Scorer = std::function<Value(Value images)>;

/// lambda * mean over samples of (|grad_x D(x)|_2 - 1)^2 at x = epsilon real + (1 - epsilon) fake, with one
/// epsilon [batch] in [0, 1) per sample (Gulrajani et al., "Improved Training of Wasserstein GANs", NeurIPS
/// 2017). Nothing is added under the root: the derivative of a zero norm is defined as zero. `fake` is taken
/// as given.
Value gradient_penalty(const Scorer& discriminator, Value real, Value fake, Value epsilon, double lambda);

/// gamma / 2 * mean over samples of |grad_x D(x)|_2^2 at real images (Mescheder et al., "Which Training
/// Methods for GANs do actually Converge?", ICML 2018). `scores` are D(real).
Value r1_penalty(Value scores, Value real, double gamma);

}  // namespace agon::gan
