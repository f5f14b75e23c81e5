#include "backend/cuda/layout.h"
#include "backend/cuda/lowering.h"

namespace agon::device {

void lower_reduce(Lowering& l, const Node& node) {
  const Shape& in = l.shape(node.inputs[0]);
  kernel::ReduceArgs args;
  args.kind = node.op == Op::reduce_sum ? kernel::ReduceKind::sum : kernel::ReduceKind::max;
  args.dtype = to_kernel(l.info(node.inputs[0]).dtype);
  args.rank = in.rank();
  extents(in, args.extents);
  for (int axis : node.get<AxesAttr>().axes) args.reduced[axis] = true;
  const Ref x = l.get(node.inputs[0]), y = l.put(node.outputs[0]);
  const auto bind = [=](const Frame& f, kernel::ReduceArgs& a) {
    a.x = f.at<void>(x);
    a.y = f.at(y);
  };
  kernel::ReduceArgs question = args;
  bind(l.preview(), question);
  const Ref workspace = l.workspace(l.cuda().reduce_workspace(&question));
  l.emit(node, {in.str(), static_cast<double>(in.numel()), 4.0 * static_cast<double>(in.numel())},
         &agon_cuda_table::reduce, args, [=](const Frame& f, kernel::ReduceArgs& a) {
           bind(f, a);
           a.workspace = f.at<void>(workspace);
         });
}

}  // namespace agon::device
