#include "agon/philox.h"

#include "backend/reference/kernels.h"

namespace agon::reference {

void fill(const Call& call) {
  for (int64_t i = 0; i < call.out[0].numel(); ++i) call.out[0].set(i, call.attr<FillAttr>().value);
}

void random(const Call& call) {
  const auto& [stream, p] = call.attr<RandomAttr>();
  double* y = call.out[0].f64();
  for (int64_t i = 0; i < call.out[0].numel(); ++i) {
    const Philox4 words = philox_at(call.seed, call.step, stream, static_cast<uint32_t>(i / 4));
    const auto lane = static_cast<size_t>(i % 4);
    const double uniform = philox_uniform(words[lane]);
    if (call.node.op == Op::random_normal)
      y[i] = philox_normal(words, static_cast<int>(i % 4));
    else
      y[i] = call.node.op == Op::random_uniform ? uniform : (uniform < p ? 1 : 0);
  }
}

}  // namespace agon::reference
