#include "backend/cpu/kernels/batch_norm.h"

#include <algorithm>
#include <cmath>

#include "backend/cpu/kernels/channel_vectors.h"
#include "backend/cpu/kernels/isa.h"
#include "backend/cpu/kernels/parallel.h"
#include "backend/cpu/kernels/vector_math.h"

#define AGON_ISA_FILE "backend/cpu/kernels/batch_norm.inc"
#include "backend/cpu/kernels/foreach_isa.h"

namespace agon::cpu {
namespace {

/// Rows per part at least: about 16 KiB of data.
int64_t grain_of(const ChannelLayout& layout) {
  return std::max<int64_t>(16, 4096 / layout.channels);
}

/// Scratch: two double sums per channel and part, then four floats per channel.
struct Scratch {
  double *first, *second;  ///< [parts][channels]
  float* vectors;          ///< [4][channels]

  Scratch(void* memory, int64_t channels)
      : first(static_cast<double*>(memory)),
        second(first + max_threads() * channels),
        vectors(reinterpret_cast<float*>(second + max_threads() * channels)) {}
};

/// Adds the parts' sums into part 0.
void join(double* sums, int parts, int64_t channels) {
  for (int part = 1; part < parts; ++part)
    for (int64_t c = 0; c < channels; ++c) sums[c] += sums[part * channels + c];
}

}  // namespace

size_t batch_norm_scratch_bytes(int64_t channels) {
  return static_cast<size_t>(channels) *
         (2 * static_cast<size_t>(max_threads()) * sizeof(double) + 4 * sizeof(float));
}

template <class T>
void batch_norm_stats(const ChannelLayout& layout, const T* x, double eps, float* mean, float* variance,
                      float* inv_std, void* scratch) {
  const int64_t channels = layout.channels;
  const Scratch s(scratch, channels);
  const auto leaf = AGON_BEST(moments<T>);
  const int parts =
      parallel_ranges(layout.count(), grain_of(layout), [&](int64_t begin, int64_t end, int part) {
        std::fill_n(s.first + part * channels, channels, 0.0);
        std::fill_n(s.second + part * channels, channels, 0.0);
        leaf(layout, x, begin, end, s.first + part * channels, s.second + part * channels);
      });
  join(s.first, parts, channels);
  join(s.second, parts, channels);
  const auto n = static_cast<double>(layout.count());
  for (int64_t c = 0; c < channels; ++c) {
    const double m = s.first[c] / n;
    const double v = std::max(0.0, s.second[c] / n - m * m);
    mean[c] = static_cast<float>(m);
    variance[c] = static_cast<float>(v);
    inv_std[c] = static_cast<float>(1 / std::sqrt(v + eps));
  }
}

void batch_norm_update_running(const ChannelLayout& layout, double momentum, const float* mean,
                               const float* variance, const float* running_mean, const float* running_var,
                               float* new_running_mean, float* new_running_var) {
  const auto n = static_cast<double>(layout.count());
  const double unbiased = n > 1 ? n / (n - 1) : 1;
  for (int64_t c = 0; c < layout.channels; ++c) {
    new_running_mean[c] = static_cast<float>((1 - momentum) * static_cast<double>(running_mean[c]) +
                                             momentum * static_cast<double>(mean[c]));
    new_running_var[c] = static_cast<float>((1 - momentum) * static_cast<double>(running_var[c]) +
                                            momentum * unbiased * static_cast<double>(variance[c]));
  }
}

template <class T>
void batch_norm_apply(const ChannelLayout& layout, const T* x, const float* mean, const float* inv_std,
                      const float* gamma, const float* beta, const Activation& activation, Same<T>* y,
                      void* scratch) {
  const Scratch s(scratch, layout.channels);
  for (int64_t c = 0; c < layout.channels; ++c) s.vectors[c] = inv_std[c] * gamma[c];
  const ChannelVectors vectors{mean, s.vectors, beta};
  const auto leaf = AGON_BEST(apply<T>);
  parallel_ranges(layout.count(), grain_of(layout), [&](int64_t begin, int64_t end, int) {
    leaf(layout, x, vectors, begin, end, activation.kind, static_cast<float>(activation.alpha), y);
  });
}

template <class T>
void batch_norm_grad(const ChannelLayout& layout, const T* x, Same<const T>* y, Same<const T>* dy,
                     const float* mean, const float* inv_std, const float* gamma, const float* beta,
                     const Activation& activation, Same<T>* dx, float* dgamma, float* dbeta, void* scratch) {
  const int64_t channels = layout.channels;
  const Scratch s(scratch, channels);
  float *scale = s.vectors, *mean_g = scale + channels, *slope = mean_g + channels, *zeros = slope + channels;
  for (int64_t c = 0; c < channels; ++c) {
    scale[c] = inv_std[c] * gamma[c];
    zeros[c] = 0;
  }
  const ChannelVectors vectors{mean, scale, beta == nullptr ? zeros : beta, inv_std, mean_g, slope};
  const auto alpha = static_cast<float>(activation.alpha);
  const auto sums_leaf = y != nullptr ? AGON_BEST(grad_sums<true, T>) : AGON_BEST(grad_sums<false, T>);
  const int parts =
      parallel_ranges(layout.count(), grain_of(layout), [&](int64_t begin, int64_t end, int part) {
        std::fill_n(s.first + part * channels, channels, 0.0);
        std::fill_n(s.second + part * channels, channels, 0.0);
        sums_leaf(layout, x, y, dy, vectors, begin, end, activation.kind, alpha, s.first + part * channels,
                  s.second + part * channels);
      });
  join(s.first, parts, channels);
  join(s.second, parts, channels);
  const auto n = static_cast<double>(layout.count());
  for (int64_t c = 0; c < channels; ++c) {
    dbeta[c] = static_cast<float>(s.first[c]);
    dgamma[c] = static_cast<float>(s.second[c]);
    mean_g[c] = static_cast<float>(s.first[c] / n);
    slope[c] = static_cast<float>(s.second[c] / n * static_cast<double>(inv_std[c]));
  }
  const auto apply_leaf = y != nullptr ? AGON_BEST(grad_apply<true, T>) : AGON_BEST(grad_apply<false, T>);
  parallel_ranges(layout.count(), grain_of(layout), [&](int64_t begin, int64_t end, int) {
    apply_leaf(layout, x, y, dy, vectors, begin, end, activation.kind, alpha, dx);
  });
}

template <class T>
void channel_sum(const ChannelLayout& layout, const T* x, float* out, void* scratch) {
  const int64_t channels = layout.channels;
  const Scratch s(scratch, channels);
  const auto leaf = AGON_BEST(sums_of<T>);
  const int parts =
      parallel_ranges(layout.count(), grain_of(layout), [&](int64_t begin, int64_t end, int part) {
        std::fill_n(s.first + part * channels, channels, 0.0);
        leaf(layout, x, begin, end, s.first + part * channels);
      });
  join(s.first, parts, channels);
  for (int64_t c = 0; c < channels; ++c) out[c] = static_cast<float>(s.first[c]);
}

template <class T>
void bias_activation(const ChannelLayout& layout, const T* x, const float* bias, const Activation& activation,
                     Same<T>* y, void* scratch) {
  const Scratch s(scratch, layout.channels);
  float *zeros = s.vectors, *ones = zeros + layout.channels;
  std::fill_n(zeros, layout.channels, 0.0f);
  std::fill_n(ones, layout.channels, 1.0f);
  const ChannelVectors vectors{zeros, ones, bias == nullptr ? zeros : bias};
  const auto leaf = AGON_BEST(apply<T>);
  parallel_ranges(layout.count(), grain_of(layout), [&](int64_t begin, int64_t end, int) {
    leaf(layout, x, vectors, begin, end, activation.kind, static_cast<float>(activation.alpha), y);
  });
}

#define AGON_INSTANTIATE(T)                                                                                \
  template void batch_norm_stats(const ChannelLayout&, const T*, double, float*, float*, float*, void*);   \
  template void batch_norm_apply(const ChannelLayout&, const T*, const float*, const float*, const float*, \
                                 const float*, const Activation&, T*, void*);                              \
  template void batch_norm_grad(const ChannelLayout&, const T*, const T*, const T*, const float*,          \
                                const float*, const float*, const float*, const Activation&, T*, float*,   \
                                float*, void*);                                                            \
  template void channel_sum(const ChannelLayout&, const T*, float*, void*);                                \
  template void bias_activation(const ChannelLayout&, const T*, const float*, const Activation&, T*, void*);
AGON_INSTANTIATE(float)
AGON_INSTANTIATE(bf16)
#undef AGON_INSTANTIATE

}  // namespace agon::cpu
