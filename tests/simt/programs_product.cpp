// Products, transposes and stencils on the device against the host.
#include <cmath>

#include "catch.h"
#include "programs.h"

using namespace programs;

namespace {

using Product = void (*)(const float*, const float*, float*, int, int, int);

void check_product(Product run, int m, int n, int k) {
  INFO("m " << m << " n " << n << " k " << k);
  const std::vector<float> a = random_floats(static_cast<size_t>(m * k), 1);
  const std::vector<float> b = random_floats(static_cast<size_t>(k * n), 2);
  DeviceArray<float> da(a), db(b), dc(static_cast<size_t>(m * n));
  run(da.data(), db.data(), dc.data(), m, n, k);
  finish();
  const std::vector<float> c = dc.host();
  double worst = 0;
  for (int i = 0; i < m; ++i)
    for (int j = 0; j < n; ++j) {
      double sum = 0;
      for (int q = 0; q < k; ++q)
        sum += static_cast<double>(a[static_cast<size_t>(i * k + q)]) * b[static_cast<size_t>(q * n + j)];
      worst = std::max(worst, std::abs(sum - c[static_cast<size_t>(i * n + j)]));
    }
  CHECK(worst <= 1e-6 * std::sqrt(k) + 1e-6);
}

}  // namespace

// Broken: two-dimensional blocks, predicated edges, or barriers in the main loop.
TEST_CASE("products by tiles in shared memory", "[programs]") {
  for (const Product run : {product_simple, product_tiled}) {
    check_product(run, 1, 1, 1);
    check_product(run, 33, 47, 29);
    check_product(run, 64, 16, 80);
  }
}

// Broken: 16-byte loads and stores, or many registers live at once.
TEST_CASE("product by tiles in registers", "[programs]") {
  check_product(product_registers, 64, 64, 8);
  check_product(product_registers, 128, 64, 40);
}

// Broken: groups of cp.async, their waits, or the filling with zeros.
TEST_CASE("product with a pipeline of asynchronous copies", "[programs]") {
  for (int seed = 0; seed < 3; ++seed) {
    set_seed(seed);
    check_product(product_pipelined, 32, 32, 64);
    check_product(product_pipelined, 45, 70, 37);
    check_product(product_pipelined, 5, 3, 1);
  }
}

// Broken: shared memory with padded rows.
TEST_CASE("transpose", "[programs]") {
  const int rows = 67, columns = 101;
  const std::vector<float> x = random_floats(static_cast<size_t>(rows * columns), 3);
  DeviceArray<float> dx(x), dy(x.size());
  transpose(dx.data(), dy.data(), rows, columns);
  finish();
  const std::vector<float> y = dy.host();
  for (size_t r = 0; r < rows; ++r)
    for (size_t c = 0; c < columns; ++c) REQUIRE(y[c * rows + r] == x[r * columns + c]);
}

// Broken: halos, or loads through the read-only path.
TEST_CASE("stencil with a halo", "[programs]") {
  const int n = 1000, radius = 5;
  const std::vector<float> x = random_floats(n, 4), w = random_floats(2 * radius + 1, 5);
  DeviceArray<float> dx(x), dw(w), dy(n);
  stencil(dx.data(), dy.data(), n, radius, dw.data());
  finish();
  const std::vector<float> y = dy.host();
  for (int i = 0; i < n; ++i) {
    double sum = 0;
    for (int k = -radius; k <= radius; ++k)
      if (i + k >= 0 && i + k < n)
        sum += static_cast<double>(x[static_cast<size_t>(i + k)]) * w[static_cast<size_t>(k + radius)];
    REQUIRE(y[static_cast<size_t>(i)] == Approx(sum).margin(1e-5));
  }
}
