#include "backend/cpu/kernels/block_ops.h"

#include <functional>
#include <limits>

#include "catch.h"
#include "support.h"

using namespace agon;
using namespace agon::cpu;
using namespace agon::test;

namespace {

using Reference = std::function<double(double, double, double)>;

struct Entry {
  Op op;
  float lo, hi;  ///< range of the operands
  double tolerance;
  Reference reference;
};

const std::vector<Entry> entries{
    {Op::neg, -2, 2, 0, [](double a, double, double) { return -a; }},
    {Op::abs, -2, 2, 0, [](double a, double, double) { return std::fabs(a); }},
    {Op::sign, -2, 2, 0, [](double a, double, double) { return (a > 0) - (a < 0); }},
    {Op::exp, -80, 80, 2e-7, [](double a, double, double) { return std::exp(a); }},
    {Op::log, 1e-3f, 9, 2e-7, [](double a, double, double) { return std::log(a); }},
    {Op::sqrt, 0, 9, 2e-7, [](double a, double, double) { return std::sqrt(a); }},
    {Op::rsqrt, 0.1f, 9, 2e-7, [](double a, double, double) { return 1 / std::sqrt(a); }},
    {Op::softplus, -30, 30, 3e-7,
     [](double a, double, double) { return std::log1p(std::exp(-std::fabs(a))) + std::fmax(a, 0); }},
    {Op::clamp, -2, 2, 0, [](double a, double, double) { return std::fmin(std::fmax(a, -0.5), 0.75); }},
    {Op::add, -2, 2, 1e-7, [](double a, double b, double) { return a + b; }},
    {Op::sub, -2, 2, 1e-7, [](double a, double b, double) { return a - b; }},
    {Op::mul, -2, 2, 1e-7, [](double a, double b, double) { return a * b; }},
    {Op::div, 0.5f, 2, 1e-7, [](double a, double b, double) { return a / b; }},
    {Op::maximum, -2, 2, 0, [](double a, double b, double) { return std::fmax(a, b); }},
    {Op::minimum, -2, 2, 0, [](double a, double b, double) { return std::fmin(a, b); }},
    {Op::greater, -2, 2, 0, [](double a, double b, double) { return a > b ? 1 : 0; }},
    {Op::greater_equal, -2, 2, 0, [](double a, double b, double) { return a >= b ? 1 : 0; }},
    {Op::equal, -2, 2, 0, [](double a, double b, double) { return a == b ? 1 : 0; }},
    {Op::where, -2, 2, 0, [](double a, double b, double c) { return a != 0 ? b : c; }}};

double worst_relative(const std::vector<float>& got, const std::vector<double>& want) {
  double worst = 0;
  for (size_t i = 0; i < got.size(); ++i) {
    const double error = std::fabs(static_cast<double>(got[i]) - want[i]);
    worst = std::max(worst, want[i] == 0 ? error : error / std::fabs(want[i]));
  }
  return worst;
}

}  // namespace

// Were an op's loop wrong, or its vector part unlike its tail, fused chains would compute something else.
TEST_CASE("every elementwise instruction agrees with its definition at every length") {
  for (const auto& entry : entries) {
    for (int64_t n : {1, 3, 16, 17, 100, 1000}) {
      auto a = random_floats(n, 1, entry.lo, entry.hi), b = random_floats(n, 2, entry.lo, entry.hi);
      const auto c = random_floats(n, 3, entry.lo, entry.hi);
      a[0] = b[0];
      if (entry.op == Op::where)
        for (size_t i = 0; i < a.size(); i += 2) a[i] = 0;
      std::vector<double> want;
      for (size_t i = 0; i < a.size(); ++i)
        want.push_back(
            entry.reference(static_cast<double>(a[i]), static_cast<double>(b[i]), static_cast<double>(c[i])));
      ElementwiseProgram::Instruction instruction{entry.op, {0, 1, 2}, {}, {-0.5, 0.75}};
      std::vector<float> out(a.size());
      evaluate_block(instruction, a.data(), b.data(), c.data(), n, out.data());
      INFO(name_of(entry.op) << " n " << n);
      CHECK(worst_relative(out, want) <= entry.tolerance);
      evaluate_block(instruction, a.data(), b.data(), c.data(), n, a.data());
      CHECK(a == out);
    }
  }
}

// Were a vector function to turn infinities or NaN into plain numbers, divergence would go unseen.
TEST_CASE("elementwise functions keep the special values") {
  const float inf = std::numeric_limits<float>::infinity(), nan = std::numeric_limits<float>::quiet_NaN();
  auto at = [](Op op, float x, ActivationKind kind = ActivationKind::identity) {
    std::vector<float> v(20, x);
    evaluate_block({op, {0, -1, -1}, {kind, 1}, {}}, v.data(), nullptr, nullptr, 20, v.data());
    CHECK((v[0] == v[19] || std::isnan(v[19])));
    return v[0];
  };
  CHECK(at(Op::exp, -inf) == 0);
  CHECK(at(Op::exp, inf) == inf);
  CHECK(at(Op::exp, 100) == inf);
  CHECK(at(Op::exp, 0) == 1);
  CHECK(at(Op::log, 0) == -inf);
  CHECK(at(Op::log, inf) == inf);
  CHECK(std::isnan(at(Op::log, -1)));
  CHECK(at(Op::log, 1e-40f) == Approx(std::log(static_cast<double>(1e-40f))));
  CHECK(at(Op::softplus, -inf) == 0);
  CHECK(at(Op::softplus, inf) == inf);
  CHECK(at(Op::activation, 1000, ActivationKind::tanh) == 1);
  CHECK(at(Op::activation, -1000, ActivationKind::tanh) == -1);
  CHECK(at(Op::activation, -1000, ActivationKind::sigmoid) == 0);
  CHECK(at(Op::activation, -1000, ActivationKind::elu) == -1);
  for (Op op : {Op::exp, Op::log, Op::softplus, Op::sqrt}) CHECK(std::isnan(at(op, nan)));
  for (auto kind : {ActivationKind::tanh, ActivationKind::sigmoid, ActivationKind::elu})
    CHECK(std::isnan(at(Op::activation, nan, kind)));
}

// Were an activation's slope not that of its value, gradients would point elsewhere.
TEST_CASE("activations and their gradients by the output agree with differences") {
  const std::vector<Activation> activations{{ActivationKind::identity, 0},     {ActivationKind::relu, 0},
                                            {ActivationKind::leaky_relu, 0.2}, {ActivationKind::elu, 1.3},
                                            {ActivationKind::tanh, 0},         {ActivationKind::sigmoid, 0}};
  for (const auto& f : activations) {
    for (int64_t n : {5, 10007}) {
      auto x = random_floats(n, 1, -3, 3);
      for (float& v : x) v = std::fabs(v) < 0.05f ? 0.5f : v;  // away from kinks
      const auto dy = random_floats(n, 2);
      const float step = 1.0f / 128;
      std::vector<float> up = x, down = x, y(x.size()), dx(x.size());
      for (size_t i = 0; i < x.size(); ++i) {
        up[i] += step;
        down[i] -= step;
      }
      const ElementwiseProgram::Instruction forward{Op::activation, {0, -1, -1}, f, {}};
      const ElementwiseProgram::Instruction backward{Op::activation_grad, {0, 1, -1}, f, {}};
      evaluate_block(forward, x.data(), nullptr, nullptr, n, y.data());
      evaluate_block(forward, up.data(), nullptr, nullptr, n, up.data());
      evaluate_block(forward, down.data(), nullptr, nullptr, n, down.data());
      evaluate_block(backward, y.data(), dy.data(), nullptr, n, dx.data());
      std::vector<double> want;
      for (size_t i = 0; i < x.size(); ++i)
        want.push_back(static_cast<double>(dy[i]) * static_cast<double>(up[i] - down[i]) /
                       (2.0 * static_cast<double>(step)));
      INFO("activation " << static_cast<int>(f.kind) << " n " << n);
      CHECK(relative_error(dx, want) < 1e-4);
    }
  }
}
