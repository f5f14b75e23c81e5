#include "agon/graph.h"

namespace agon {

std::string_view name_of(Op op) {
  switch (op) {
    case Op::input:
      return "input";
    case Op::scalar:
      return "scalar";
    case Op::state:
      return "state";
    case Op::constant:
      return "constant";
    case Op::random_normal:
      return "random_normal";
    case Op::random_uniform:
      return "random_uniform";
    case Op::random_bernoulli:
      return "random_bernoulli";
    case Op::neg:
      return "neg";
    case Op::abs:
      return "abs";
    case Op::sign:
      return "sign";
    case Op::exp:
      return "exp";
    case Op::log:
      return "log";
    case Op::sqrt:
      return "sqrt";
    case Op::rsqrt:
      return "rsqrt";
    case Op::softplus:
      return "softplus";
    case Op::clamp:
      return "clamp";
    case Op::activation:
      return "activation";
    case Op::activation_grad:
      return "activation_grad";
    case Op::add:
      return "add";
    case Op::sub:
      return "sub";
    case Op::mul:
      return "mul";
    case Op::div:
      return "div";
    case Op::maximum:
      return "maximum";
    case Op::minimum:
      return "minimum";
    case Op::greater:
      return "greater";
    case Op::greater_equal:
      return "greater_equal";
    case Op::equal:
      return "equal";
    case Op::where:
      return "where";
    case Op::cast:
      return "cast";
    case Op::reshape:
      return "reshape";
    case Op::transpose:
      return "transpose";
    case Op::broadcast_to:
      return "broadcast_to";
    case Op::concat:
      return "concat";
    case Op::slice:
      return "slice";
    case Op::pad:
      return "pad";
    case Op::stop_gradient:
      return "stop_gradient";
    case Op::reduce_sum:
      return "reduce_sum";
    case Op::reduce_max:
      return "reduce_max";
    case Op::matmul:
      return "matmul";
    case Op::conv:
      return "conv";
    case Op::conv_input_grad:
      return "conv_input_grad";
    case Op::conv_weight_grad:
      return "conv_weight_grad";
    case Op::avg_pool:
      return "avg_pool";
    case Op::avg_pool_grad:
      return "avg_pool_grad";
    case Op::max_pool:
      return "max_pool";
    case Op::max_pool_grad:
      return "max_pool_grad";
    case Op::max_pool_take:
      return "max_pool_take";
    case Op::resize:
      return "resize";
    case Op::resize_grad:
      return "resize_grad";
    case Op::gather:
      return "gather";
    case Op::scatter_add:
      return "scatter_add";
    case Op::one_hot:
      return "one_hot";
    case Op::softmax:
      return "softmax";
    case Op::log_softmax:
      return "log_softmax";
    case Op::batch_norm_train:
      return "batch_norm_train";
    case Op::batch_norm_grad:
      return "batch_norm_grad";
    case Op::sample_norm:
      return "sample_norm";
    case Op::sample_norm_grad:
      return "sample_norm_grad";
    case Op::spectral_norm:
      return "spectral_norm";
    case Op::loss:
      return "loss";
    case Op::gradient_penalty:
      return "gradient_penalty";
    case Op::adam:
      return "adam";
    case Op::rmsprop:
      return "rmsprop";
    case Op::sgd:
      return "sgd";
    case Op::elementwise:
      return "elementwise";
  }
  return "?";
}

std::string_view name_of(LossKind kind) {
  static constexpr std::string_view names[] = {
      "bce_with_logits", "least_squares", "hinge", "wasserstein", "l1", "softmax_cross_entropy"};
  return names[static_cast<size_t>(kind)];
}

std::string_view name_of(PenaltyKind kind) {
  return kind == PenaltyKind::unit_norm ? "unit_norm" : "zero_norm";
}

bool is_elementwise(Op op) {
  return op >= Op::neg && op <= Op::where;
}

Window Window::square(int64_t kernel, int64_t stride, int64_t pad) {
  Window window;
  window.kernel = {kernel, kernel, 1};
  window.stride = {stride, stride, 1};
  window.pad_lo = window.pad_hi = {pad, pad, 0};
  return window;
}

}  // namespace agon
