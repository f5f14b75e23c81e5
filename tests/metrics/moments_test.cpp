#include <limits>

#include "agon/metrics.h"
#include "agon/safetensors.h"

#include "catch.h"
#include "metrics/features.h"

using namespace agon;
using namespace agon::test;

namespace {

Gaussian in_batches(const Tensor& all, const std::vector<int64_t>& sizes) {
  Moments moments(all.shape()[1]);
  int64_t at = 0;
  for (size_t i = 0; at < all.shape()[0]; ++i) {
    const int64_t end = std::min(at + sizes[i % sizes.size()], all.shape()[0]);
    moments.add(rows(all, at, end));
    at = end;
  }
  return moments.gaussian();
}

}  // namespace

// Were the covariance's divisor n or its order wrong, no distance would equal the field's.
TEST_CASE("mean and covariance equal numpy's") {
  const auto golden = read_safetensors(AGON_SOURCE_DIR "/tests/fixtures/metrics.safetensors");
  const Gaussian g = in_batches(features(1, 40, 6), {7});
  CHECK(g.n == 40);
  CHECK(largest_difference(g.mean, *golden.find("tall/mean")) < 1e-14);
  CHECK(largest_difference(g.covariance, *golden.find("tall/covariance")) < 1e-14);
  const Gaussian wide = in_batches(features(3, 5, 12), {5});
  CHECK(largest_difference(wide.covariance, *golden.find("wide/covariance")) < 1e-14);
}

// Were the sums to depend on batches, the same images would score differently at another batch size.
TEST_CASE("moments do not depend on the split into batches, bitwise") {
  const Tensor all = features(6, 1000, 9);
  const Gaussian whole = in_batches(all, {1000});
  for (const auto& sizes : std::vector<std::vector<int64_t>>{{1}, {64}, {256}, {300, 1, 7}}) {
    const Gaussian parts = in_batches(all, sizes);
    CHECK(largest_difference(whole.mean, parts.mean) == 0.0);
    CHECK(largest_difference(whole.covariance, parts.covariance) == 0.0);
  }
}

// Were merging wrong, statistics gathered by several workers would be of no distribution at all.
TEST_CASE("merged moments equal those of all rows") {
  const Tensor all = features(7, 900, 5);
  Moments left(5), right(5), empty(5);
  left.add(rows(all, 0, 130));
  right.add(rows(all, 130, 900));
  left.merge(right);
  left.merge(empty);
  empty.merge(left);
  const Gaussian whole = in_batches(all, {900});
  for (const Moments* moments : {&left, &empty}) {
    CHECK(moments->count() == 900);
    CHECK(largest_difference(moments->gaussian().mean, whole.mean) < 1e-13);
    CHECK(largest_difference(moments->gaussian().covariance, whole.covariance) < 1e-13);
  }
}

// Were the covariance computed as E[x x^T] - m m^T, features far from zero would lose all their digits.
TEST_CASE("a large mean costs no digits") {
  const Tensor centred = uniform(8, 0, 600, 3);
  const Gaussian near = in_batches(centred, {600}), far = in_batches(scaled(centred, {1}, 0x1p26), {600});
  CHECK(largest_difference(near.covariance, far.covariance) < 1e-7);
}

// Were bad features let through, every later score would be NaN with no word of why.
TEST_CASE("moments refuse what is no feature matrix") {
  Moments moments(2);
  CHECK_THROWS_AS(moments.add(matrix(1, 3, {1, 2, 3})), Error);
  CHECK_THROWS_AS(moments.add(matrix(1, 2, {1, std::numeric_limits<double>::quiet_NaN()})), Error);
  CHECK_THROWS_AS(moments.add(Tensor(DType::u8, {1, 2})), Error);
  moments.add(matrix(1, 2, {1, 2}));
  CHECK_THROWS_AS(moments.gaussian(), Error);
  CHECK_THROWS_AS(moments.merge(Moments(3)), Error);
}
