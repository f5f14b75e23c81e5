#include "backend/cuda/lowering.h"

namespace agon::device {

void lower_random(Lowering& l, const Node& node) {
  const auto attr = node.get<RandomAttr>();
  kernel::RandomArgs args;
  args.kind = node.op == Op::random_normal    ? kernel::RandomKind::normal
              : node.op == Op::random_uniform ? kernel::RandomKind::uniform
                                              : kernel::RandomKind::bernoulli;
  args.seed = l.options().seed;
  args.stream = attr.stream;
  args.p = attr.p;
  args.count = l.shape(node.outputs[0]).numel();
  const Ref y = l.put(node.outputs[0]);
  const Ref step = l.step_block() + static_cast<int64_t>(offsetof(agon_cuda_step, step));
  l.emit(node, {l.shape(node.outputs[0]).str(), 0, 4.0 * static_cast<double>(args.count)},
         &agon_cuda_table::random, args, [=](const Frame& f, kernel::RandomArgs& a) {
           a.step = f.at<uint64_t>(step);
           a.y = f.at<void>(y);
         });
}

}  // namespace agon::device
