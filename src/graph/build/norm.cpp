#include "agon/graph.h"

namespace agon {
namespace {

Value sample_norm(Value x, Value gamma, Value beta, SampleNormAttr attr) {
  Graph& graph = x.graph();
  if (gamma.valid() && beta.valid()) return graph.append(Op::sample_norm, {x, gamma, beta}, attr);
  Value y = graph.append(Op::sample_norm, {x}, attr);
  if (gamma.valid()) y = y * gamma;
  return beta.valid() ? y + beta : y;
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
  return sample_norm(x, gamma, beta, {SampleNormKind::instance, eps});
}

Value layer_norm(Value x, Value gamma, Value beta, double eps) {
  return sample_norm(x, gamma, beta, {SampleNormKind::layer, eps});
}

SpectralNormOut spectral_norm(Value w, Value u, double eps, bool iterate) {
  Graph& graph = w.graph();
  Value y = graph.append(Op::spectral_norm, {w, u}, SpectralNormAttr{eps, iterate});
  return {y, stop_gradient(graph.port(y, 2))};
}

Value dropout(Value x, double p) {
  check(p >= 0 && p < 1, ErrorKind::usage, "dropout: p must be in [0, 1), not {}", p);
  if (p == 0) return x;
  return x * (x.graph().random_bernoulli(x.shape(), 1 - p) * (1 / (1 - p)));
}

}  // namespace agon
