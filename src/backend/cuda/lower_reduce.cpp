#include "backend/cuda/layout.h"
#include "backend/cuda/lowering.h"

namespace agon::device {

void lower_reduce(Lowering& l, const Node& node) {
  const Shape& in = l.shape(node.inputs[0]);
  kernel::ReduceArgs args;
  args.kind = node.op == Op::reduce_sum ? kernel::ReduceKind::sum : kernel::ReduceKind::max;
  const int root = l.squared_sums().root_of(node.inputs[0]);
  const int source = root >= 0 ? root : node.inputs[0];
  if (root >= 0) args.kind = kernel::ReduceKind::sum_squares;
  args.dtype = to_kernel(l.info(source).dtype);
  args.rank = in.rank();
  extents(in, args.extents);
  for (int axis : node.get<AxesAttr>().axes) args.reduced[axis] = true;
  const Ref x = l.get(source), y = l.put(node.outputs[0]);
  const auto bind = [=](const Frame& f, kernel::ReduceArgs& a) {
    a.x = f.at<void>(x);
    a.y = f.at(y);
  };
  l.emit(node,
         {root >= 0 ? in.str() + " squares" : in.str(), static_cast<double>(in.numel()),
          4.0 * static_cast<double>(in.numel())},
         &agon_cuda_table::reduce, &agon_cuda_table::reduce_workspace, args, bind);
}

}  // namespace agon::device
