#include "cuda/kernels/elementwise.h"

#include "cuda_kernels/scalar_ops.h"
#include "cuda_kernels/support.h"

using namespace agon;
using namespace agon::test;
using cuda::Activation;
using cuda::ActivationKind;
using cuda::ElementwiseOp;

namespace {

/// A program under test with its operands on the host.
struct Program {
  cuda::ElementwiseArgs args;
  std::vector<std::vector<float>> inputs;

  explicit Program(std::vector<int64_t> extents) {
    args.rank = static_cast<int>(extents.size());
    std::copy(extents.begin(), extents.end(), args.extents);
  }
  int64_t numel() const {
    int64_t n = 1;
    for (int i = 0; i < args.rank; ++i) n *= args.extents[i];
    return n;
  }
  /// An operand with those extents (1 where it broadcasts) and values in [lo, hi).
  void input(std::vector<int64_t> extents, float lo = -2, float hi = 2) {
    auto& in = args.inputs[args.input_count];
    int64_t stride = 1;
    for (size_t i = extents.size(); i-- > 0; stride *= extents[i])
      in.strides[i] = extents[i] == 1 ? 0 : stride;
    inputs.push_back(random_floats(stride, static_cast<uint32_t>(args.input_count++), lo, hi));
  }
  void input() { input(std::vector<int64_t>(args.extents, args.extents + args.rank)); }
  void constant(float value) {
    args.inputs[args.input_count++].value = value;
    inputs.emplace_back();
  }
  int code(ElementwiseOp op, int a, int b = -1, int c = -1, Activation f = {}, float lo = 0, float hi = 0) {
    args.code[args.code_count] = {op, {a, b, c}, f, lo, hi};
    return args.input_count + args.code_count++;
  }
  void output(int temporary, bool sum = false, float scale = 1) {
    args.outputs[args.output_count++] = {nullptr, cuda::DType::f32, temporary - args.input_count, sum, scale};
  }

  std::vector<std::vector<double>> expected() const {
    std::vector<std::vector<double>> results(static_cast<size_t>(args.output_count));
    std::vector<double> values(static_cast<size_t>(args.input_count + args.code_count));
    for (int64_t i = 0; i < numel(); ++i) {
      for (int k = 0; k < args.input_count; ++k) {
        int64_t rest = i, at = 0;
        for (int axis = args.rank; axis-- > 0; rest /= args.extents[axis])
          at += rest % args.extents[axis] * args.inputs[k].strides[axis];
        const auto& from = inputs[static_cast<size_t>(k)];
        values[static_cast<size_t>(k)] = from.empty() ? args.inputs[k].value : from[static_cast<size_t>(at)];
      }
      const auto operand = [&](int k) { return k < 0 ? 0 : values[static_cast<size_t>(k)]; };
      for (int j = 0; j < args.code_count; ++j) {
        const auto& code = args.code[j];
        values[static_cast<size_t>(args.input_count + j)] =
            apply(code, operand(code.operands[0]), operand(code.operands[1]), operand(code.operands[2]));
      }
      for (int k = 0; k < args.output_count; ++k) {
        auto& result = results[static_cast<size_t>(k)];
        const double value = operand(args.input_count + args.outputs[k].temporary);
        if (!args.outputs[k].sum)
          result.push_back(value);
        else if (result.empty())
          result.push_back(value * args.outputs[k].scale);
        else
          result[0] += value * args.outputs[k].scale;
      }
    }
    return results;
  }

  /// Runs with operands in `dtype`, `offset` elements off alignment, and compares; tells the instance.
  template <class T = float>
  int check(double tolerance = 1e-6, size_t offset = 0, int instance = -1) {
    constexpr bool half = sizeof(T) == 2;
    std::vector<std::unique_ptr<Device<T>>> from, to;
    std::vector<std::unique_ptr<Device<float>>> sums;
    for (int k = 0; k < args.input_count; ++k) {
      auto& values = inputs[static_cast<size_t>(k)];
      if (values.empty()) continue;
      if constexpr (half) {
        values = as_f32(as_bf16(values));
        from.push_back(std::make_unique<Device<T>>(as_bf16(values), offset));
      } else {
        from.push_back(std::make_unique<Device<T>>(values, offset));
      }
      args.inputs[k].data = from.back()->get();
      args.inputs[k].dtype = half ? cuda::DType::bf16 : cuda::DType::f32;
    }
    for (int k = 0; k < args.output_count; ++k) {
      auto& out = args.outputs[k];
      if (out.sum) {
        sums.push_back(std::make_unique<Device<float>>(1));
        out.data = sums.back()->get();
      } else {
        to.push_back(std::make_unique<Device<T>>(static_cast<size_t>(numel()), offset));
        out.data = to.back()->get();
        out.dtype = half ? cuda::DType::bf16 : cuda::DType::f32;
      }
    }
    const Workspace workspace(cuda::elementwise_workspace(args));
    args.workspace = workspace.get();
    args.instance = instance;
    const int ran = cuda::elementwise_instance(args);
    for (int run = 0; run < 2; ++run) succeed(cuda::launch_elementwise(args, nullptr));

    const auto want = expected();
    size_t full = 0, summed = 0;
    for (int k = 0; k < args.output_count; ++k) {
      std::vector<float> got;
      if (args.outputs[k].sum)
        got = sums[summed++]->read();
      else if constexpr (half)
        got = as_f32(to[full++]->read());
      else
        got = to[full++]->read();
      CHECK(relative_error(got, want[static_cast<size_t>(k)]) <= tolerance);
    }
    return ran;
  }
};

constexpr Activation activations[] = {{ActivationKind::identity, 0},      {ActivationKind::relu, 0},
                                      {ActivationKind::leaky_relu, 0.2f}, {ActivationKind::elu, 0.7f},
                                      {ActivationKind::tanh, 0},          {ActivationKind::sigmoid, 0}};

constexpr int scalar = 0, vector = 1;

}  // namespace

// Wrong arithmetic of an op in the interpreter, four at a time or one by one.
TEST_CASE("the interpreter computes every elementwise op", "[cuda]") {
  if (!have_device("elementwise ops")) return;
  for (const int instance : {scalar, vector})
    for (int op = 0; op <= static_cast<int>(ElementwiseOp::cast); ++op) {
      const auto which = static_cast<ElementwiseOp>(op);
      const bool positive =
          which == ElementwiseOp::log || which == ElementwiseOp::sqrt || which == ElementwiseOp::rsqrt;
      Program p({3, 5, 12});
      p.input({3, 5, 12}, positive ? 0.1f : -2.0f);
      p.input({3, 5, 12}, which == ElementwiseOp::div ? 0.5f : -2.0f);
      p.input();
      if (which == ElementwiseOp::equal || which == ElementwiseOp::where)
        for (float& x : p.inputs[0]) x = x < 0 ? 0 : 1;
      if (which == ElementwiseOp::equal)
        for (float& x : p.inputs[1]) x = x < 0 ? 0 : 1;
      if (which == ElementwiseOp::activation || which == ElementwiseOp::activation_grad)
        for (const Activation& f : activations) p.output(p.code(which, 0, 1, 2, f));
      else
        p.output(p.code(which, 0, 1, 2, {}, -0.5f, 0.75f));
      INFO("op " << op << " instance " << instance);
      CHECK(p.check(1e-6, 0, instance) == instance);
    }
}

// Wrong offsets of broadcast operands, merged axes, tails, or unaligned tensors.
TEST_CASE("elementwise programs broadcast at any alignment", "[cuda]") {
  if (!have_device("elementwise broadcasting")) return;
  const std::vector<std::vector<int64_t>> spaces = {
      {7}, {2, 3, 5, 8}, {4, 1, 6, 3}, {1, 1, 1, 1}, {2, 3, 2, 2, 3, 4}};
  for (const auto& space : spaces)
    for (const size_t offset : {size_t{0}, size_t{1}}) {
      Program p(space);
      std::vector<int64_t> channel(space.size(), 1), sample(space.size(), 1), middle = space;
      channel.back() = space.back();
      sample[0] = space[0];
      middle[space.size() / 2] = 1;
      p.input();
      p.input(channel);
      p.input(sample, 0.5f, 2);
      p.input(middle);
      p.constant(0.75f);
      p.input(std::vector<int64_t>(space.size(), 1));
      const int scaled = p.code(ElementwiseOp::mul, 0, 1);
      const int shifted = p.code(ElementwiseOp::add, scaled, 3);
      const int divided = p.code(ElementwiseOp::div, shifted, 2);
      const int clipped = p.code(ElementwiseOp::minimum, divided, 4);
      p.output(p.code(ElementwiseOp::sub, clipped, 5));
      p.output(divided);
      INFO("rank " << space.size() << " offset " << offset);
      p.check(1e-6, offset);
    }
}

// A loss's value and gradient in one pass: the sum must be right for many blocks, and the counter be reset.
TEST_CASE("elementwise programs add up results in one pass", "[cuda]") {
  if (!have_device("elementwise sums")) return;
  for (const int64_t n : {int64_t{1}, int64_t{37}, int64_t{5000}, int64_t{70001}, int64_t{300000}}) {
    Program p({n});
    p.input();
    p.constant(0.5f);
    const int distance = p.code(ElementwiseOp::sub, 0, 1);
    const int square = p.code(ElementwiseOp::mul, distance, distance);
    p.output(distance);
    p.output(square, true, 0.5f / static_cast<float>(n));
    p.output(distance, true);
    INFO(n);
    p.check(2e-6);
  }
}

// Slots of temporaries given away too early, or too many of them for shared memory.
TEST_CASE("long elementwise programs keep their temporaries apart", "[cuda]") {
  if (!have_device("long elementwise programs")) return;
  for (const int live : {6, 14, 24}) {
    Program p({4, 33, 4});
    for (int k = 0; k < 3; ++k) p.input({4, 33, 4}, -1, 1);
    std::vector<int> made;
    for (int k = 0; k < live; ++k)
      made.push_back(
          p.code(ElementwiseOp::sub, k % 3, k > 2 ? made[static_cast<size_t>(k - 3)] : (k + 1) % 3));
    int sum = made[0];
    for (int k = 1; k < live && p.args.code_count < cuda::elementwise_max_code; ++k)
      sum = p.code(ElementwiseOp::add, sum, made[static_cast<size_t>(live - k)]);
    p.output(sum);
    p.output(made[static_cast<size_t>(live) / 2]);
    INFO(live);
    CHECK(p.check(2e-6) == (live < 20 ? vector : scalar));
  }
}

// A compiled instance that computes another op, or misses a tail.
TEST_CASE("compiled elementwise instances", "[cuda]") {
  if (!have_device("compiled elementwise instances")) return;
  Seen seen;
  const auto names = cuda::elementwise_instances();
  for (const int64_t n : {int64_t{4}, int64_t{1028}, int64_t{5000}}) {
    const auto single = [&](ElementwiseOp op, Activation f, bool half) {
      Program p({n});
      p.input();
      if (op != ElementwiseOp::activation && op != ElementwiseOp::cast) p.input();
      p.output(p.code(op, 0, p.args.input_count > 1 ? 1 : -1, -1, f));
      seen.add(half ? p.check<uint16_t>(5e-3) : p.check());
    };
    for (const Activation& f : activations) {
      single(ElementwiseOp::activation, f, false);
      single(ElementwiseOp::activation_grad, f, false);
      single(ElementwiseOp::activation, f, true);
      single(ElementwiseOp::activation_grad, f, true);
    }
    for (const ElementwiseOp op : {ElementwiseOp::add, ElementwiseOp::mul, ElementwiseOp::cast}) {
      single(op, {}, false);
      single(op, {}, true);
    }
    Program unaligned({n});
    unaligned.input();
    unaligned.input();
    unaligned.output(unaligned.code(ElementwiseOp::add, 0, 1));
    seen.add(unaligned.check(1e-6, 1));
    CHECK(names[static_cast<size_t>(unaligned.check(1e-6, 0))].name == std::string("add"));
    seen.add(unaligned.check(1e-6, 0, vector));
  }
  // Casts change the dtype.
  for (const bool to_half : {true, false}) {
    const auto values = as_f32(as_bf16(random_floats(1000, 3)));
    const Device<float> wide(values);
    const Device<uint16_t> half(as_bf16(values));
    cuda::ElementwiseArgs args;
    args.rank = 1;
    args.extents[0] = 1000;
    args.input_count = args.output_count = args.code_count = 1;
    args.inputs[0].strides[0] = 1;
    args.code[0] = {ElementwiseOp::cast, {0, -1, -1}, {}, 0, 0};
    const Device<float> to_wide(1000);
    const Device<uint16_t> to(1000);
    args.inputs[0].data = to_half ? static_cast<const void*>(wide.get()) : half.get();
    args.inputs[0].dtype = to_half ? cuda::DType::f32 : cuda::DType::bf16;
    args.outputs[0].data = to_half ? static_cast<void*>(to.get()) : to_wide.get();
    args.outputs[0].dtype = to_half ? cuda::DType::bf16 : cuda::DType::f32;
    seen.add(cuda::elementwise_instance(args));
    succeed(cuda::launch_elementwise(args, nullptr));
    CHECK(relative_error(to_half ? as_f32(to.read()) : to_wide.read(), values) == 0);
  }
  seen.require_all(names);
}

// Integers that are rounded or saturated another way than the reference's.
TEST_CASE("elementwise casts of integers", "[cuda]") {
  if (!have_device("elementwise casts")) return;
  const std::vector<float> values = {0.5f, 1.5f, -2.5f, 2.4999f, 1e10f, -1e10f, 7};
  const Device<float> from(values);
  const Device<int32_t> to(values.size());
  cuda::ElementwiseArgs args;
  args.rank = 1;
  args.extents[0] = static_cast<int64_t>(values.size());
  args.input_count = args.output_count = args.code_count = 1;
  args.inputs[0].data = from.get();
  args.inputs[0].strides[0] = 1;
  args.code[0] = {ElementwiseOp::cast, {0, -1, -1}, {}, 0, 0};
  args.outputs[0].data = to.get();
  args.outputs[0].dtype = cuda::DType::i32;
  succeed(cuda::launch_elementwise(args, nullptr));
  CHECK(to.read() == std::vector<int32_t>{0, 2, -2, 2, INT32_MAX, INT32_MIN, 7});

  const Device<float> back(values.size());
  args.inputs[0].data = to.get();
  args.inputs[0].dtype = cuda::DType::i32;
  args.outputs[0].data = back.get();
  args.outputs[0].dtype = cuda::DType::f32;
  succeed(cuda::launch_elementwise(args, nullptr));
  CHECK(back.read()[2] == -2);
}

// Arguments outside of the limits must be refused, not run.
TEST_CASE("elementwise refuses what it cannot run", "[cuda]") {
  if (!have_device("elementwise limits")) return;
  Program p({8});
  p.input();
  p.output(p.code(ElementwiseOp::add, 0, 3));
  CHECK(cuda::elementwise_instance(p.args) == -1);
  CHECK(cuda::launch_elementwise(p.args, nullptr) == cudaErrorInvalidValue);
}
