#include "backend/cpu/kernels/random.h"

#include "agon/philox.h"

#include "catch.h"
#include "naive.h"

using namespace agon;

namespace {

const cpu::RandomKey key{0x123456789abcdef0, 0x300000007, 5};

Philox4 words_of(size_t element) {
  return philox_at(key.seed, key.step, key.stream, static_cast<uint32_t>(element / 4));
}

}  // namespace

// Were lanes or counters permuted, backends would draw different noise from one seed.
TEST_CASE("uniform and bernoulli numbers are those of philox.h") {
  for (size_t n : {1u, 3u, 255u, 256u, 257u, 100003u}) {
    std::vector<float> uniform(n + 1, -1.0f), bernoulli(n + 1, -1.0f);
    cpu::random_uniform(key, uniform.data(), static_cast<int64_t>(n));
    cpu::random_bernoulli(key, 0.3, bernoulli.data(), static_cast<int64_t>(n));
    size_t wrong = 0;
    for (size_t i = 0; i < n; ++i) {
      const float expected = philox_uniform(words_of(i)[i % 4]);
      wrong += uniform[i] != expected || bernoulli[i] != (static_cast<double>(expected) < 0.3 ? 1.0f : 0.0f);
    }
    CHECK(wrong == 0);
    CHECK(uniform[n] == -1.0f);
    CHECK(bernoulli[n] == -1.0f);
  }
}

// Were the bound of bernoulli off by one, p = 0 or 1 would not be certain.
TEST_CASE("bernoulli is certain at p = 0 and p = 1") {
  std::vector<float> y(5000);
  cpu::random_bernoulli(key, 0, y.data(), 5000);
  CHECK(std::ranges::count(y, 0.0f) == 5000);
  cpu::random_bernoulli(key, 1, y.data(), 5000);
  CHECK(std::ranges::count(y, 1.0f) == 5000);
}

// Were the float logarithm or angle imprecise, the tails of the noise would differ from the definition.
TEST_CASE("normal numbers are within 1e-6 of the f64 definition") {
  constexpr size_t n = 2000003;
  std::vector<float> y(n);
  cpu::random_normal(key, y.data(), n);
  double worst = 0;
  for (size_t i = 0; i < n; ++i)
    worst = std::max(worst, std::fabs(y[i] - philox_normal(words_of(i), static_cast<int>(i % 4))));
  CHECK(worst < 1e-6);
}
