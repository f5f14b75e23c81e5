#include <algorithm>
#include <cstdio>
#include <dlfcn.h>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>

#include "catch.h"
#include "conv_case.h"
#include "support.h"

using namespace conv_test;

namespace {

/// The convolutions of the presets (a transposed one is the input gradient of its row). What meets a single
/// pixel is a matrix product.
struct Layer {
  const char* name;
  int x, x_channels, y_channels, kernel, stride, pad, batch = 8;
};
const Layer layers[] = {
    {"dcgan-64 image", 64, 3, 64, 4, 2, 1},
    {"dcgan-64 32", 32, 64, 128, 4, 2, 1},
    {"dcgan-64 16", 16, 128, 256, 4, 2, 1},
    {"dcgan-64 8", 8, 256, 512, 4, 2, 1},
    {"dcgan-cifar10 image", 32, 3, 64, 4, 2, 1},
    {"dcgan-cifar10 16", 16, 64, 128, 4, 2, 1},
    {"dcgan-cifar10 8", 8, 128, 256, 4, 2, 1},
    {"dcgan-mnist image", 28, 1, 64, 4, 2, 1},
    {"dcgan-mnist 14", 14, 64, 128, 4, 2, 1, 64},
    {"dcgan-glyphs image", 28, 1, 32, 4, 2, 1},
    {"dcgan-glyphs 14", 14, 32, 64, 4, 2, 1, 64},
    {"lenet image", 28, 1, 16, 5, 1, 2},
    {"lenet 14", 14, 16, 32, 5, 1, 2, 64},
    {"sngan image in", 32, 3, 64, 3, 1, 1},
    {"sngan 32", 32, 64, 64, 4, 2, 1},
    {"sngan 16", 16, 64, 128, 3, 1, 1},
    {"sngan 16, strided", 16, 128, 128, 4, 2, 1},
    {"sngan 8", 8, 128, 256, 3, 1, 1},
    {"sngan 8, strided", 8, 256, 256, 4, 2, 1},
    {"sngan 4", 4, 256, 512, 3, 1, 1},
    {"sngan image out", 32, 64, 3, 3, 1, 1},
};

using Text = const char* (*)();
using Act = void (*)();

bool have_counters(const char* test) {
  if (!agon::test::have_device(test)) return false;
  if (dlsym(RTLD_DEFAULT, "agon_simt_counters") != nullptr) return true;
  std::printf("skipped: %s: a GPU keeps no counters\n", test);
  return false;
}

/// What one launch of `args` counted, with tensors of zeros. Prologues say what kind they are; their tensors
/// come from here.
nlohmann::json counted(ConvArgs args) {
  const ConvShape& s = args.shape;
  const size_t batch = static_cast<size_t>(s.batch);
  const auto bytes = [&](size_t pixels, int channels) { return pixels * static_cast<size_t>(channels) * 4; };
  const auto area = [](const int(&e)[3]) { return static_cast<size_t>(e[0] * e[1] * e[2]); };
  const size_t x_bytes = bytes(batch * area(s.x), s.x_channels),
               y_bytes = bytes(batch * area(s.y), s.y_channels);
  DeviceBytes x(x_bytes), y(y_bytes), z(std::max(x_bytes, y_bytes));
  DeviceBytes w(bytes(area(s.kernel) * static_cast<size_t>(s.y_channels), s.x_channels));
  DeviceBytes vectors(bytes(5, std::max(s.x_channels, s.y_channels)));
  for (Prologue* prologue : {&args.x_prologue, &args.y_prologue}) {
    if (prologue->kind == PrologueKind::none) continue;
    const int channels = prologue == &args.x_prologue ? s.x_channels : s.y_channels;
    const auto* floats = static_cast<const float*>(vectors.data());
    prologue->scale = floats, prologue->shift = floats + channels;
    if (prologue->kind == PrologueKind::backward)
      prologue->z = z.data(), prologue->coefficients = floats + 2 * channels;
  }
  args.x = x.data(), args.y = y.data(), args.w = w.data();
  args.result = args.op == ConvOp::forward ? y.data() : args.op == ConvOp::input_grad ? x.data() : w.data();
  DeviceBytes workspace(conv_workspace(args));
  args.workspace = workspace.data();
  cudaDeviceSynchronize();
  reinterpret_cast<Act>(dlsym(RTLD_DEFAULT, "agon_simt_clear_counters"))();
  REQUIRE(launch_conv(args, nullptr) == cudaSuccess);
  REQUIRE(cudaDeviceSynchronize() == cudaSuccess);
  const auto all = nlohmann::json::parse(reinterpret_cast<Text>(dlsym(RTLD_DEFAULT, "agon_simt_counters"))());
  REQUIRE(all["kernels"].size() == 1);
  return all["kernels"][0]["counters"];
}

/// A convolution by `instance` whose sums are `depth` times as long as those of depth 1, or nothing if the
/// instance does not run it.
std::optional<ConvArgs> summed(ConvOp op, Math math, int instance, PrologueKind prologue, bool thin_x,
                               bool thin_y, int depth) {
  ConvCase c{"", {}, {1, 1, 0}};
  ConvShape& s = c.shape;
  s.batch = op == ConvOp::weight_grad ? 2 * depth : 8;  // no tile has empty rows
  s.x_channels = thin_x ? 3 : op == ConvOp::forward ? 64 * depth : 128;
  s.y_channels = thin_y ? 3 : op == ConvOp::input_grad ? 64 * depth : 128;
  for (int axis = 0; axis < 2; ++axis)
    s.x[axis] = 8, s.kernel[axis] = 4, s.stride[axis] = 2, s.pad_lo[axis] = 1;
  ConvArgs args;
  args.op = op, args.math = math, args.instance = instance, args.splits = 1, args.shape = completed(c);
  if (op != ConvOp::input_grad)
    args.x_prologue.kind = op == ConvOp::forward ? prologue : std::min(prologue, PrologueKind::forward);
  if (op != ConvOp::forward) args.y_prologue.kind = prologue;
  for (Prologue* p : {&args.x_prologue, &args.y_prologue}) {
    p->activation = {ActivationKind::leaky_relu, 0.2f};
    p->z = p->kind == PrologueKind::backward ? reinterpret_cast<const void*>(uintptr_t{256}) : nullptr;
  }
  if (conv_instance(args) != instance) return {};
  return args;
}

/// Issue slots that the main loop of a large tile of tensor cores may take for each product (of 16 x 8
/// results by a warp), those of shared memory's wavefronts included; 0: not held.
double most_slots(const ContractionInstance& instance, ConvOp op, PrologueKind prologue) {
  if (instance.math == Math::f32 || instance.tile_m < 128) return 0;
  const bool walks = op == ConvOp::weight_grad;  // over pixels, with prologues of both operands
  const double loop = (walks ? 11.5 : 6.5) + (instance.math == Math::tf32 ? 3.5 : 0);
  switch (prologue) {
    case PrologueKind::none:
      return loop;
    case PrologueKind::forward:
      return loop + (walks ? 6 : 4.5);
    default:
      return loop + (walks ? 8 : 10);
  }
}

}  // namespace

// Broken: threads of a main loop, or of the prologue's pass over a stage, meet in a bank of shared memory.
// What happens once a tile (tables, the epilogue's stores) does not depend on how long the sums are; a loop
// does. Or a main loop spends its instructions on other things than products.
TEST_CASE("conv: no bank conflict in any main loop, few instructions beside the products") {
  if (!have_counters("conv: no bank conflict in any main loop")) return;
  std::set<int> ran;
  for (const Math math : {Math::f32, Math::tf32, Math::bf16})
    for (int i = 0; i < static_cast<int>(conv_instances().size()); ++i)
      for (const ConvOp op : {ConvOp::forward, ConvOp::input_grad, ConvOp::weight_grad})
        for (const PrologueKind prologue :
             {PrologueKind::none, PrologueKind::forward, PrologueKind::backward})
          for (const auto& [thin_x, thin_y] : {std::pair{false, false}, {true, false}, {false, true}}) {
            // A thin side that the sums run over does not grow.
            if ((op == ConvOp::forward && thin_x) || (op == ConvOp::input_grad && thin_y)) continue;
            const auto once = summed(op, math, i, prologue, thin_x, thin_y, 1);
            const auto twice = summed(op, math, i, prologue, thin_x, thin_y, 2);
            if (!once || !twice) continue;
            const auto a = counted(*once), b = counted(*twice);
            INFO(conv_instances()[static_cast<size_t>(i)].name
                 << ", prologue " << static_cast<int>(prologue) << ", thin " << thin_x << thin_y << ": "
                 << a["bank_conflicts"] << " of " << a["shared_wavefronts"]
                 << " wavefronts, sums twice as long: " << b["bank_conflicts"] << " of "
                 << b["shared_wavefronts"]);
            const auto more = [&](const char* what) { return b[what].get<double>() - a[what].get<double>(); };
            CHECK(more("shared_wavefronts") > 0);
            // 0 but for one of bf16_weight_grad_64x64_fused
            CHECK(more("bank_conflicts") <= 0.003 * more("shared_wavefronts"));
            const double most = most_slots(conv_instances()[static_cast<size_t>(i)], op, prologue);
            if (most > 0 && !thin_x && !thin_y) {
              const double products = more("mac_tensor") / (16 * 8 * (math == Math::bf16 ? 16 : 8));
              INFO(more("issue_slots") / products << " issue slots a product");
              CHECK(more("issue_slots") <= most * products);
            }
            ran.insert(i);
          }
  for (int i = 0; i < static_cast<int>(conv_instances().size()); ++i) {
    INFO(conv_instances()[static_cast<size_t>(i)].name);
    CHECK((ran.contains(i) || std::string(conv_instances()[static_cast<size_t>(i)].name).find("transposed") !=
                                  std::string::npos));
  }
}

// Broken: a convolution of a preset multiplies zeros that a stride inserts, or tiles do not fit the layer, or
// threads of a main loop meet in a bank of shared memory.
TEST_CASE("conv: multiplications and bank conflicts on the presets' layers") {
  if (!have_counters("conv: multiplications and bank conflicts")) return;
  for (const Math math : {Math::f32, Math::tf32, Math::bf16})
    for (const Layer& layer : layers)
      for (const ConvOp op : {ConvOp::forward, ConvOp::input_grad, ConvOp::weight_grad}) {
        ConvCase c{layer.name, {}, {layer.pad, layer.pad, 0}};
        ConvShape& s = c.shape;
        s.batch = layer.batch, s.x_channels = layer.x_channels, s.y_channels = layer.y_channels;
        for (int axis = 0; axis < 2; ++axis) {
          s.x[axis] = layer.x, s.kernel[axis] = layer.kernel;
          s.stride[axis] = layer.stride, s.pad_lo[axis] = layer.pad;
        }
        ConvArgs args;
        args.op = op, args.math = math, args.shape = completed(c);
        const auto counters = counted(args);
        const double useful = static_cast<double>(s.batch) * args.shape.y[0] * args.shape.y[1] *
                              s.y_channels * s.kernel[0] * s.kernel[1] * s.x_channels;
        const double executed = counters["fma_fp32"].get<double>() + counters["mac_tensor"].get<double>();
        const double passes =
            counters["shared_wavefronts"].get<double>() / counters["shared_ideal"].get<double>();
        const char* instance = conv_instances()[static_cast<size_t>(conv_instance(args))].name;
        INFO(layer.name << ", operation " << static_cast<int>(op) << ", " << instance);
        CHECK(executed <= 1.10 * useful);
        CHECK(passes <= 1.05);  // what is beyond 1 are the epilogue's stores
      }
}
