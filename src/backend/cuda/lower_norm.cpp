#include "backend/cuda/lowering.h"

namespace agon::device {
namespace {

/// Mean, inverse deviation, running statistics, and scale and shift for those who apply the norm as they
/// read.
struct NormResults {
  Ref gamma, beta, running_mean, running_var, mean, inv_std, scale, shift;
  BatchNormAttr attr;

  void bind(const Frame& f, kernel::BatchNormFinish& finish) const {
    finish.gamma = f.at(gamma);
    finish.beta = f.at(beta);
    finish.old_running_mean = f.at(running_mean);
    finish.old_running_var = f.at(running_var);
    finish.new_running_mean = f.at(running_mean);
    finish.new_running_var = f.at(running_var);
    finish.mean = f.at(mean);
    finish.inv_std = f.at(inv_std);
    finish.scale = f.at(scale);
    finish.shift = f.at(shift);
    finish.eps = static_cast<float>(attr.eps);
    finish.momentum = static_cast<float>(attr.momentum);
  }
};

/// Statistics: from the partial sums that the convolution in front left, else by a pass over x.
void emit_statistics(Lowering& l, const Node& node, const NormResults& results) {
  const int x = node.inputs[0];
  const Shape& shape = l.shape(x);
  const int channels = static_cast<int>(shape[-1]);
  const int64_t rows = shape.numel() / channels;
  if (const auto found = l.statistics.find(x); found != l.statistics.end()) {
    const Lowering::Statistics sums = found->second;
    for (Ref ref : {sums.sums, sums.squares, sums.counts}) l.touch(ref);
    kernel::BatchNormPartialsArgs args;
    args.centred = true;
    args.partials = sums.partials;
    args.rows = rows;
    args.channels = channels;
    l.emit(node,
           {fmt::format("{}: statistics of {} partial sums", shape.str(), sums.partials), 0,
            8.0 * static_cast<double>(sums.partials * channels)},
           &agon_cuda_table::batch_norm_partials, args,
           [=](const Frame& f, kernel::BatchNormPartialsArgs& a) {
             a.sums = f.at(sums.sums);
             a.squares = f.at(sums.squares);
             a.counts = f.at<int32_t>(sums.counts);
             results.bind(f, a.finish);
           });
    return;
  }
  kernel::BatchNormStatsArgs args;
  args.dtype = to_kernel(l.info(x).dtype);
  args.rows = rows;
  args.channels = channels;
  const Ref data = l.get(x);
  const auto bind = [=](const Frame& f, kernel::BatchNormStatsArgs& a) {
    a.x = f.at<void>(data);
    results.bind(f, a.finish);
  };
  l.emit(node,
         {fmt::format("{}: statistics", shape.str()), 3.0 * static_cast<double>(shape.numel()),
          4.0 * static_cast<double>(shape.numel())},
         &agon_cuda_table::batch_norm_stats, &agon_cuda_table::batch_norm_stats_workspace, args, bind);
}

void lower_train(Lowering& l, const Node& node) {
  const int x = node.inputs[0], y = node.outputs[0];
  const Shape& shape = l.shape(x);
  const int channels = static_cast<int>(shape[-1]);
  const size_t vector = static_cast<size_t>(channels) * sizeof(float);
  NormResults results;
  results.attr = node.get<BatchNormAttr>();
  results.gamma = l.get(node.inputs[1]);
  results.beta = l.get(node.inputs[2]);
  results.running_mean = l.get(node.inputs[3]);
  results.running_var = l.get(node.inputs[4]);
  l.put_at(node.outputs[3], results.running_mean);
  l.put_at(node.outputs[4], results.running_var);
  results.mean = l.put(node.outputs[1]);
  results.inv_std = l.put(node.outputs[2]);
  results.scale = l.scratch(vector);
  results.shift = l.scratch(vector);
  l.norm_scales[node.outputs[1]] = {results.scale, results.shift};
  emit_statistics(l, node, results);

  const Activation activation = node.fusion.epilogue;
  if (l.virtual_values().contains(y)) {
    Operand operand;
    operand.data = l.get(x);
    operand.kind = kernel::PrologueKind::forward;
    operand.activation = activation;
    operand.scale = results.scale;
    operand.shift = results.shift;
    operand.channels = channels;
    return l.put_virtual(y, operand);
  }
  if (l.uses().of(y).empty()) return;
  kernel::BatchNormApplyArgs args;
  args.x_dtype = to_kernel(l.info(x).dtype);
  args.y_dtype = to_kernel(l.info(y).dtype);
  args.activation = to_kernel(activation);
  args.rows = shape.numel() / channels;
  args.channels = channels;
  const Ref from = l.get(x), to = l.put(y);
  for (Ref ref : {results.mean, results.inv_std, results.gamma, results.beta}) l.touch(ref);
  l.emit(node,
         {fmt::format("{}: apply", shape.str()), 4.0 * static_cast<double>(shape.numel()),
          8.0 * static_cast<double>(shape.numel())},
         &agon_cuda_table::batch_norm_apply, args, [=](const Frame& f, kernel::BatchNormApplyArgs& a) {
           a.x = f.at<void>(from);
           a.y = f.at<void>(to);
           a.mean = f.at(results.mean);
           a.inv_std = f.at(results.inv_std);
           a.gamma = f.at(results.gamma);
           a.beta = f.at(results.beta);
         });
}

void lower_grad(Lowering& l, const Node& node) {
  const int x = node.inputs[0], dy = node.inputs[4], dx = node.outputs[0];
  const Shape& shape = l.shape(x);
  const int channels = static_cast<int>(shape[-1]);
  const Activation activation = node.fusion.grad;
  const Node* norm = norm_of(l.graph(), node);
  const bool active = activation.kind != ActivationKind::identity;
  const bool recompute = l.options().fuse && norm != nullptr && recomputes_activation(l.graph(), node);
  const bool in_memory = !l.virtual_values().contains(dx);

  kernel::BatchNormGradArgs args;
  args.x_dtype = to_kernel(l.info(x).dtype);
  args.dy_dtype = to_kernel(l.info(dy).dtype);
  args.dx_dtype = to_kernel(l.info(dx).dtype);
  args.activation = to_kernel(activation);
  args.rows = shape.numel() / channels;
  args.channels = channels;
  const Ref data = l.get(x), gamma = l.get(node.inputs[1]), mean = l.get(node.inputs[2]);
  const Ref inv_std = l.get(node.inputs[3]), cotangent = l.get(dy);
  const Ref y = active && !recompute ? l.get(node.inputs[5]) : Ref{};
  check(!y.valid() || l.info(node.inputs[5]).dtype == l.info(x).dtype, ErrorKind::unsupported,
        "cuda: {}: batch norm's input and its activation's output differ in dtype; use precision = \"f32\"",
        node.name);
  const Ref beta = active && recompute ? l.get(norm->inputs[2]) : Ref{};
  const Ref dgamma = l.put(node.outputs[1]), dbeta = l.put(node.outputs[2]);
  const Ref coefficients = in_memory ? Ref{} : l.scratch(3 * static_cast<size_t>(channels) * sizeof(float));
  const auto bind = [=](const Frame& f, kernel::BatchNormGradArgs& a) {
    a.x = f.at<void>(data);
    a.dy = f.at<void>(cotangent);
    a.y = f.at<void>(y);
    a.mean = f.at(mean);
    a.inv_std = f.at(inv_std);
    a.gamma = f.at(gamma);
    a.beta = f.at(beta);
    a.dgamma = f.at(dgamma);
    a.dbeta = f.at(dbeta);
    a.coefficients = f.at(coefficients);
  };
  const double count = static_cast<double>(shape.numel());
  const double reads = y.valid() ? 12 : 8;
  l.emit(node, {fmt::format("{}: reduce", shape.str()), 6 * count, reads * count},
         &agon_cuda_table::batch_norm_grad_reduce, &agon_cuda_table::batch_norm_grad_workspace, args, bind);
  for (Ref ref : {data, gamma, mean, inv_std, cotangent, y, beta, dgamma, dbeta}) l.touch(ref);
  if (!in_memory) {
    const auto scale = l.norm_scales.at(node.inputs[2]);
    Operand operand;
    operand.data = cotangent;
    operand.kind = kernel::PrologueKind::backward;
    operand.activation = activation;
    operand.scale = scale.scale;
    operand.shift = scale.shift;
    operand.z = data;
    operand.coefficients = coefficients;
    operand.channels = channels;
    return l.put_virtual(dx, operand);
  }
  if (l.uses().of(dx).empty()) return;
  const Ref to = l.put_over(dx, dy);
  l.emit(node, {fmt::format("{}: apply", shape.str()), 6 * count, (reads + 4) * count},
         &agon_cuda_table::batch_norm_grad_apply, args, [=](const Frame& f, kernel::BatchNormGradArgs& a) {
           bind(f, a);
           a.dx = f.at<void>(to);
         });
}

void lower_softmax(Lowering& l, const Node& node) {
  const Shape& shape = l.shape(node.inputs[0]);
  kernel::SoftmaxArgs args;
  args.width = static_cast<int>(shape[-1]);
  args.rows = shape.numel() / shape[-1];
  args.log = node.op == Op::log_softmax;
  const Ref x = l.get(node.inputs[0]), y = l.put_over(node.outputs[0], node.inputs[0]);
  l.emit(node, {shape.str(), 0, 8.0 * static_cast<double>(shape.numel())}, &agon_cuda_table::softmax, args,
         [=](const Frame& f, kernel::SoftmaxArgs& a) {
           a.x = f.at(x);
           a.y = f.at(y);
         });
}

}  // namespace

void lower_norm(Lowering& lowering, const Node& node) {
  if (node.op == Op::batch_norm_train) return lower_train(lowering, node);
  if (node.op == Op::batch_norm_grad) return lower_grad(lowering, node);
  lower_softmax(lowering, node);
}

}  // namespace agon::device
