#include "agon/graph.h"

namespace agon {
namespace {

/// (x - mean) / sqrt(var + eps) over `axes`, with the biased variance; differentiable throughout.
Value standardise(Value x, std::vector<int> axes, double eps) {
  Value centred = x - reduce_mean(x, axes);
  return centred * rsqrt(reduce_mean(square(centred), axes) + eps);
}

Value affine(Value x, Value gamma, Value beta) {
  if (gamma.valid()) x = x * gamma;
  return beta.valid() ? x + beta : x;
}

}  // namespace

BatchNormOut batch_norm_train(Value x, Value gamma, Value beta, Value running_mean, Value running_var,
                              BatchNormAttr attr) {
  Graph& graph = x.graph();
  Value y = graph.append(Op::batch_norm_train, {x, gamma, beta, running_mean, running_var}, attr);
  return {y, graph.port(y, 1), graph.port(y, 2), graph.port(y, 3), graph.port(y, 4)};
}

Value batch_norm_eval(Value x, Value gamma, Value beta, Value running_mean, Value running_var, double eps) {
  Value scale = gamma * rsqrt(running_var + eps);
  return x * scale + (beta - running_mean * scale);
}

Value instance_norm(Value x, Value gamma, Value beta, double eps) {
  check(x.shape().rank() == 4, ErrorKind::usage, "instance_norm: {} is no NHWC image", x.shape().str());
  return affine(standardise(x, {1, 2}, eps), gamma, beta);
}

Value layer_norm(Value x, Value gamma, Value beta, double eps) {
  std::vector<int> axes;
  for (int i = 1; i < x.shape().rank(); ++i) axes.push_back(i);
  return affine(standardise(x, axes, eps), gamma, beta);
}

SpectralNormOut spectral_norm(Value w, Value u, double eps, bool iterate) {
  const int64_t rows = w.shape()[0], columns = w.shape().numel() / rows;
  check(u.shape() == Shape{rows}, ErrorKind::usage, "spectral_norm: u is {}, the weight {}", u.shape().str(),
        w.shape().str());
  Value matrix = reshape(w, {rows, columns});
  Value fixed = stop_gradient(matrix);
  auto normalise = [eps](Value x) {
    Value norm = sqrt(reduce_sum(square(x)));
    return x / maximum(norm, x.graph().constant(eps));
  };
  Value left = reshape(u, {1, rows});
  Value v = normalise(matmul(left, fixed));
  if (iterate) left = normalise(matmul(v, fixed, false, true));
  left = stop_gradient(left);
  v = stop_gradient(v);
  Value sigma = reshape(matmul(matmul(left, matrix), v, false, true), {});
  return {w / sigma, reshape(left, {rows})};
}

Value dropout(Value x, double p) {
  check(p >= 0 && p < 1, ErrorKind::usage, "dropout: p must be in [0, 1), not {}", p);
  if (p == 0) return x;
  return x * (x.graph().random_bernoulli(x.shape(), 1 - p) * (1 / (1 - p)));
}

}  // namespace agon
