#include "backend/cuda/lowering.h"

namespace agon::device {
namespace {

/// x as [samples, rows, channels].
template <class Args>
Args problem_of(const Lowering& l, const Node& node) {
  const Shape& shape = l.shape(node.inputs[0]);
  Args args;
  args.by_row = node.get<SampleNormAttr>().kind == SampleNormKind::layer;
  args.samples = shape[0];
  args.channels = args.by_row ? 1 : static_cast<int>(shape[-1]);
  args.rows = shape.numel() / (args.samples * args.channels);
  args.x_dtype = to_kernel(l.info(node.inputs[0]).dtype);
  return args;
}

void lower_forward(Lowering& l, const Node& node) {
  const Shape& shape = l.shape(node.inputs[0]);
  const bool affine = node.inputs.size() > 1;
  auto args = problem_of<kernel::NormArgs>(l, node);
  args.y_dtype = to_kernel(l.info(node.outputs[0]).dtype);
  args.eps = static_cast<float>(node.get<SampleNormAttr>().eps);
  const Ref x = l.get(node.inputs[0]);
  const Ref gamma = affine ? l.get(node.inputs[1]) : Ref{}, beta = affine ? l.get(node.inputs[2]) : Ref{};
  const Ref y = l.put(node.outputs[0]), mean = l.put(node.outputs[1]), inv_std = l.put(node.outputs[2]);
  const auto bind = [=](const Frame& f, kernel::NormArgs& a) {
    a.x = f.at<void>(x);
    a.y = f.at<void>(y);
    a.gamma = f.at(gamma);
    a.beta = f.at(beta);
    a.mean = f.at(mean);
    a.inv_std = f.at(inv_std);
  };
  const auto count = static_cast<double>(shape.numel());
  l.emit(
      node,
      {shape.str(), 8 * count, static_cast<double>(l.bytes_of(node.inputs[0]) + l.bytes_of(node.outputs[0]))},
      &agon_cuda_table::norm, &agon_cuda_table::norm_workspace, args, bind);
}

void lower_grad(Lowering& l, const Node& node) {
  const Shape& shape = l.shape(node.inputs[0]);
  const bool affine = node.inputs.size() > 4;
  const auto wanted = [&](int i) {
    return affine && !l.uses().of(node.outputs[static_cast<size_t>(i)]).empty();
  };
  auto args = problem_of<kernel::NormGradArgs>(l, node);
  args.dy_dtype = to_kernel(l.info(node.inputs[3]).dtype);
  args.dx_dtype = to_kernel(l.info(node.outputs[0]).dtype);
  const Ref x = l.get(node.inputs[0]), mean = l.get(node.inputs[1]), inv_std = l.get(node.inputs[2]);
  const Ref dy = l.get(node.inputs[3]), gamma = affine ? l.get(node.inputs[4]) : Ref{};
  const Ref dx = l.put_over(node.outputs[0], node.inputs[3]);
  const bool derives = wanted(1) || wanted(2);
  const Ref dgamma = derives ? l.put(node.outputs[1]) : Ref{},
            dbeta = derives ? l.put(node.outputs[2]) : Ref{};
  const auto bind = [=](const Frame& f, kernel::NormGradArgs& a) {
    a.x = f.at<void>(x);
    a.dy = f.at<void>(dy);
    a.dx = f.at<void>(dx);
    a.mean = f.at(mean);
    a.inv_std = f.at(inv_std);
    a.gamma = f.at(gamma);
    a.dgamma = f.at(dgamma);
    a.dbeta = f.at(dbeta);
  };
  const auto count = static_cast<double>(shape.numel());
  l.emit(node,
         {shape.str(), 12 * count,
          static_cast<double>(l.bytes_of(node.inputs[0]) + l.bytes_of(node.inputs[3]) +
                              l.bytes_of(node.outputs[0]))},
         &agon_cuda_table::norm_grad, &agon_cuda_table::norm_grad_workspace, args, bind);
}

}  // namespace

void lower_sample_norm(Lowering& lowering, const Node& node) {
  node.op == Op::sample_norm ? lower_forward(lowering, node) : lower_grad(lowering, node);
}

}  // namespace agon::device
