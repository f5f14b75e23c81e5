#include "gan/penalty.h"

#include <array>

namespace agon::gan {
namespace {

Value gradient_of(Value scores, Value images) {
  return grad(sum(scores), std::array{images})[0];
}

}  // namespace

Value gradient_penalty(const Scorer& discriminator, Value real, Value fake, Value epsilon, double lambda) {
  Shape per_sample{real.shape()[0]};
  while (per_sample.rank() < real.shape().rank()) per_sample.push_back(1);
  fake = stop_gradient(fake);
  const Value x = (real - fake) * reshape(epsilon, per_sample) + fake;
  return norm_penalty(PenaltyKind::unit_norm, gradient_of(discriminator(x), x), lambda);
}

Value r1_penalty(Value scores, Value real, double gamma) {
  return norm_penalty(PenaltyKind::zero_norm, gradient_of(scores, real), gamma / 2);
}

}  // namespace agon::gan
