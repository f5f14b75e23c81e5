#include "backend/cuda/lowering.h"

namespace agon::device {

void lower_indexing(Lowering& l, const Node& node) {
  const Shape &in = l.shape(node.inputs[0]), &out = l.shape(node.outputs[0]);
  const Ref a0 = l.get(node.inputs[0]);
  const Ref a1 = node.inputs.size() > 1 ? l.get(node.inputs[1]) : Ref{};
  const Ref y = l.put(node.outputs[0]);
  const StepFacts facts{out.str(), 0, 4.0 * static_cast<double>(in.numel() + out.numel())};
  if (node.op == Op::gather) {
    kernel::GatherArgs args;
    args.rows = in[0];
    args.width = static_cast<int>(in[1]);
    args.count = out[0];
    l.emit(node, facts, &agon_cuda_table::gather, args, [=](const Frame& f, kernel::GatherArgs& a) {
      a.table = f.at(a0);
      a.index = f.at<int32_t>(a1);
      a.y = f.at(y);
    });
  } else if (node.op == Op::scatter_add) {
    kernel::ScatterAddArgs args;
    args.rows = out[0];
    args.width = static_cast<int>(out[1]);
    args.count = in[0];
    l.emit(node, facts, &agon_cuda_table::scatter_add, args, [=](const Frame& f, kernel::ScatterAddArgs& a) {
      a.index = f.at<int32_t>(a0);
      a.values = f.at(a1);
      a.y = f.at(y);
    });
  } else {
    kernel::OneHotArgs args;
    args.count = in.numel();
    args.depth = static_cast<int>(out[-1]);
    l.emit(node, facts, &agon_cuda_table::one_hot, args, [=](const Frame& f, kernel::OneHotArgs& a) {
      a.index = f.at<int32_t>(a0);
      a.y = f.at(y);
    });
  }
}

}  // namespace agon::device
