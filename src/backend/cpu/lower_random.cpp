#include "backend/cpu/kernels/random.h"
#include "backend/cpu/lowering.h"

namespace agon::cpu {

void lower_random(Lowering& l, const Node& node) {
  const int64_t n = l.info(node.outputs[0]).shape.numel();
  const auto [stream, p] = node.get<RandomAttr>();
  const Ref y = l.put(node.outputs[0]);
  const Op op = node.op;
  l.emit({std::string(name_of(op)),
          node.name,
          l.info(node.outputs[0]).shape.str(),
          [=, stream = stream, p = p](const Frame& f) {
            const RandomKey key{f.seed, f.step, stream};
            if (op == Op::random_normal)
              random_normal(key, f.at(y), n);
            else if (op == Op::random_uniform)
              random_uniform(key, f.at(y), n);
            else
              random_bernoulli(key, p, f.at(y), n);
          },
          {},
          0,
          4.0 * static_cast<double>(n)});
}

}  // namespace agon::cpu
