#include "agon/graph.h"

namespace agon {

Value matmul(Value a, Value b, bool transpose_a, bool transpose_b) {
  return a.graph().append(Op::matmul, {a, b}, MatmulAttr{transpose_a, transpose_b});
}

Value conv(Value x, Value w, Window window) {
  return x.graph().append(Op::conv, {x, w}, window);
}
Value conv_input_grad(Value dy, Value w, Window window, Shape x_shape) {
  return dy.graph().append(Op::conv_input_grad, {dy, w}, window, x_shape);
}
Value conv_weight_grad(Value x, Value dy, Window window, Shape w_shape) {
  return x.graph().append(Op::conv_weight_grad, {x, dy}, window, w_shape);
}

Value conv_transpose(Value x, Value w, Window window, int64_t output_padding) {
  check(w.shape().rank() == window.rank + 2 && x.shape().rank() == window.rank + 2, ErrorKind::usage,
        "conv_transpose: operands {} and {} do not have the window's rank {}", x.shape().str(),
        w.shape().str(), window.rank);
  Shape result{x.shape()[0]};
  for (int i = 0; i < window.rank; ++i) {
    const auto a = static_cast<size_t>(i);
    result.push_back((x.shape()[i + 1] - 1) * window.stride[a] - window.pad_lo[a] - window.pad_hi[a] +
                     window.dilation[a] * (w.shape()[i + 1] - 1) + 1 + output_padding);
  }
  result.push_back(w.shape()[-1] * window.groups);
  return conv_input_grad(x, w, window, result);
}

Value avg_pool(Value x, Window window) {
  return x.graph().append(Op::avg_pool, {x}, window);
}
Value max_pool(Value x, Window window) {
  return x.graph().append(Op::max_pool, {x}, window);
}
Value resize(Value x, int64_t height, int64_t width, ResizeMode mode) {
  return x.graph().append(Op::resize, {x}, ResizeAttr{mode}, {x.shape()[0], height, width, x.shape()[-1]});
}

}  // namespace agon
