#include "gan/penalty.h"

#include <array>

namespace agon::gan {
namespace {

/// Per sample, the sum of the squared gradient of `scores` by `images`: [batch, 1, 1, 1].
Value squared_gradient(Value scores, Value images) {
  const Value g = grad(sum(scores), std::array{images})[0];
  std::vector<int> axes;
  for (int i = 1; i < g.shape().rank(); ++i) axes.push_back(i);
  return reduce_sum(square(g), axes);
}

}  // namespace

Value gradient_penalty(const Scorer& discriminator, Value real, Value fake, Value epsilon, double lambda) {
  Shape per_sample{real.shape()[0]};
  while (per_sample.rank() < real.shape().rank()) per_sample.push_back(1);
  epsilon = reshape(epsilon, per_sample);
  const Value x = epsilon * real + (1 - epsilon) * stop_gradient(fake);
  const Value norm = sqrt(squared_gradient(discriminator(x), x));
  return mean(square(norm - 1)) * lambda;
}

Value r1_penalty(Value scores, Value real, double gamma) {
  return mean(squared_gradient(scores, real)) * (gamma / 2);
}

}  // namespace agon::gan
