#include <algorithm>
#include <array>
#include <cmath>

#include "backend/cpu/kernels/pieces.h"
#include "backend/cpu/kernels/sample_norm.h"
#include "backend/cpu/kernels/vectorize.h"

namespace agon::cpu {
namespace {

constexpr int64_t lanes = 64, run_lines = 8;
constexpr int64_t tile = 512;  // elements of gamma whose derivatives are summed together

using Two = std::array<double, 2>;

/// The sums of f(i) = {a, b} in f32 over short runs, and of those in f64.
template <class F>
inline void sum_two(int64_t begin, int64_t end, const F& f, Two& result) {
  double total[2][lanes] = {};
  int64_t i = begin;
  while (i + lanes <= end) {
    float part[2][lanes] = {};
    for (int64_t line = 0; line < run_lines && i + lanes <= end; ++line, i += lanes)
      for (int64_t k = 0; k < lanes; ++k) f(i + k, part[0][k], part[1][k]);
    for (int64_t k = 0; k < lanes; ++k) {
      total[0][k] += static_cast<double>(part[0][k]);
      total[1][k] += static_cast<double>(part[1][k]);
    }
  }
  for (; i < end; ++i) {
    float part[2] = {};
    f(i, part[0], part[1]);
    total[0][0] += static_cast<double>(part[0]);
    total[1][0] += static_cast<double>(part[1]);
  }
  for (int64_t half = lanes / 2; half > 0; half /= 2)
    for (int64_t k = 0; k < half; ++k) {
      total[0][k] += total[0][k + half];
      total[1][k] += total[1][k + half];
    }
  result = {total[0][0], total[1][0]};
}

Two whole(const Pieces& pieces, const Two* sums, int64_t piece) {
  Two result{};
  const int64_t begin = pieces.sample(piece) * pieces.each;
  for (int64_t p = begin; p < begin + pieces.each; ++p) {
    result[0] += sums[p][0];
    result[1] += sums[p][1];
  }
  return result;
}

/// dgamma and dbeta: sums over the samples.
void affine_grad(int64_t samples, int64_t size, const float* x, const float* mean, const float* inv_std,
                 const float* dy, float* dgamma, float* dbeta) {
  parallel_ranges(size, tile, [&](int64_t begin, int64_t end, int) {
    vectorize([=] {
      for (int64_t first = begin; first < end; first += tile) {
        const int64_t width = std::min(tile, end - first);
        double sums[2][tile] = {};
        for (int64_t n = 0; n < samples; ++n) {
          const float *const at = x + n * size + first, *const d = dy + n * size + first;
          const float centre = mean[n], scale = inv_std[n];
          for (int64_t k = 0; k < width; ++k) {
            sums[0][k] += static_cast<double>(d[k] * ((at[k] - centre) * scale));
            sums[1][k] += static_cast<double>(d[k]);
          }
        }
        for (int64_t k = 0; k < width; ++k) {
          dgamma[first + k] = static_cast<float>(sums[0][k]);
          dbeta[first + k] = static_cast<float>(sums[1][k]);
        }
      }
    });
  });
}

}  // namespace

size_t layer_norm_scratch_bytes(int64_t samples) {
  return static_cast<size_t>(samples + max_threads()) * sizeof(Two);
}

void layer_norm(int64_t samples, int64_t size, const float* x, const float* gamma, const float* beta,
                double eps, float* y, float* mean, float* inv_std, void* scratch) {
  const Pieces pieces(samples, size);
  auto* const sums = static_cast<Two*>(scratch);
  pieces.in_two_passes(
      [&](int64_t piece) {
        const float* const from = x + pieces.sample(piece) * size;
        const float shift = from[0];  // keeps the digits of a deviation far below the mean
        const int64_t begin = pieces.begin(piece), end = pieces.end(piece);
        vectorize([=] {
          sum_two(
              begin, end,
              [=](int64_t i, float& sum, float& square) {
                const float d = from[i] - shift;
                sum += d;
                square += d * d;
              },
              sums[piece]);
        });
      },
      [&](int64_t piece) {
        const int64_t sample = pieces.sample(piece), begin = pieces.begin(piece), end = pieces.end(piece);
        const float* const from = x + sample * size;
        float* const to = y + sample * size;
        const auto n = static_cast<double>(size);
        const Two total = whole(pieces, sums, piece);
        const double off = total[0] / n, variance = std::max(0.0, total[1] / n - off * off);
        const auto centre = static_cast<float>(static_cast<double>(from[0]) + off);
        const auto scale = static_cast<float>(1 / std::sqrt(variance + eps));
        if (begin == 0) {
          mean[sample] = centre;
          inv_std[sample] = scale;
        }
        vectorize([=] {
          if (gamma == nullptr)
            for (int64_t i = begin; i < end; ++i) to[i] = (from[i] - centre) * scale;
          else
            for (int64_t i = begin; i < end; ++i) to[i] = (from[i] - centre) * scale * gamma[i] + beta[i];
        });
      });
}

void layer_norm_grad(int64_t samples, int64_t size, const float* x, const float* mean, const float* inv_std,
                     const float* dy, const float* gamma, float* dx, float* dgamma, float* dbeta,
                     void* scratch) {
  if (gamma != nullptr) affine_grad(samples, size, x, mean, inv_std, dy, dgamma, dbeta);
  const Pieces pieces(samples, size);
  auto* const sums = static_cast<Two*>(scratch);
  pieces.in_two_passes(
      [&](int64_t piece) {
        const int64_t sample = pieces.sample(piece), begin = pieces.begin(piece), end = pieces.end(piece);
        const float *const from = x + sample * size, *const d = dy + sample * size, centre = mean[sample];
        vectorize([=] {
          const auto add = [=](float g, int64_t i, float& sum, float& weighted) {
            sum += g;
            weighted += g * (from[i] - centre);
          };
          if (gamma == nullptr)
            sum_two(
                begin, end, [=](int64_t i, float& a, float& b) { add(d[i], i, a, b); }, sums[piece]);
          else
            sum_two(
                begin, end, [=](int64_t i, float& a, float& b) { add(d[i] * gamma[i], i, a, b); },
                sums[piece]);
        });
      },
      [&](int64_t piece) {
        const int64_t sample = pieces.sample(piece), begin = pieces.begin(piece), end = pieces.end(piece);
        const float *const from = x + sample * size, *const d = dy + sample * size;
        float* const to = dx + sample * size;
        const Two total = whole(pieces, sums, piece);
        const auto n = static_cast<double>(size), inverse = static_cast<double>(inv_std[sample]);
        const auto mean_g = static_cast<float>(total[0] / n),
                   slope = static_cast<float>(total[1] / n * inverse * inverse);
        const float centre = mean[sample], scale = inv_std[sample];
        vectorize([=] {
          if (gamma == nullptr)
            for (int64_t i = begin; i < end; ++i)
              to[i] = scale * (d[i] - mean_g - (from[i] - centre) * slope);
          else
#pragma GCC ivdep
            for (int64_t i = begin; i < end; ++i)
              to[i] = scale * (d[i] * gamma[i] - mean_g - (from[i] - centre) * slope);
        });
      });
}

}  // namespace agon::cpu
