#include "backend/cpu/kernels/elementwise.h"

#include <cstring>

#include "backend/cpu/kernels/bf16.h"
#include "backend/reference/kernels.h"
#include "catch.h"
#include "naive.h"

using namespace agon;
using cpu::ElementwiseKernel;
using cpu::ElementwiseOperand;
using cpu::Strides;
using Instruction = ElementwiseProgram::Instruction;

namespace {

double exact(Instruction instruction, double a, double b, double c) {
  instruction.activation.alpha = static_cast<float>(instruction.activation.alpha);  // as kernels keep it
  return reference::apply(instruction, a, b, c);
}

/// Runs one instruction over three flat arrays.
std::vector<float> apply(const Instruction& instruction, const std::vector<float>& a,
                         const std::vector<float>& b, const std::vector<float>& c) {
  const Shape extents{static_cast<int64_t>(a.size())};
  const std::vector<ElementwiseOperand> inputs(3, {Strides{1}}), outputs(1, {Strides{1}});
  ElementwiseKernel kernel({{instruction}, {0}}, extents, inputs, outputs);
  std::vector<float> y(a.size());
  const void* from[] = {a.data(), b.data(), c.data()};
  void* to[] = {y.data()};
  kernel.run(from, to);
  return y;
}

double worst_ulps(const Instruction& instruction, const std::vector<float>& a, const std::vector<float>& b,
                  const std::vector<float>& c) {
  const auto y = apply(instruction, a, b, c);
  double worst = 0;
  for (size_t i = 0; i < a.size(); ++i)
    worst = std::max(worst, naive::ulps(y[i], exact(instruction, a[i], b[i], c[i])));
  return worst;
}

/// Every `step`-th float of both signs, infinities and NaN among them, no denormals.
std::vector<float> sweep(uint32_t step) {
  std::vector<float> values;
  for (uint64_t bits = 0; bits < 0x100000000; bits += step) {
    float value = 0;
    const auto word = static_cast<uint32_t>(bits);
    std::memcpy(&value, &word, sizeof(value));
    if (value == 0 || std::isnormal(value) || std::isinf(value)) values.push_back(value);
  }
  values.insert(values.end(), {0.0f, -0.0f, 1.0f, -1.0f, INFINITY, -INFINITY, NAN});
  return values;
}

Instruction make(Op op, int a = 0, int b = 1, int c = 2) {
  return {op, {a, b, c}, {}, {}};
}
Instruction make(Op op, ActivationKind kind, double alpha, int a = 0, int b = 1) {
  return {op, {a, b, -1}, {kind, alpha}, {}};
}

}  // namespace

// Were an op's formula, operand order or tie rule wrong, every network using it would be.
TEST_CASE("each exact elementwise op does what it says") {
  auto a = naive::integers(1003, 1), b = naive::integers(1003, 2), c = naive::integers(1003, 3);
  a[7] = b[11] = NAN;
  for (Op op : {Op::neg, Op::abs, Op::sign, Op::add, Op::sub, Op::mul, Op::div, Op::maximum, Op::minimum,
                Op::greater, Op::greater_equal, Op::equal, Op::where}) {
    INFO(name_of(op));
    a[7] = op == Op::sign ? 0 : NAN;
    if (op == Op::div)
      for (float& v : b) v = v == 0 ? 2 : v;
    CHECK(worst_ulps(make(op), a, b, c) == (op == Op::div ? Approx(0.5).margin(0.5) : Approx(0)));
  }
  Instruction clamp = make(Op::clamp);
  clamp.clamp = {-1.5, 2};
  a[7] = 5;
  CHECK(worst_ulps(clamp, a, b, c) == 0);
}

// Were a vectorised function off beyond 4 ulp or wrong at its edges, losses would drift or turn NaN.
TEST_CASE("elementary functions stay within 4 ulp over the whole float range") {
  const auto x = sweep(20011);
  const std::vector<float> none(x.size());
  auto positive = x;
  for (float& v : positive) v = std::fabs(v);
  // Beyond these bounds results are denormal, where a last place is no measure.
  auto bounded = [&](float lo) {
    auto values = x;
    for (float& v : values) v = v < lo && v > -INFINITY ? lo : v;
    return values;
  };
  for (Op op : {Op::log, Op::sqrt, Op::rsqrt}) {
    INFO(name_of(op));
    CHECK(worst_ulps(make(op), positive, none, none) <= 4);
  }
  CHECK(worst_ulps(make(Op::exp), bounded(-87), none, none) <= 4);
  CHECK(worst_ulps(make(Op::softplus), bounded(-87), none, none) <= 4);
  CHECK(worst_ulps(make(Op::activation, ActivationKind::sigmoid, 0), bounded(-87), none, none) <= 4);
  CHECK(worst_ulps(make(Op::activation, ActivationKind::tanh, 0), x, none, none) <= 4);
  CHECK(worst_ulps(make(Op::activation, ActivationKind::elu, 1), x, none, none) <= 4);
  const auto far =
      apply(make(Op::exp), {-1000.0f, -104.5f, 88.8f, 1000.0f}, std::vector<float>(4), std::vector<float>(4));
  CHECK(far[0] == 0);
  CHECK(far[1] <= 0x1p-149f);
  CHECK(std::isinf(far[2]));
  CHECK(std::isinf(far[3]));
}

// Were an activation or its derivative by the output wrong, the backward pass would be.
TEST_CASE("activations and their derivatives by the output match their definitions") {
  const auto x = naive::normals(777, 4, 2), dy = naive::normals(777, 5);
  for (auto kind : {ActivationKind::identity, ActivationKind::relu, ActivationKind::leaky_relu,
                    ActivationKind::elu, ActivationKind::tanh, ActivationKind::sigmoid}) {
    INFO(static_cast<int>(kind));
    const auto forward = make(Op::activation, kind, 0.3);
    CHECK(worst_ulps(forward, x, dy, dy) <= 4);
    const auto y = apply(forward, x, dy, dy);
    const auto grad = make(Op::activation_grad, kind, 0.3);
    const auto dx = apply(grad, y, dy, dy);
    for (size_t i = 0; i < x.size(); ++i) CHECK(dx[i] == Approx(exact(grad, y[i], dy[i], 0)).margin(1e-6));
  }
}

namespace {

/// Operand i of a random chain: strides over `extents` that are dense, permuted, broadcast or padded.
Strides random_strides(std::mt19937& engine, const Shape& extents, bool broadcast) {
  std::vector<int> order;
  for (int axis = 0; axis < extents.rank(); ++axis) order.push_back(axis);
  if (engine() % 4 == 0) std::shuffle(order.begin(), order.end(), engine);
  const int64_t padding = engine() % 4 == 0 ? 2 : 0;
  Strides strides{};
  int64_t step = engine() % 8 == 0 ? 3 : 1;
  for (size_t i = order.size(); i-- > 0;) {
    const auto axis = static_cast<size_t>(order[i]);
    if (broadcast && engine() % 3 == 0) continue;
    strides[axis] = step;
    step *= extents[order[i]] + padding;
  }
  return strides;
}

Instruction random_instruction(std::mt19937& engine, int operands) {
  constexpr Op ops[] = {Op::neg, Op::abs,     Op::sign,    Op::clamp,   Op::add,   Op::sub,  Op::activation,
                        Op::mul, Op::maximum, Op::minimum, Op::greater, Op::equal, Op::where};
  const auto draw = [&] { return static_cast<int>(engine() % static_cast<unsigned>(operands)); };
  Instruction instruction{ops[engine() % std::size(ops)], {draw(), draw(), draw()}, {}, {-2, 2}};
  // Recent temporaries are read more often, which makes chains.
  if (engine() % 2 == 0) instruction.operands[engine() % 2] = operands - 1;
  instruction.activation = {engine() % 2 == 0 ? ActivationKind::relu : ActivationKind::leaky_relu, 2};
  return instruction;
}

/// Floats as they lie in memory, in f32 or bf16.
class Stored {
 public:
  Stored(std::vector<float> values, bool narrow) : floats_(std::move(values)), narrow_(narrow) {
    for (float v : floats_) halves_.push_back({to_bf16(v)});
  }
  void* data() { return narrow_ ? static_cast<void*>(halves_.data()) : floats_.data(); }
  double operator[](size_t i) const {
    return static_cast<double>(narrow_ ? from_bf16(halves_[i].bits) : floats_[i]);
  }

 private:
  std::vector<float> floats_;
  std::vector<cpu::bf16> halves_;
  bool narrow_;
};

/// With `narrow`, some operands are bf16.
void check_random_chain(unsigned seed, bool in_place, bool narrow) {
  std::mt19937 engine(seed);
  Shape extents;
  const int rank = 1 + static_cast<int>(engine() % 5);
  constexpr int64_t sizes[] = {1, 2, 3, 5, 7, 16, 17, 33};
  for (int axis = 0; axis < rank; ++axis) extents.push_back(sizes[engine() % 8]);
  if (seed % 3 == 0) extents[rank - 1] = 1500;
  if (extents.numel() > 200000) return;

  const int inputs = 1 + static_cast<int>(engine() % 4), length = 1 + static_cast<int>(engine() % 9);
  ElementwiseProgram program;
  for (int i = 0; i < length; ++i) program.code.push_back(random_instruction(engine, inputs + i));
  program.outputs.push_back(length - 1);
  if (seed % 2 == 0) program.outputs.push_back(static_cast<int>(engine() % static_cast<unsigned>(length)));

  std::vector<ElementwiseOperand> from, to;
  const auto type = [&] { return narrow && engine() % 2 == 0; };
  for (int i = 0; i < inputs; ++i) from.push_back({random_strides(engine, extents, true), type()});
  for (size_t k = 0; k < program.outputs.size(); ++k)
    to.push_back({random_strides(engine, extents, false), type()});
  if (in_place) from[0] = to.back();

  std::vector<Stored> x, y;
  for (size_t i = 0; i < from.size(); ++i)
    x.emplace_back(naive::integers(naive::span(extents, from[i].strides), seed + static_cast<unsigned>(i)),
                   from[i].narrow);
  for (const auto& [strides, is_narrow] : to)
    y.emplace_back(std::vector<float>(naive::span(extents, strides), 99.0f), is_narrow);
  const auto before = x;
  if (in_place) y.back() = x[0];
  std::vector<const void*> in;
  std::vector<void*> out;
  for (Stored& values : x) in.push_back(values.data());
  for (Stored& values : y) out.push_back(values.data());
  if (in_place) in[0] = out.back();

  ElementwiseKernel(program, extents, from, to).run(in.data(), out.data());

  bool equal = true;
  double largest = 0;
  std::vector<double> value(static_cast<size_t>(inputs + length));
  naive::for_each(extents, [&](const naive::Index& index) {
    for (size_t i = 0; i < from.size(); ++i) value[i] = before[i][naive::offset(index, from[i].strides)];
    for (size_t i = 0; i < program.code.size(); ++i) {
      const auto& [a, b, c] = program.code[i].operands;
      value[from.size() + i] = exact(program.code[i], value[static_cast<size_t>(a)],
                                     value[static_cast<size_t>(b)], value[static_cast<size_t>(c)]);
    }
    for (double v : value) largest = std::max(largest, std::fabs(v));
    for (size_t k = 0; k < to.size(); ++k) {
      const double expected = value[from.size() + static_cast<size_t>(program.outputs[k])];
      const double rounded = static_cast<double>(from_bf16(to_bf16(static_cast<float>(expected))));
      equal &= y[k][naive::offset(index, to[k].strides)] == (to[k].narrow ? rounded : expected);
    }
  });
  INFO("seed " << seed << (in_place ? " in place" : "") << " extents " << extents.str());
  if (largest < 0x1p23) CHECK(equal);  // beyond, float is not exact
}

}  // namespace

// Were tiles, strides, broadcasting or the sharing of scratch wrong, fused chains would mix up values.
TEST_CASE("random chains over random strides equal point by point evaluation") {
  for (unsigned seed = 0; seed < 400; ++seed) check_random_chain(seed, false, false);
}

// Were an output stored before the last read of the input it replaces, in-place updates would corrupt it.
TEST_CASE("an output may replace an input of equal strides") {
  for (unsigned seed = 0; seed < 400; ++seed) check_random_chain(seed, true, false);
}

// Were bf16 operands read, rounded or stepped through wrongly, mixed precision would train on noise.
TEST_CASE("random chains with bf16 operands equal point by point evaluation, rounded") {
  for (unsigned seed = 0; seed < 400; ++seed) check_random_chain(seed, seed % 4 == 0, true);
}

// Were a pair of instructions run in one pass wired wrongly, a - b * c would become b * c - a.
TEST_CASE("two arithmetic instructions in one pass equal one after the other") {
  const size_t n = 1011;
  const auto a = naive::integers(n, 1), b = naive::integers(n, 2), c = naive::integers(n, 3);
  const Shape extents{static_cast<int64_t>(n)};
  const std::vector<ElementwiseOperand> inputs(3, {Strides{1}}), outputs(1, {Strides{1}});
  for (Op first : {Op::add, Op::sub, Op::mul})
    for (const Instruction& second :
         {make(Op::add, 3, 2), make(Op::add, 2, 3), make(Op::sub, 3, 2), make(Op::sub, 2, 3),
          make(Op::mul, 3, 2), make(Op::mul, 2, 3), make(Op::activation, ActivationKind::relu, 0, 3, -1),
          make(Op::activation, ActivationKind::leaky_relu, 0.25, 3, -1), make(Op::mul, 3, 3)}) {
      INFO(name_of(first) << " then " << name_of(second.op) << " of " << second.operands[0]);
      const ElementwiseProgram program{{make(first), second}, {1}};
      std::vector<float> y(n);
      const void* in[] = {a.data(), b.data(), c.data()};
      void* out[] = {y.data()};
      ElementwiseKernel(program, extents, inputs, outputs).run(in, out);
      size_t wrong = 0;
      for (size_t i = 0; i < n; ++i) {
        const double value[] = {a[i], b[i], c[i], exact(make(first), a[i], b[i], c[i])};
        const auto at = [&](int k) {
          return value[second.operands[static_cast<size_t>(k)] < 0 ? 0
                                                                   : second.operands[static_cast<size_t>(k)]];
        };
        wrong += y[i] != exact(second, at(0), at(1), 0);
      }
      CHECK(wrong == 0);
    }
}

// Were the interpolation's operands mixed up, averaged weights would run away from the trained ones.
TEST_CASE("interpolation in one pass equals its three instructions") {
  const size_t n = 5003;
  const auto a = naive::integers(n, 1), b = naive::integers(n, 2), c = naive::integers(n, 3);
  const Shape extents{static_cast<int64_t>(n)};
  const std::vector<ElementwiseOperand> inputs(3, {Strides{1}}), outputs(1, {Strides{1}});
  for (const Instruction& mul : {make(Op::mul, 3, 2), make(Op::mul, 2, 3)})
    for (const Instruction& add : {make(Op::add, 4, 0), make(Op::add, 0, 4)}) {
      const ElementwiseProgram program{{make(Op::sub, 1, 0), mul, add}, {2}};
      std::vector<float> y = a;
      const void* in[] = {y.data(), b.data(), c.data()};
      void* out[] = {y.data()};
      ElementwiseKernel(program, extents, inputs, outputs).run(in, out);
      size_t wrong = 0;
      for (size_t i = 0; i < n; ++i) wrong += y[i] != a[i] + (b[i] - a[i]) * c[i];
      CHECK(wrong == 0);
    }
}

// Were work shared out differently from how it is computed, large arrays would have gaps.
TEST_CASE("large arrays are covered whatever the broadcast") {
  const Shape extents{37, 41, 160};
  const auto x = naive::normals(static_cast<size_t>(extents.numel()), 8);
  const auto bias = naive::normals(160, 9);
  const auto scale = naive::normals(1, 10);
  const std::vector<ElementwiseOperand> inputs{{cpu::row_major(extents)},
                                               {cpu::broadcast_strides({160}, extents)},
                                               {cpu::broadcast_strides({}, extents)}};
  const std::vector<ElementwiseOperand> outputs{{cpu::row_major(extents)}};
  const ElementwiseProgram program{{make(Op::mul, 0, 2), make(Op::add, 3, 1)}, {1}};
  std::vector<float> y(x.size());
  const void* in[] = {x.data(), bias.data(), scale.data()};
  void* out[] = {y.data()};
  ElementwiseKernel(program, extents, inputs, outputs).run(in, out);
  size_t wrong = 0;
  for (size_t i = 0; i < x.size(); ++i) wrong += std::fabs(y[i] - (x[i] * scale[0] + bias[i % 160])) > 1e-6f;
  CHECK(wrong == 0);
}

// Were the limits unchecked, a chain too long for the scratch would write beyond it.
TEST_CASE("a chain with too many temporaries alive is refused") {
  ElementwiseProgram program;
  for (int i = 0; i < 300; ++i) program.code.push_back(make(Op::neg, 0, -1, -1));
  for (int i = 0; i < 299; ++i) program.code.push_back(make(Op::add, 1 + i, i == 0 ? 300 : 300 + i));
  program.outputs.push_back(598);
  const std::vector<ElementwiseOperand> one(1, {Strides{1}});
  CHECK_THROWS_AS(ElementwiseKernel(program, {1000}, one, one), Error);
}
