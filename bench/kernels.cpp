// Google Benchmark of the CPU kernels. A case is its problem string, so that
//   agon_bench --benchmark_filter='batch_norm_grad/mb64c64p1024b16'
// repeats one. Bytes are the fewest that the kernel must move, flops the useful ones.
#include <algorithm>
#include <array>
#include <benchmark/benchmark.h>
#include <fmt/format.h>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "agon/philox.h"
#include "agon/tensor.h"

#include "backend/cpu/kernels/batch_norm.h"
#include "backend/cpu/kernels/block_ops.h"
#include "backend/cpu/kernels/elementwise.h"
#include "backend/cpu/kernels/optimizers.h"
#include "backend/cpu/kernels/random.h"
#include "backend/cpu/kernels/thin_conv.h"
#include "onednn_conv.h"

namespace {

using namespace agon;
using namespace agon::cpu;

/// Random floats that live as long as the benchmark's closure.
class Array {
 public:
  explicit Array(int64_t n, float lo = -1, float hi = 1) : tensor_(DType::f32, {n}) {
    PhiloxStream random(3, 0, static_cast<uint32_t>(n));
    for (float& v : tensor_.as<float>()) v = lo + (hi - lo) * random.uniform();
  }
  float* get() const { return tensor_.as<float>().data(); }
  operator float*() const { return get(); }

 private:
  Tensor tensor_;
};

/// Registers `body` with the bytes and flops of one call.
void add(const std::string& name, double bytes, double flops,
         std::function<std::function<void()>()> prepare) {
  benchmark::RegisterBenchmark(
      name.c_str(),
      [=](benchmark::State& state) {
        const auto body = prepare();
        for (auto _ : state) body();
        using benchmark::Counter;
        if (bytes > 0)
          state.counters["B/s"] = Counter(bytes, Counter::kIsIterationInvariantRate, Counter::kIs1024);
        if (flops > 0) state.counters["FLOP/s"] = Counter(flops, Counter::kIsIterationInvariantRate);
      })
      ->Unit(benchmark::kMillisecond)
      ->UseRealTime();
}

void add_batch_norm(const ChannelLayout& l) {
  const std::string problem = fmt::format("mb{}c{}p{}b{}", l.images, l.channels, l.pixels, l.block);
  const double stream = static_cast<double>(l.size()) * sizeof(float);
  const Activation leaky{ActivationKind::leaky_relu, 0.2};
  struct Data {
    Array x, y, dy, dx, mean, variance, inv_std, gamma, beta, dgamma, dbeta;
    Buffer scratch;
    explicit Data(const ChannelLayout& layout)
        : x(layout.size()),
          y(layout.size()),
          dy(layout.size()),
          dx(layout.size()),
          mean(layout.channels),
          variance(layout.channels),
          inv_std(layout.channels, 0.5f, 1.5f),
          gamma(layout.channels, 0.5f, 1.5f),
          beta(layout.channels),
          dgamma(layout.channels),
          dbeta(layout.channels),
          scratch(batch_norm_scratch_bytes(layout.channels)) {}
  };
  const auto make = [l] { return std::make_shared<Data>(l); };
  add("batch_norm_stats/" + problem, stream, 0, [=] {
    return [d = make(), l] {
      batch_norm_stats(l, d->x.get(), 1e-5, d->mean, d->variance, d->inv_std, d->scratch.data());
    };
  });
  add("batch_norm_apply/" + problem, 2 * stream, 0, [=] {
    return [d = make(), l, leaky] {
      batch_norm_apply(l, d->x.get(), d->mean, d->inv_std, d->gamma, d->beta, leaky, d->y, d->scratch.data());
    };
  });
  add("batch_norm_grad/" + problem, 5 * stream, 0, [=] {
    return [d = make(), l, leaky] {
      batch_norm_grad(l, d->x.get(), nullptr, d->dy, d->mean, d->inv_std, d->gamma, d->beta, leaky, d->dx,
                      d->dgamma, d->dbeta, d->scratch.data());
    };
  });
  add("batch_norm_grad_y/" + problem, 7 * stream, 0, [=] {
    return [d = make(), l, leaky] {
      batch_norm_grad(l, d->x.get(), d->y, d->dy, d->mean, d->inv_std, d->gamma, d->beta, leaky, d->dx,
                      d->dgamma, d->dbeta, d->scratch.data());
    };
  });
  add("channel_sum/" + problem, stream, 0,
      [=] { return [d = make(), l] { channel_sum(l, d->x.get(), d->dbeta, d->scratch.data()); }; });
}

/// `block` 0 is NHWC.
void add_thin_conv(const bench::ConvProblem& c, int64_t block) {
  ThinConv p{c.mb, c.ih, c.iw, c.ic, c.oh(), c.ow(), c.oc, block == 0 ? c.oc : block,
             c.kh, c.kw, c.sh, c.sw, c.ph,   c.pw};
  const std::string problem = fmt::format("{}b{}", c.str(), p.wide_block);
  const double bytes = static_cast<double>(c.src_size() + c.dst_size()) * sizeof(float);
  struct Data {
    Array image, wide, weights, bias;
    Buffer scratch;
    explicit Data(const bench::ConvProblem& q, const ThinConv& thin)
        : image(q.src_size()),
          wide(q.dst_size()),
          weights(q.weights_size()),
          bias(q.oc),
          scratch(thin_conv_scratch_bytes(thin)) {}
  };
  const auto make = [=] { return std::make_shared<Data>(c, p); };
  add("thin_conv_forward/" + problem, bytes, c.flops(), [=] {
    return [d = make(), p] {
      thin_conv_forward(p, d->image, d->weights, d->bias, {ActivationKind::leaky_relu, 0.2}, d->wide,
                        d->scratch.data());
    };
  });
  add("thin_conv_input_grad/" + problem, bytes, c.flops(), [=] {
    return [d = make(), p] {
      thin_conv_input_grad(p, d->wide, d->weights, nullptr, {ActivationKind::tanh, 0}, d->image,
                           d->scratch.data());
    };
  });
  add("thin_conv_weight_grad/" + problem, bytes, c.flops(), [=] {
    return [d = make(), p] { thin_conv_weight_grad(p, d->image, d->wide, d->weights, d->scratch.data()); };
  });
}

void add_onednn_conv(const bench::ConvProblem& c) {
  for (const auto pass :
       {bench::ConvPass::forward, bench::ConvPass::backward_data, bench::ConvPass::backward_weights})
    add(fmt::format("onednn_conv_{}/{}", name_of(pass), c.str()), 0, c.flops(), [=] {
      return [conv = std::make_shared<bench::OneDnnConv>(c, pass, bench::ConvFormats{})] { conv->run(); };
    });
}

/// One op over `operands` flat arrays of n elements.
void add_elementwise(const std::string& name, const ElementwiseProgram::Instruction& instruction,
                     size_t operands, int64_t n) {
  const double stream = static_cast<double>(n) * sizeof(float);
  add(name, static_cast<double>(operands + 1) * stream, 0, [=] {
    const std::vector<ElementwiseOperand> inputs(operands, {Strides{1}}), outputs(1, {Strides{1}});
    const ElementwiseKernel kernel({{instruction}, {0}}, {n}, inputs, outputs);
    return [kernel, arrays = std::vector<Array>(operands, Array(n)), y = Array(n)] {
      std::array<const void*, 3> from{};
      std::ranges::transform(arrays, from.begin(), &Array::get);
      void* to[] = {y.get()};
      kernel.run(from.data(), to);
    };
  });
}

void add_flat(int64_t n) {
  const std::string problem = fmt::format("n{}", n);
  const double stream = static_cast<double>(n) * sizeof(float);
  add("adam/" + problem, 7 * stream, 0, [=] {
    return [p = Array(n), g = Array(n), m = Array(n), v = Array(n, 0, 1), n] {
      benchmark::DoNotOptimize(adam(p, g, m, v, n, {}, 1e-4, 0.1, 0.001));
    };
  });
  add("rmsprop/" + problem, 5 * stream, 0, [=] {
    return [p = Array(n), g = Array(n), v = Array(n, 0, 1), n] {
      benchmark::DoNotOptimize(rmsprop(p, g, v, nullptr, n, {}, 1e-4));
    };
  });
  add("sgd/" + problem, 5 * stream, 0, [=] {
    return [p = Array(n), g = Array(n), b = Array(n), n] {
      benchmark::DoNotOptimize(sgd(p, g, b, n, {0.9, 0, false}, 1e-4));
    };
  });
  add("random_normal/" + problem, stream, 0, [=] {
    return [y = Array(n), n] { random_normal({1, 2, 3}, y, n); };
  });
  for (const auto kind : {ActivationKind::leaky_relu, ActivationKind::tanh, ActivationKind::sigmoid}) {
    const Activation f{kind, 0.2};
    const std::string name = fmt::format("{}/{}",
                                         kind == ActivationKind::tanh      ? "tanh"
                                         : kind == ActivationKind::sigmoid ? "sigmoid"
                                                                           : "leaky_relu",
                                         problem);
    add_elementwise(name, {Op::activation, {0}, f, {}}, 1, n);
    add_elementwise(name + "_grad", {Op::activation_grad, {0, 1}, f, {}}, 2, n);
  }
}

}  // namespace

int main(int count, char** arguments) {
  for (const auto& l : {ChannelLayout::blocked16(64, 1024, 64), ChannelLayout::blocked16(64, 256, 128),
                        ChannelLayout::blocked16(64, 64, 256), ChannelLayout::blocked16(64, 16, 512),
                        ChannelLayout::rows(65536, 64), ChannelLayout::rows(64, 8192)})
    add_batch_norm(l);
  for (const char* text : {"mb64ic3ih64iw64oc64kh4kw4sh2sw2ph1pw1", "mb64ic3ih32iw32oc64kh4kw4sh2sw2ph1pw1",
                           "mb64ic1ih32iw32oc64kh4kw4sh2sw2ph1pw1"}) {
    add_thin_conv(bench::parse_conv_problem(text), 16);
    add_thin_conv(bench::parse_conv_problem(text), 0);
    add_onednn_conv(bench::parse_conv_problem(text));
  }
  for (const char* text :
       {"mb64ic64ih32iw32oc128kh4kw4sh2sw2ph1pw1", "mb64ic128ih16iw16oc256kh4kw4sh2sw2ph1pw1",
        "mb64ic256ih8iw8oc512kh4kw4sh2sw2ph1pw1"})
    add_onednn_conv(bench::parse_conv_problem(text));
  for (const int64_t n : {int64_t{1} << 16, int64_t{3576704}}) add_flat(n);
  benchmark::Initialize(&count, arguments);
  // What is left are further convolutions, e.g. conv:mb64ic3ih64iw64oc64kh4kw4sh2sw2ph1pw1.
  try {
    for (int i = 1; i < count; ++i) {
      const bench::ConvProblem problem = bench::parse_conv_problem(arguments[i]);
      add_onednn_conv(problem);
      if (problem.ic <= 4) add_thin_conv(problem, problem.oc % 16 == 0 ? 16 : 0);
    }
  } catch (const Error& error) {
    fmt::print(stderr, "agon_bench: {}\n", error.what());
    return 2;
  }
  benchmark::RunSpecifiedBenchmarks();
  return 0;
}
