#include "backend/cpu/kernels/index.h"

#include "agon/error.h"

#include "catch.h"
#include "naive.h"

using namespace agon;

namespace {

std::vector<int32_t> draw_index(size_t n, int64_t rows, unsigned seed) {
  std::mt19937 engine(seed);
  std::vector<int32_t> index(n);
  for (auto& i : index) i = static_cast<int32_t>(engine() % static_cast<unsigned>(rows));
  return index;
}

}  // namespace

// Were rows mixed up or added in another order, class embeddings would learn from other classes.
TEST_CASE("gather and scatter_add equal plain loops") {
  struct Size {
    int64_t rows, d;
    size_t n;
  };
  for (const Size& s : {Size{10, 128, 64}, Size{3, 1, 1000}, Size{1000, 301, 257}, Size{7, 5, 0}}) {
    const auto index = draw_index(s.n, s.rows, 1);
    const auto d = static_cast<size_t>(s.d);
    const auto table = naive::normals(static_cast<size_t>(s.rows) * d, 2),
               values = naive::normals(s.n * d, 3);
    std::vector<float> y(s.n * d, 9), sum(table.size(), 9), exact(table.size(), 0);
    cpu::gather(table.data(), s.rows, s.d, index.data(), static_cast<int64_t>(s.n), y.data());
    cpu::scatter_add(index.data(), values.data(), static_cast<int64_t>(s.n), s.d, s.rows, sum.data());
    size_t wrong = 0;
    for (size_t i = 0; i < s.n; ++i)
      for (size_t c = 0; c < d; ++c) {
        wrong += y[i * d + c] != table[static_cast<size_t>(index[i]) * d + c];
        exact[static_cast<size_t>(index[i]) * d + c] += values[i * d + c];
      }
    CHECK(wrong == 0);
    CHECK(sum == exact);
  }
}

// Were an index out of range not refused, memory beyond the table would be read or written.
TEST_CASE("an index out of range is refused by name") {
  const std::vector<float> table(12), values(8);
  std::vector<float> y(12);
  for (int32_t bad : {-1, 3}) {
    const std::vector<int32_t> index{0, bad};
    CHECK_THROWS_AS(cpu::gather(table.data(), 3, 4, index.data(), 2, y.data()), Error);
    CHECK_THROWS_AS(cpu::scatter_add(index.data(), values.data(), 2, 4, 3, y.data()), Error);
    CHECK_THROWS_AS(cpu::one_hot(index.data(), 2, 3, y.data()), Error);
  }
}

// Were the one set in another column, conditional networks would be told another class.
TEST_CASE("one_hot sets one element a row") {
  const auto index = draw_index(3001, 11, 4);
  std::vector<float> y(index.size() * 11, 9);
  cpu::one_hot(index.data(), static_cast<int64_t>(index.size()), 11, y.data());
  size_t wrong = 0;
  for (size_t i = 0; i < index.size(); ++i)
    for (size_t c = 0; c < 11; ++c)
      wrong += y[i * 11 + c] != (static_cast<size_t>(index[i]) == c ? 1.0f : 0.0f);
  CHECK(wrong == 0);
}

// Were the maximum not taken out, large logits would overflow; were rows mixed, classes would leak.
TEST_CASE("softmax and log_softmax equal their definitions in f64, in place too") {
  for (size_t n : {1u, 2u, 10u, 100u, 1003u}) {
    constexpr size_t rows = 67;
    auto x = naive::normals(rows * n, 5, 5);
    x[0] = 300;
    x[n - 1] += 300;
    std::vector<float> soft = x, logs(x.size());
    cpu::softmax(soft.data(), rows, static_cast<int64_t>(n), soft.data());
    cpu::log_softmax(x.data(), rows, static_cast<int64_t>(n), logs.data());
    for (size_t r = 0; r < rows; ++r) {
      const float* row = x.data() + r * n;
      const double most = *std::max_element(row, row + n);
      double sum = 0;
      for (size_t i = 0; i < n; ++i) sum += std::exp(row[i] - most);
      for (size_t i = 0; i < n; ++i) {
        const double exact = row[i] - most - std::log(sum);
        REQUIRE(std::fabs(logs[r * n + i] - exact) <= 1e-6 * std::max(1.0, std::fabs(exact)));
        // x - max is rounded to float, which the exponential turns into a relative error.
        const double bound = (1e-6 + 1e-7 * std::fabs(exact)) * std::exp(exact) + 1e-37;
        REQUIRE(std::fabs(soft[r * n + i] - std::exp(exact)) <= bound);
      }
    }
  }
  std::vector<float> row{1, NAN, 2};
  cpu::softmax(row.data(), 1, 3, row.data());
  CHECK(std::isnan(row[0]));
}
