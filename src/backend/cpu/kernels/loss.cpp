#include "backend/cpu/kernels/loss.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "agon/error.h"

#include "backend/cpu/kernels/parallel.h"
#include "backend/cpu/kernels/vector_math.h"
#include "backend/cpu/kernels/vectorize.h"

namespace agon::cpu {
namespace {

constexpr int64_t grain = 4096;  // elements that a thread should have
constexpr int64_t tile = 512;    // elements whose terms wait for their sum

/// The sum of x[i] or of its squares, in lanes.
template <bool squares>
AGON_INLINE double sum_of(const float* x, int64_t n) {
  constexpr int lanes = 16;
  double lane[lanes] = {};
  int64_t i = 0;
  for (; i + lanes <= n; i += lanes)
    for (int l = 0; l < lanes; ++l) {
      const auto v = static_cast<double>(x[i + l]);
      lane[l] += squares ? v * v : v;
    }
  double sum = 0;
  for (; i < n; ++i) {
    const auto v = static_cast<double>(x[i]);
    sum += squares ? v * v : v;
  }
  for (double part : lane) sum += part;
  return sum;
}

template <LossKind kind>
AGON_INLINE float term(float x, float t) {
  if constexpr (kind == LossKind::bce_with_logits) {
    const float wrong = x > 0 ? (1 - t) * x : -t * x;
    return wrong + vm::softplus(-vm::abs(x));
  } else if constexpr (kind == LossKind::least_squares) {
    return 0.5f * (x - t) * (x - t);
  } else if constexpr (kind == LossKind::hinge) {
    const float slack = 1 - t * x;
    return slack < 0 ? 0.0f : slack;
  } else if constexpr (kind == LossKind::wasserstein) {
    return -t * x;
  } else {
    return vm::abs(x - t);
  }
}

template <LossKind kind>
AGON_INLINE float slope(float x, float t) {
  if constexpr (kind == LossKind::bce_with_logits) {
    // (1 - t) sigmoid(x) - t sigmoid(-x): without cancellation where t is 0 or 1.
    const float e = vm::exp(-vm::abs(x)), most = 1 - t;
    const float up = x > 0 ? most : most * e, down = x > 0 ? t * e : t;
    return (up - down) / (1 + e);
  } else if constexpr (kind == LossKind::least_squares) {
    return x - t;
  } else if constexpr (kind == LossKind::hinge) {
    return 1 - t * x > 0 ? -t : 0.0f;
  } else if constexpr (kind == LossKind::wasserstein) {
    return -t;
  } else {
    const float d = x - t, up = d > 0 ? 1.0f : 0.0f;
    return d < 0 ? -1.0f : up;
  }
}

/// The terms' sum over [begin, end), and the gradient.
template <LossKind kind>
double pointwise(const LossArgs& args, int64_t begin, int64_t end) {
  const bool smooth = kind == LossKind::bce_with_logits && args.loss.smoothing != 0;
  const auto keep = static_cast<float>(1 - args.loss.smoothing),
             spread = static_cast<float>(args.loss.smoothing / 2);
  const auto scale = static_cast<float>(args.loss.scale);
  double total = 0;
  vectorize([&] {
    std::array<float, tile> targets, terms;
    const auto same = static_cast<float>(args.loss.target);
    targets.fill(smooth ? same * keep + spread : same);
    for (int64_t first = begin; first < end; first += tile) {
      const int64_t n = std::min(tile, end - first);
      const float *x = args.x + first, *t = targets.data();
      if (args.target != nullptr && smooth)
        for (int64_t i = 0; i < n; ++i)
          targets[static_cast<size_t>(i)] = args.target[first + i] * keep + spread;
      else if (args.target != nullptr)
        t = args.target + first;
      if (args.value != nullptr) {
        float* const to = terms.data();
        for (int64_t i = 0; i < n; ++i) to[i] = term<kind>(x[i], t[i]);
        total += sum_of<false>(to, n);
      }
      if (args.grad != nullptr) {
        float* const to = args.grad + first;
#pragma GCC ivdep
        for (int64_t i = 0; i < n; ++i) to[i] = scale * slope<kind>(x[i], t[i]);
      }
    }
  });
  return total;
}

double cross_entropy(const LossArgs& args, int64_t begin, int64_t end) {
  const int64_t classes = args.classes;
  const double smoothing = args.loss.smoothing;
  const auto off = static_cast<float>(smoothing / static_cast<double>(classes)),
             on = static_cast<float>(1 - smoothing) + off, scale = static_cast<float>(args.loss.scale);
  double total = 0;
  vectorize([&] {
    for (int64_t row = begin; row < end; ++row) {
      const float* const x = args.x + row * classes;
      const int64_t label = args.labels[row];
      float top = x[0];
      for (int64_t c = 1; c < classes; ++c) top = x[c] > top ? x[c] : top;
      double sum = 0, all = 0;
      for (int64_t c = 0; c < classes; ++c) {
        sum += static_cast<double>(vm::exp(x[c] - top));
        all += static_cast<double>(x[c] - top);
      }
      // The targets add up to 1, hence -sum t log(p) = log(sum) - sum t (x - top).
      total +=
          std::log(sum) - static_cast<double>(off) * all - static_cast<double>((on - off) * (x[label] - top));
      if (args.grad == nullptr) continue;
      float* const grad = args.grad + row * classes;
      const auto share = static_cast<float>(1 / sum);
      for (int64_t c = 0; c < classes; ++c) grad[c] = scale * (vm::exp(x[c] - top) * share - off);
      grad[label] -= scale * (on - off);
    }
  });
  return total;
}

double terms_of(const LossArgs& args, int64_t begin, int64_t end) {
  switch (args.loss.kind) {
    case LossKind::bce_with_logits:
      return pointwise<LossKind::bce_with_logits>(args, begin, end);
    case LossKind::least_squares:
      return pointwise<LossKind::least_squares>(args, begin, end);
    case LossKind::hinge:
      return pointwise<LossKind::hinge>(args, begin, end);
    case LossKind::wasserstein:
      return pointwise<LossKind::wasserstein>(args, begin, end);
    case LossKind::l1:
      return pointwise<LossKind::l1>(args, begin, end);
    case LossKind::softmax_cross_entropy:
      return cross_entropy(args, begin, end);
  }
  fail(ErrorKind::internal, "cpu: no such loss");
}

/// Adds up what range(begin, end) returns for the parts of [0, count), in order.
template <class Range>
double sum_of_ranges(int64_t count, int64_t at_least, const Range& range) {
  std::array<double, most_threads> sums;
  const int parts = parallel_ranges(count, at_least, [&](int64_t begin, int64_t end, int part) {
    sums[static_cast<size_t>(part)] = range(begin, end);
  });
  double total = 0;
  for (size_t part = 0; part < static_cast<size_t>(parts); ++part) total += sums[part];
  return total;
}

}  // namespace

void loss(const LossArgs& args) {
  const int64_t at_least = std::max<int64_t>(1, grain / args.classes);
  const double total = sum_of_ranges(args.count, at_least,
                                     [&](int64_t begin, int64_t end) { return terms_of(args, begin, end); });
  if (args.value != nullptr) *args.value = static_cast<float>(args.loss.scale * total);
}

void gradient_penalty(const GradientPenaltyArgs& args) {
  const bool unit = args.penalty.kind == PenaltyKind::unit_norm;
  const double share = args.penalty.weight / static_cast<double>(args.samples);
  const auto sample = [&](int64_t n) {
    const float* const g = args.g + n * args.size;
    double square = 0;
    vectorize([&] { square = sum_of<true>(g, args.size); });
    const double norm = std::sqrt(square);
    if (args.norms != nullptr) args.norms[n] = static_cast<float>(norm);
    if (args.grad != nullptr) {
      const double factor = !unit ? 2 * share : norm == 0 ? 0 : 2 * share * (norm - 1) / norm;
      vectorize([by = static_cast<float>(factor), g, to = args.grad + n * args.size, size = args.size] {
#pragma GCC ivdep
        for (int64_t i = 0; i < size; ++i) to[i] = g[i] * by;
      });
    }
    return unit ? (norm - 1) * (norm - 1) : square;
  };
  const double total =
      sum_of_ranges(args.samples, std::max<int64_t>(1, grain / args.size), [&](int64_t begin, int64_t end) {
        double sum = 0;
        for (int64_t n = begin; n < end; ++n) sum += sample(n);
        return sum;
      });
  if (args.value != nullptr) *args.value = static_cast<float>(share * total);
}

}  // namespace agon::cpu
