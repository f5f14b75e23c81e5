#include "backend/reference/kernels.h"

namespace agon::reference {
namespace {

void run_op(const Call& call) {
  const Op op = call.node.op;
  if (is_elementwise(op) || op == Op::cast || op == Op::elementwise) return elementwise(call);
  switch (op) {
    case Op::constant:
      return fill(call);
    case Op::random_normal:
    case Op::random_uniform:
    case Op::random_bernoulli:
      return random(call);
    case Op::reshape:
    case Op::stop_gradient:
      return copy(call);
    case Op::transpose:
      return transpose(call);
    case Op::broadcast_to:
      return broadcast_to(call);
    case Op::concat:
      return concat(call);
    case Op::slice:
      return slice(call);
    case Op::pad:
      return pad(call);
    case Op::reduce_sum:
    case Op::reduce_max:
      return reduce(call);
    case Op::matmul:
      return matmul(call);
    case Op::conv:
    case Op::conv_input_grad:
    case Op::conv_weight_grad:
      return convolution(call);
    case Op::avg_pool:
    case Op::avg_pool_grad:
      return average_pool(call);
    case Op::max_pool:
    case Op::max_pool_grad:
    case Op::max_pool_take:
      return maximum_pool(call);
    case Op::resize:
    case Op::resize_grad:
      return resize(call);
    case Op::gather:
      return gather(call);
    case Op::scatter_add:
      return scatter_add(call);
    case Op::one_hot:
      return one_hot(call);
    case Op::softmax:
    case Op::log_softmax:
      return softmax(call);
    case Op::batch_norm_train:
      return batch_norm_train(call);
    case Op::batch_norm_grad:
      return batch_norm_grad(call);
    case Op::sample_norm:
      return sample_norm(call);
    case Op::sample_norm_grad:
      return sample_norm_grad(call);
    case Op::spectral_norm:
      return spectral_norm(call);
    case Op::loss:
      return loss(call);
    case Op::gradient_penalty:
      return gradient_penalty(call);
    case Op::adam:
    case Op::rmsprop:
    case Op::sgd:
      return optimizer(call);
    default:
      fail(ErrorKind::internal, "reference: {} is no op to execute", name_of(op));
  }
}

/// The bias is the first input behind the op's own two, one value per channel (last axis).
void add_bias(const Array& y, const Array& bias) {
  const double* b = bias.f64();
  double* out = y.f64();
  const int64_t channels = y.shape()[-1];
  for (int64_t i = 0; i < y.numel(); ++i) out[i] += b[i % channels];
}

}  // namespace

void execute(const Call& call) {
  run_op(call);
  const Fusion& fusion = call.node.fusion;
  if (fusion.bias) add_bias(call.out[0], call.in[2]);
  if (fusion.epilogue.kind == ActivationKind::identity) return;
  double* y = call.out[0].f64();
  for (int64_t i = 0; i < call.out[0].numel(); ++i) y[i] = activate(fusion.epilogue, y[i]);
}

}  // namespace agon::reference
