#include <array>
#include <set>

#include "catch.h"
#include "conv_case.h"
#include "support.h"

using namespace conv_test;

namespace {

const ConvCase cases[] = {
    {"stride 2, kernel 4, one tile and a bit",
     {.batch = 3,
      .x = {12, 10, 1},
      .kernel = {4, 4, 1},
      .stride = {2, 2, 1},
      .pad_lo = {1, 1, 0},
      .x_channels = 16,
      .y_channels = 8},
     {1, 1, 0}},
    {"more than a tile in every extent",
     {.batch = 2,
      .x = {11, 13, 1},
      .kernel = {3, 3, 1},
      .pad_lo = {1, 1, 0},
      .x_channels = 72,
      .y_channels = 136},
     {1, 1, 0}},
    {"many small images, much padding",
     {.batch = 24,
      .x = {4, 4, 1},
      .kernel = {4, 4, 1},
      .stride = {2, 2, 1},
      .pad_lo = {1, 1, 0},
      .x_channels = 8,
      .y_channels = 16},
     {1, 1, 0}},
    {"odd channels",
     {.batch = 2,
      .x = {7, 5, 1},
      .kernel = {3, 3, 1},
      .stride = {2, 1, 1},
      .pad_lo = {1, 1, 0},
      .x_channels = 5,
      .y_channels = 7},
     {1, 1, 0}},
    {"one channel in, one pixel",
     {.batch = 1, .x = {1, 1, 1}, .kernel = {1, 1, 1}, .x_channels = 1, .y_channels = 9},
     {0, 0, 0}},
    {"one pixel from a window",
     {.batch = 5, .x = {4, 4, 1}, .kernel = {4, 4, 1}, .x_channels = 8, .y_channels = 24},
     {0, 0, 0}},
    {"an image in",
     {.batch = 3,
      .x = {9, 8, 1},
      .kernel = {4, 4, 1},
      .stride = {2, 2, 1},
      .pad_lo = {1, 1, 0},
      .x_channels = 3,
      .y_channels = 72},
     {1, 1, 0}},
    {"an image out",
     {.batch = 2,
      .x = {6, 7, 1},
      .kernel = {3, 3, 1},
      .pad_lo = {1, 1, 0},
      .x_channels = 72,
      .y_channels = 3},
     {1, 1, 0}},
    {"one channel in",
     {.batch = 2,
      .x = {8, 8, 1},
      .kernel = {3, 2, 1},
      .stride = {2, 1, 1},
      .pad_lo = {1, 0, 0},
      .dilation = {1, 2, 1},
      .x_channels = 1,
      .y_channels = 16},
     {1, 1, 0}},
    {"two groups",
     {.batch = 2,
      .x = {6, 6, 1},
      .kernel = {3, 3, 1},
      .pad_lo = {1, 1, 0},
      .x_channels = 16,
      .y_channels = 32,
      .groups = 2},
     {1, 1, 0}},
    {"a group for every channel",
     {.batch = 2,
      .x = {5, 5, 1},
      .kernel = {3, 3, 1},
      .pad_lo = {1, 1, 0},
      .x_channels = 6,
      .y_channels = 6,
      .groups = 6},
     {1, 1, 0}},
    {"dilation 2, asymmetric padding",
     {.batch = 2,
      .x = {9, 8, 1},
      .kernel = {3, 2, 1},
      .stride = {2, 1, 1},
      .pad_lo = {0, 2, 0},
      .dilation = {2, 2, 1},
      .x_channels = 8,
      .y_channels = 8},
     {3, 1, 0}},
    {"kernel below the stride",
     {.batch = 2,
      .x = {10, 7, 1},
      .kernel = {2, 1, 1},
      .stride = {3, 2, 1},
      .x_channels = 8,
      .y_channels = 8},
     {0, 0, 0}},
    {"rank 1",
     {.batch = 3,
      .x = {1, 19, 1},
      .kernel = {1, 5, 1},
      .stride = {1, 2, 1},
      .pad_lo = {0, 2, 0},
      .x_channels = 8,
      .y_channels = 8},
     {0, 2, 0}},
    {"rank 3",
     {.batch = 2,
      .x = {4, 5, 6},
      .kernel = {3, 3, 3},
      .stride = {2, 1, 2},
      .pad_lo = {1, 1, 1},
      .x_channels = 8,
      .y_channels = 8},
     {1, 1, 1}},
    {"more taps than a word has bits",
     {.batch = 1,
      .x = {9, 9, 1},
      .kernel = {7, 7, 1},
      .stride = {2, 2, 1},
      .pad_lo = {3, 3, 0},
      .x_channels = 8,
      .y_channels = 8},
     {3, 3, 0}},
};

struct Sweep {
  Math math = Math::f32;
  Extras extras{};
  int splits = 1;
  DType result = DType::f32;
  double tolerance = 1e-6;
};

/// Every operation of the given cases by every instance that can run it; adds the instances that ran.
void check_all(std::span<const ConvCase> chosen, const Sweep& sweep, std::set<std::string>& ran) {
  const bool fused = sweep.extras.prologue || sweep.extras.backward;
  for (const ConvCase& c : chosen)
    for (const ConvOp op : {ConvOp::forward, ConvOp::input_grad, ConvOp::weight_grad}) {
      ConvArgs args;
      args.op = op, args.shape = completed(c), args.math = sweep.math;
      args.splits = sweep.splits, args.result_dtype = sweep.result;
      Extras extras = sweep.extras;
      if (op == ConvOp::weight_grad) extras.bias = extras.stats = false, extras.epilogue = {};
      for (int i = 0; i < static_cast<int>(conv_instances().size()); ++i) {
        const auto& instance = conv_instances()[static_cast<size_t>(i)];
        args.instance = i;
        if (conv_instance(args) < 0 || (fused && !instance.fused)) continue;
        std::string why;
        const double error = conv_error(args, extras, why);
        if (error == cannot_run) continue;
        INFO(c.name << ", operation " << static_cast<int>(op) << ", " << instance.name << ": " << why);
        CHECK(error <= sweep.tolerance);
        ran.insert(instance.name);
      }
    }
}

constexpr Math all_math[] = {Math::f32, Math::tf32, Math::bf16};

}  // namespace

// Broken: some instance computes a convolution or one of its gradients wrongly for some shape.
TEST_CASE("conv: every instance, every shape") {
  if (!agon::test::have_device("conv: every instance, every shape")) return;
  std::set<std::string> ran;
  for (const Math math : all_math) check_all(cases, {.math = math}, ran);
  for (const ContractionInstance& instance : conv_instances()) {
    if (std::string(instance.name).find("transposed") != std::string::npos) continue;  // of matrix products
    INFO(instance.name << " was not launched");
    CHECK(ran.contains(instance.name));
  }
}

// Broken: a prologue with an activation that no kernel has is taken for another one.
TEST_CASE("conv: prologues that no kernel has are refused") {
  const Activation tanh{ActivationKind::tanh, 0}, steep{ActivationKind::leaky_relu, 1.5f};
  for (const Activation f : {tanh, steep}) {
    ConvArgs args;
    args.shape = completed(cases[0]);
    CHECK(conv_instance(args) >= 0);
    args.x_prologue.kind = PrologueKind::forward;
    CHECK(conv_instance(args) >= 0);
    args.x_prologue.activation = f;
    CHECK(conv_instance(args) < 0);
    CHECK(launch_conv(args, nullptr) == cudaErrorInvalidValue);
  }
}

// Broken: a prologue touches padding or the wrong channels, an epilogue forgets or repeats a part, or the
// statistics are not those of the result.
TEST_CASE("conv: prologues and epilogues") {
  if (!agon::test::have_device("conv: prologues and epilogues")) return;
  std::set<std::string> ran;
  const Activation leaky{ActivationKind::leaky_relu, 0.25f}, relu{ActivationKind::relu, 0};
  for (const Math math : all_math) {
    check_all(std::span(cases).first(4),
              {math,
               {.scale = true,
                .prologue = true,
                .activation = leaky,
                .bias = true,
                .stats = true,
                .epilogue = relu}},
              ran);
    check_all(std::span(cases).subspan(3, 7),
              {math, {.scale = true, .backward = true, .activation = leaky, .accumulate = true}}, ran);
    check_all(std::span(cases).subspan(2, 2), {math, {.backward = true, .activation = relu, .bias = true}},
              ran);
    check_all(std::span(cases).first(1),
              {math, {.prologue = true, .activation = relu, .accumulate = true, .stats = true}}, ran);
    const double tolerance = math == Math::f32 ? 1e-5 : math == Math::tf32 ? 5e-3 : 2e-2;
    for (const auto kind : {ActivationKind::tanh, ActivationKind::sigmoid, ActivationKind::elu})
      check_all(std::span(cases).first(1),
                {.math = math,
                 .extras = {.scale = true, .prologue = true, .activation = leaky, .epilogue = {kind, 0.5f}},
                 .tolerance = tolerance},
                ran);
  }
  for (const bool accumulate : {false, true})
    check_all(std::span(cases).subspan(2, 2),
              {.math = Math::bf16,
               .extras = {.bias = true, .accumulate = accumulate},
               .result = DType::bf16,
               .tolerance = 1.0 / 256},
              ran);
}

// Broken: blocks that share a tile's sum lose a part of it, finish it twice, or leave a counter behind.
TEST_CASE("conv: split sums") {
  if (!agon::test::have_device("conv: split sums")) return;
  std::set<std::string> ran;
  for (const Math math : all_math)
    for (const int splits : {2, 5})
      check_all(std::span(cases).first(8),
                {.math = math,
                 .extras = {.bias = true, .accumulate = splits == 5, .stats = true},
                 .splits = splits},
                ran);
}

// Broken: what the launch functions choose by themselves (instance, splits, workspace) does not fit together.
TEST_CASE("conv and matmul: the instance that is chosen") {
  if (!agon::test::have_device("conv and matmul: the instance that is chosen")) return;
  for (const Math math : all_math) {
    for (const ConvCase& c : cases)
      for (const ConvOp op : {ConvOp::forward, ConvOp::input_grad, ConvOp::weight_grad}) {
        ConvArgs args;
        args.op = op, args.shape = completed(c), args.math = math;
        Extras extras{};
        extras.scale = extras.prologue = extras.accumulate = true;
        extras.stats = op != ConvOp::weight_grad;
        std::string why;
        const double error = conv_error(args, extras, why);
        INFO(c.name << ", operation " << static_cast<int>(op) << ": " << why);
        CHECK((error >= 0 && error <= 1e-6));
      }
    for (const auto& [m, n, k] :
         {std::array{64, 128, 1024}, {64, 1, 4096}, {1, 96, 64}, {24, 40, 1}, {33, 17, 600}}) {
      MatmulArgs args;
      args.math = math, args.m = m, args.n = n, args.k = k;
      std::string why;
      const double error = matmul_error(args, Extras{}, why);
      INFO(m << "x" << n << "x" << k << ": " << why);
      CHECK((error >= 0 && error <= 1e-6));
      if (k == 1024) CHECK(matmul_workspace(args) > 0);  // shared by several blocks
    }
  }
}

// Broken: a product with either operand transposed, batched, of one row or column, or with extents that are
// no multiple of anything is wrong, or an instance of the products is never launched.
TEST_CASE("matmul: every instance, every orientation") {
  if (!agon::test::have_device("matmul: every instance, every orientation")) return;
  struct Size {
    int batch, m, n, k;
  };
  std::set<std::string> ran;
  for (const Math math : all_math)
    for (const Size s : {Size{1, 136, 72, 40},
                         {3, 16, 24, 8},
                         {1, 64, 1, 200},
                         {1, 1, 48, 33},
                         {2, 7, 5, 3},
                         {1, 40, 64, 1},
                         {1, 5, 1, 4100}})
      for (int orientation = 0; orientation < 4; ++orientation)
        for (const int variant : {0, 1, 2}) {
          MatmulArgs args;
          args.math = math, args.batch = s.batch, args.m = s.m, args.n = s.n, args.k = s.k;
          args.transpose_a = orientation & 1, args.transpose_b = orientation & 2;
          Extras extras;
          if (variant > 0) {
            extras.scale = extras.prologue = extras.bias = true;
            extras.epilogue = {ActivationKind::relu, 0};
            extras.stats = variant == 1 && s.batch == 1;
            extras.accumulate = variant == 2;
          }
          args.splits = variant == 1 ? 2 : 1;
          for (int i = 0; i < static_cast<int>(matmul_instances().size()); ++i) {
            const auto& instance = matmul_instances()[static_cast<size_t>(i)];
            args.instance = i;
            if (matmul_instance(args) < 0 || (variant > 0 && !instance.fused)) continue;
            std::string why;
            const double error = matmul_error(args, extras, why);
            if (error == cannot_run) continue;
            INFO(s.batch << "x" << s.m << "x" << s.n << "x" << s.k << ", orientation " << orientation << ", "
                         << instance.name << ": " << why);
            CHECK(error <= 1e-6);
            ran.insert(instance.name);
          }
        }
  for (const ContractionInstance& instance : matmul_instances()) {
    if (std::string(instance.name).find("thin") != std::string::npos) continue;  // of convolutions
    INFO(instance.name << " was not launched");
    CHECK(ran.contains(instance.name));
  }
}
