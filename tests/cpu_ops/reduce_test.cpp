#include "backend/cpu/kernels/reduce.h"

#include <limits>
#include <random>

#include "catch.h"
#include "naive.h"

#ifdef _OPENMP
#include <omp.h>
#endif

using namespace agon;
using cpu::ReduceKernel;
using cpu::Reduction;

namespace {

struct Result {
  std::vector<float> y;
  double error = 0;  ///< largest |y - exact| / sum |x|
};

Result reduce(Reduction kind, const Shape& shape, const std::vector<int>& axes, const std::vector<float>& x) {
  Shape kept = shape;
  for (int axis : axes) kept[axis] = 1;
  const auto count = static_cast<size_t>(kept.numel());
  const cpu::Strides from = cpu::row_major(shape);
  cpu::Strides to = cpu::row_major(kept);
  for (int axis : axes) to[static_cast<size_t>(axis)] = 0;
  std::vector<double> exact(count, kind == Reduction::sum ? 0 : -INFINITY), scale(count, 0);
  naive::for_each(shape, [&](const naive::Index& index) {
    const double value = x[naive::offset(index, from)];
    double& result = exact[naive::offset(index, to)];
    scale[naive::offset(index, to)] += std::fabs(value);
    result = kind == Reduction::sum ? result + value : std::max(result, value);
  });
  Result result{std::vector<float>(count, 77.0f)};
  ReduceKernel(kind, shape, axes).run(x.data(), result.y.data());
  for (size_t i = 0; i < count; ++i) {
    const double difference = std::fabs(result.y[i] - exact[i]);
    if (difference > 0) result.error = std::max(result.error, difference / scale[i]);
  }
  return result;
}

}  // namespace

// Were an axis taken for another or an edge dropped, bias gradients and losses would be wrong.
TEST_CASE("sums and maxima over any axes equal plain loops") {
  std::mt19937 engine(11);
  constexpr int64_t sizes[] = {1, 2, 3, 7, 16, 33, 70};
  for (unsigned seed = 0; seed < 300; ++seed) {
    Shape shape;
    std::vector<int> axes;
    const int rank = 1 + static_cast<int>(engine() % 6);
    for (int axis = 0; axis < rank; ++axis) {
      shape.push_back(sizes[engine() % std::size(sizes)]);
      if (engine() % 2 == 0) axes.push_back(axis);
    }
    if (shape.numel() > 200000) continue;
    const auto x = naive::normals(static_cast<size_t>(shape.numel()), seed);
    INFO("seed " << seed << " shape " << shape.str() << " axes " << axes.size());
    CHECK(reduce(Reduction::sum, shape, axes, x).error < 1e-7);
    CHECK(reduce(Reduction::max, shape, axes, x).error == 0);
  }
}

// Were large reductions cut wrongly or added up in float, a loss over a batch of images would drift.
TEST_CASE("large sums are exact to 1e-7 of the sum of magnitudes") {
  struct Case {
    Shape shape;
    std::vector<int> axes;
  };
  const std::vector<Case> cases{
      {{1000003}, {0}},           {{5, 100001}, {1}},      {{50001, 7}, {0}},          {{3001, 300}, {0}},
      {{9, 3, 1001, 16}, {0, 2}}, {{40, 5, 3000}, {0, 2}}, {{7, 300, 11, 30}, {1, 3}}, {{300, 2, 1024}, {0}}};
  for (const auto& [shape, axes] : cases) {
    INFO(shape.str());
    auto x = naive::normals(static_cast<size_t>(shape.numel()), 21);
    for (float& v : x) v += 100;
    CHECK(reduce(Reduction::sum, shape, axes, x).error < 1e-7);
    CHECK(reduce(Reduction::max, shape, axes, x).error == 0);
  }
}

#ifdef _OPENMP
// Were sums cut by the number of threads, runs on other machines would differ.
TEST_CASE("sums do not depend on the number of threads") {
  const int threads = omp_get_max_threads();
  for (const auto& [shape, axes] : std::vector<std::pair<Shape, std::vector<int>>>{
           {{300007}, {0}}, {{30011, 10}, {0}}, {{100, 3000}, {1}}, {{1000, 300}, {0}}}) {
    const auto x = naive::normals(static_cast<size_t>(shape.numel()), 5);
    omp_set_num_threads(1);
    const auto alone = reduce(Reduction::sum, shape, axes, x).y;
    omp_set_num_threads(3);
    CHECK(reduce(Reduction::sum, shape, axes, x).y == alone);
  }
  omp_set_num_threads(threads);
}
#endif

// Were NaN lost in a maximum, a diverged run would look healthy.
TEST_CASE("a NaN is the maximum, an empty sum is 0") {
  for (const auto& [shape, axes] : std::vector<std::pair<Shape, std::vector<int>>>{
           {{70000}, {0}}, {{100}, {0}}, {{700, 100}, {0}}, {{5, 3}, {0}}}) {
    std::vector<float> x(static_cast<size_t>(shape.numel()), 1.0f);
    x[0] = NAN;
    CHECK(std::isnan(reduce(Reduction::max, shape, axes, x).y[0]));
  }
  const std::vector<int> axes{0};
  float y = 5;
  ReduceKernel(Reduction::sum, {0}, axes).run(nullptr, &y);
  CHECK(y == 0);
  ReduceKernel(Reduction::max, {0}, axes).run(nullptr, &y);
  CHECK(y == -INFINITY);
}
