#include "backend/cpu/kernels/random.h"

#include <algorithm>
#include <cmath>

#include "agon/philox.h"

#include "backend/cpu/kernels/parallel.h"
#include "backend/cpu/kernels/vector_math.h"
#include "backend/cpu/kernels/vectorize.h"

namespace agon::cpu {
namespace {

constexpr int batch = 64;  // Philox blocks computed together

/// words[i][j] = word i of block first + j.
inline void philox_batch(const RandomKey& key, uint32_t first, uint32_t (&words)[4][batch]) {
  const auto step_lo = static_cast<uint32_t>(key.step), step_hi = static_cast<uint32_t>(key.step >> 32);
  const auto seed_lo = static_cast<uint32_t>(key.seed), seed_hi = static_cast<uint32_t>(key.seed >> 32);
  for (uint32_t j = 0; j < batch; ++j) {
    uint32_t c0 = first + j, c1 = step_lo, c2 = step_hi, c3 = key.stream, k0 = seed_lo, k1 = seed_hi;
    for (int round = 0; round < 10; ++round) {
      const uint64_t a = uint64_t{0xD2511F53u} * c0, b = uint64_t{0xCD9E8D57u} * c2;
      c0 = static_cast<uint32_t>(b >> 32) ^ c1 ^ k0;
      c2 = static_cast<uint32_t>(a >> 32) ^ c3 ^ k1;
      c1 = static_cast<uint32_t>(b);
      c3 = static_cast<uint32_t>(a);
      k0 += 0x9E3779B9u;
      k1 += 0xBB67AE85u;
    }
    words[0][j] = c0;
    words[1][j] = c1;
    words[2][j] = c2;
    words[3][j] = c3;
  }
}

/// y[0 .. n): fill(words, out) turns the words of a batch into 4 * batch elements.
template <class Fill>
void generate(const RandomKey& key, float* y, int64_t n, const Fill& fill_batch) {
  constexpr int64_t elements = 4 * batch;
  parallel_ranges((n + elements - 1) / elements, 16, [=](int64_t begin, int64_t end, int) {
    vectorize([=] {
      uint32_t words[4][batch];
      float last[elements];
      for (int64_t i = begin; i < end; ++i) {
        philox_batch(key, static_cast<uint32_t>(i * batch), words);
        const int64_t rest = n - i * elements;
        fill_batch(words, rest < elements ? last : y + i * elements);
        if (rest < elements) std::copy_n(last, rest, y + i * elements);
      }
    });
  });
}

}  // namespace

void random_uniform(const RandomKey& key, float* y, int64_t n) {
  generate(key, y, n, [](const uint32_t(&words)[4][batch], float* out) {
    for (int j = 0; j < batch; ++j)
      for (int i = 0; i < 4; ++i) out[4 * j + i] = philox_uniform(words[i][j]);
  });
}

void random_bernoulli(const RandomKey& key, double p, float* y, int64_t n) {
  // The uniform number is an integer over 2^24, hence u < p exactly if that integer is below this one.
  const auto bound = static_cast<uint32_t>(std::clamp(std::ceil(p * 0x1p24), 0.0, 0x1p24));
  generate(key, y, n, [=](const uint32_t(&words)[4][batch], float* out) {
    for (int j = 0; j < batch; ++j)
      for (int i = 0; i < 4; ++i) out[4 * j + i] = (words[i][j] >> 8) < bound ? 1.0f : 0.0f;
  });
}

void random_normal(const RandomKey& key, float* y, int64_t n) {
  generate(key, y, n, [](const uint32_t(&words)[4][batch], float* out) {
    for (int pair = 0; pair < 4; pair += 2)
      for (int j = 0; j < batch; ++j) {
        const float u = static_cast<float>(static_cast<int32_t>(words[pair][j] >> 8) + 1) * 0x1p-24f;
        const float turns = static_cast<float>(static_cast<int32_t>(words[pair + 1][j] >> 8)) * 0x1p-24f;
        const float radius = std::sqrt(-2.0f * vm::log(u));
        const auto [sine, cosine] = vm::sincos_turns(turns);
        out[4 * j + pair] = radius * cosine;
        out[4 * j + pair + 1] = radius * sine;
      }
  });
}

}  // namespace agon::cpu
