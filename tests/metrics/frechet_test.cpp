#include "agon/metrics.h"
#include "agon/safetensors.h"

#include "catch.h"
#include "metrics/features.h"

using namespace agon;
using namespace agon::test;

namespace {

Gaussian diagonal(double mean, const std::vector<double>& variances) {
  const auto d = static_cast<int64_t>(variances.size());
  Gaussian g{1000, Tensor(DType::f64, {d}), Tensor(DType::f64, {d, d})};
  for (size_t i = 0; i < variances.size(); ++i) {
    g.mean.as<double>()[i] = mean;
    g.covariance.as<double>()[i * variances.size() + i] = variances[i];
  }
  return g;
}

Gaussian fitted(const Tensor& features) {
  Moments moments(features.shape()[1]);
  moments.add(features);
  return moments.gaussian();
}

}  // namespace

// Were the means' term wrong, pytorch-fid's own check (there with d = 2048) would fail.
TEST_CASE("means 0 and 1 under unit covariance are d apart") {
  const std::vector<double> ones(256, 1.0);
  CHECK(frechet_distance(diagonal(0, ones), diagonal(1, ones)) == Approx(256).epsilon(1e-12));
}

// Were the trace of the root wrong, the closed form for commuting covariances would not hold.
TEST_CASE("diagonal covariances have the closed form sum (sqrt a - sqrt b)^2") {
  const Gaussian a = diagonal(0, {4, 1, 9, 0}), b = diagonal(0, {1, 1, 16, 25});
  CHECK(frechet_distance(a, b) == Approx(1 + 0 + 1 + 25).epsilon(1e-13));
}

// Were a set at a distance from itself, the score would have a floor that is no property of the images.
TEST_CASE("the distance of a set from itself is zero, singular or not") {
  const Tensor full = features(1, 200, 8), wide = features(1, 6, 30);
  Tensor dead = full.clone();  // two features that never fire, one that repeats another
  for (size_t i = 0; i < 200; ++i) {
    dead.as<double>()[i * 8 + 2] = dead.as<double>()[i * 8 + 5] = 0;
    dead.as<double>()[i * 8 + 7] = dead.as<double>()[i * 8 + 1];
  }
  for (const Tensor& x : {full, dead, wide}) {
    CHECK(std::abs(frechet_distance(x, x)) < 1e-12);
    CHECK(std::abs(frechet_distance(fitted(x), fitted(x))) < 1e-12);
  }
}

// Were the formula to take roots of S1 S2 as if it were symmetric, order and rotation would change the score.
TEST_CASE("the distance is symmetric and does not change under rotation") {
  const Tensor a = features(1, 90, 4), b = scaled(features(2, 80, 4), {1, 0.2, 3, 0.5}, 0.3);
  const double distance = frechet_distance(a, b);
  CHECK(distance > 1);
  CHECK(frechet_distance(b, a) == Approx(distance).epsilon(1e-12));
  const double c = std::cos(0.7), s = std::sin(0.7);
  const Tensor turn = product(matrix(4, 4, {c, s, 0, 0, -s, c, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1}),
                              matrix(4, 4, {1, 0, 0, 0, 0, s, 0, c, 0, 0, 1, 0, 0, c, 0, -s}));
  CHECK(frechet_distance(product(a, turn), product(b, turn)) == Approx(distance).epsilon(1e-12));
}

// Were our figure not scipy's, it could not be compared with any published one.
TEST_CASE("the distance equals scipy's, with fewer samples than features too") {
  const auto golden = read_safetensors(AGON_SOURCE_DIR "/tests/fixtures/metrics.safetensors");
  const double tall = golden.find("tall/frechet")->as<double>()[0];
  CHECK(frechet_distance(features(1, 40, 6), features(2, 30, 6)) == Approx(tall).epsilon(1e-11));
  // The fixture's eigenvalues of a singular product are good to sqrt(epsilon).
  const double wide = golden.find("wide/frechet")->as<double>()[0];
  CHECK(frechet_distance(features(3, 5, 12), features(4, 7, 12)) == Approx(wide).epsilon(1e-7));
}

// Were the short cut for few samples to differ from the Gaussian's way, the score would jump at n = d.
TEST_CASE("features and their Gaussians give the same distance") {
  const Tensor few = features(3, 5, 12), many = features(4, 50, 12);
  // The root of a singular covariance is good to the root of epsilon.
  CHECK(frechet_distance(few, many) == Approx(frechet_distance(fitted(few), fitted(many))).epsilon(1e-7));
  CHECK(frechet_distance(many, few) == Approx(frechet_distance(few, many)).epsilon(1e-9));
}

// Were misfits accepted, features of two extractors could be compared.
TEST_CASE("the distance refuses sets of different features and single samples") {
  CHECK_THROWS_AS(frechet_distance(features(1, 9, 3), features(1, 9, 4)), Error);
  CHECK_THROWS_AS(frechet_distance(features(1, 1, 3), features(1, 9, 3)), Error);
  CHECK_THROWS_AS(frechet_distance(diagonal(0, {1, 1}), diagonal(0, {1, 1, 1})), Error);
}
