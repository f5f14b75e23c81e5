#include <algorithm>
#include <cmath>

#include "agon/graph.h"

#include "backend/cpu/kernels/channel_vectors.h"
#include "backend/cpu/kernels/isa.h"
#include "backend/cpu/kernels/pieces.h"
#include "backend/cpu/kernels/sample_norm.h"
#include "backend/cpu/kernels/vector_math.h"

// The passes of a batch norm, over the rows of one image.
#define AGON_ISA_FILE "backend/cpu/kernels/batch_norm.inc"
#include "backend/cpu/kernels/foreach_isa.h"

namespace agon::cpu {
namespace {

constexpr int vectors = 4;

/// Scratch: for each piece two sums and four floats a channel.
struct Scratch {
  int64_t channels;
  double* sums;
  float* floats;

  Scratch(void* memory, const Pieces& pieces, int64_t channel_count)
      : channels(channel_count),
        sums(static_cast<double*>(memory)),
        floats(reinterpret_cast<float*>(sums + 2 * pieces.count() * channel_count)) {}
  double* first(int64_t piece) const { return sums + 2 * piece * channels; }
  double* second(int64_t piece) const { return first(piece) + channels; }
  float* vector(int64_t piece, int which) const { return floats + (vectors * piece + which) * channels; }
  void clear(int64_t piece) const { std::fill_n(first(piece), 2 * channels, 0.0); }
  /// The two sums of a channel over all pieces of the piece's sample.
  std::pair<double, double> whole(const Pieces& pieces, int64_t piece, int64_t c) const {
    double a = 0, b = 0;
    const int64_t begin = pieces.sample(piece) * pieces.each;
    for (int64_t p = begin; p < begin + pieces.each; ++p) a += first(p)[c], b += second(p)[c];
    return {a, b};
  }
};

}  // namespace

size_t instance_norm_scratch_bytes(const ChannelLayout& layout) {
  const Pieces pieces(layout.images, layout.pixels);
  return static_cast<size_t>(pieces.count() * layout.channels) *
         (2 * sizeof(double) + vectors * sizeof(float));
}

template <class T>
void instance_norm(const ChannelLayout& layout, const T* x, const float* gamma, const float* beta, double eps,
                   std::type_identity_t<T>* y, float* mean, float* inv_std, void* scratch) {
  const int64_t channels = layout.channels;
  const Pieces pieces(layout.images, layout.pixels);
  const Scratch s(scratch, pieces, channels);
  const auto moments_leaf = AGON_BEST(moments<T>);
  const auto apply_leaf = AGON_BEST(apply<T>);
  const auto n = static_cast<double>(layout.pixels);
  pieces.in_two_passes(
      [&](int64_t piece) {
        const int64_t row = pieces.sample(piece) * layout.pixels;
        s.clear(piece);
        moments_leaf(layout, x, row + pieces.begin(piece), row + pieces.end(piece), s.first(piece),
                     s.second(piece));
      },
      [&](int64_t piece) {
        const int64_t image = pieces.sample(piece), row = image * layout.pixels;
        float *own_mean = s.vector(piece, 0), *scale = s.vector(piece, 1), *shift = s.vector(piece, 2);
        for (int64_t c = 0; c < channels; ++c) {
          const auto [sum, squares] = s.whole(pieces, piece, c);
          const double m = sum / n, inverse = 1 / std::sqrt(std::max(0.0, squares / n - m * m) + eps);
          own_mean[c] = static_cast<float>(m);
          scale[c] = static_cast<float>(inverse) * (gamma == nullptr ? 1 : gamma[c]);
          shift[c] = beta == nullptr ? 0 : beta[c];
          if (piece % pieces.each != 0) continue;
          mean[image * channels + c] = own_mean[c];
          inv_std[image * channels + c] = static_cast<float>(inverse);
        }
        apply_leaf(layout, x, {own_mean, scale, shift}, row + pieces.begin(piece), row + pieces.end(piece),
                   ActivationKind::identity, 0, y);
      });
}

template <class T>
void instance_norm_grad(const ChannelLayout& layout, const T* x, const float* mean, const float* inv_std,
                        std::type_identity_t<const T>* dy, const float* gamma, std::type_identity_t<T>* dx,
                        float* dgamma, float* dbeta, void* scratch) {
  const int64_t channels = layout.channels;
  const Pieces pieces(layout.images, layout.pixels);
  const Scratch s(scratch, pieces, channels);
  const auto sums_leaf = AGON_BEST(grad_sums<false, T>);
  const auto apply_leaf = AGON_BEST(grad_apply<false, T>);
  const auto n = static_cast<double>(layout.pixels);
  const auto constants = [&](int64_t piece) {
    const int64_t at = pieces.sample(piece) * channels;
    float* const zeros = s.vector(piece, 1);
    std::fill_n(zeros, channels, 0.0f);
    return ChannelVectors{mean + at,    s.vector(piece, 0), zeros,
                          inv_std + at, s.vector(piece, 2), s.vector(piece, 3)};
  };
  pieces.in_two_passes(
      [&](int64_t piece) {
        const int64_t row = pieces.sample(piece) * layout.pixels;
        s.clear(piece);
        std::fill_n(s.vector(piece, 0), channels, 1.0f);
        sums_leaf(layout, x, nullptr, dy, constants(piece), row + pieces.begin(piece),
                  row + pieces.end(piece), ActivationKind::identity, 0, s.first(piece), s.second(piece));
      },
      [&](int64_t piece) {
        const int64_t image = pieces.sample(piece), row = image * layout.pixels;
        float *scale = s.vector(piece, 0), *mean_g = s.vector(piece, 2), *slope = s.vector(piece, 3);
        for (int64_t c = 0; c < channels; ++c) {
          const auto [sum, weighted] = s.whole(pieces, piece, c);
          const float inverse = inv_std[image * channels + c];
          scale[c] = inverse * (gamma == nullptr ? 1 : gamma[c]);
          mean_g[c] = static_cast<float>(sum / n);
          slope[c] = static_cast<float>(weighted / n * static_cast<double>(inverse));
        }
        apply_leaf(layout, x, nullptr, dy, constants(piece), row + pieces.begin(piece),
                   row + pieces.end(piece), ActivationKind::identity, 0, dx);
      });
  if (gamma == nullptr) return;
  for (int64_t c = 0; c < channels; ++c) {
    double sum = 0, weighted = 0;
    for (int64_t piece = 0; piece < pieces.count(); ++piece)
      sum += s.first(piece)[c], weighted += s.second(piece)[c];
    dbeta[c] = static_cast<float>(sum);
    dgamma[c] = static_cast<float>(weighted);
  }
}

#define AGON_INSTANTIATE(T)                                                                              \
  template void instance_norm(const ChannelLayout&, const T*, const float*, const float*, double, T*,    \
                              float*, float*, void*);                                                    \
  template void instance_norm_grad(const ChannelLayout&, const T*, const float*, const float*, const T*, \
                                   const float*, T*, float*, float*, void*);
AGON_INSTANTIATE(float)
AGON_INSTANTIATE(bf16)
#undef AGON_INSTANTIATE

}  // namespace agon::cpu
