#include "agon/network.h"

#include <algorithm>
#include <cmath>

#include "agon/error.h"
#include "agon/philox.h"
#include "agon/program.h"

#include "catch.h"
#include "nn/flat.h"
#include "nn/layers/spectral.h"

using namespace agon;

namespace {

Network make(const std::string& input, const std::string& rows) {
  return Network(Config::text("[networks.N]\ninput = " + input + "\nlayers = [\n" + rows + "\n]\n", "n.toml"),
                 "N");
}

struct Case {
  std::string input, row;
  Shape output;
  int64_t parameters;
};

}  // namespace

// A layer would have another output shape or parameter count than PyTorch's layer of that name and setting.
TEST_CASE("layers have PyTorch's shapes and parameter counts", "[network]") {
  const std::vector<Case> cases = {
      {"7", "{ type = \"linear\", out = 5 }", {5}, 40},
      {"[2, 3, 4]", "{ type = \"linear\", out = 5, bias = false }", {5}, 120},
      {"[9, 8, 3]", "{ type = \"conv\", out = 6, kernel = 3 }", {7, 6, 6}, 168},
      {"[9, 8, 3]",
       "{ type = \"conv\", out = 6, kernel = 4, stride = 2, pad = 1, bias = false }",
       {4, 4, 6},
       288},
      {"[9, 8, 4]", "{ type = \"conv\", out = 6, kernel = [3, 1], groups = 2, dilation = 2 }", {5, 8, 6}, 42},
      {"[9, 8, 3]",
       "{ type = \"conv\", out = 2, kernel = 4, stride = 2, pad = [1, 2, 0, 1] }",
       {5, 3, 2},
       98},
      {"[1, 1, 10]", "{ type = \"conv_transpose\", out = 6, kernel = 4, bias = false }", {4, 4, 6}, 960},
      {"[4, 5, 3]",
       "{ type = \"conv_transpose\", out = 6, kernel = 4, stride = 2, pad = 1 }",
       {8, 10, 6},
       294},
      {"[4, 4, 3]",
       "{ type = \"conv_transpose\", out = 2, kernel = 3, stride = 2, pad = 1, output_padding = 1 }",
       {8, 8, 2},
       56},
      {"[8, 9, 3]", "{ type = \"avg_pool\", kernel = 2 }", {4, 4, 3}, 0},
      {"[8, 9, 3]", "{ type = \"max_pool\", kernel = 3, stride = 2, pad = 1 }", {4, 5, 3}, 0},
      {"[8, 9, 3]", "{ type = \"global_avg_pool\" }", {1, 1, 3}, 0},
      {"[4, 4, 3]", "{ type = \"upsample\", factor = 2, mode = \"bilinear\" }", {8, 8, 3}, 0},
      {"[4, 4, 12]", "{ type = \"pixel_shuffle\", factor = 2 }", {8, 8, 3}, 0},
      {"[4, 4, 3]", "{ type = \"flatten\" }", {48}, 0},
      {"12", "{ type = \"reshape\", shape = [2, 3, 2] }", {2, 3, 2}, 0},
      {"[4, 4, 3]", "{ type = \"norm\", norm = \"batch\" }", {4, 4, 3}, 6},
      {"[4, 4, 3]", "{ type = \"norm\", norm = \"instance\" }", {4, 4, 3}, 0},
      {"[4, 4, 3]", "{ type = \"norm\", norm = \"instance\", affine = true }", {4, 4, 3}, 6},
      {"[4, 4, 3]", "{ type = \"norm\", norm = \"layer\" }", {4, 4, 3}, 96},
      {"[4, 4, 3]",
       "{ type = \"conv\", out = 5, kernel = 1, spectral_norm = true, activation = \"elu(1)\" }",
       {4, 4, 5},
       20},
      {"[4, 4, 3]",
       "{ type = \"conv_transpose\", out = 5, kernel = 2, spectral_norm = true, dropout = 0.5 }",
       {5, 5, 5},
       65},
  };
  for (const Case& c : cases) {
    INFO(c.input << " " << c.row);
    const Network network = make(c.input, c.row);
    CHECK(network.output() == c.output);
    CHECK(network.parameter_count() == c.parameters);
    for (const Mode mode : {Mode::train, Mode::eval, Mode::batch}) {
      Graph graph;
      Binding binding;
      for (const auto& p : network.parameters()) binding.parameters[p.name] = graph.state(p.name, p.shape);
      for (const auto& b : network.buffers()) binding.buffers[b.name] = graph.state(b.name, b.shape);
      Shape batch{2}, result{2};
      for (const int64_t extent : network.input()) batch.push_back(extent);
      for (const int64_t extent : c.output) result.push_back(extent);
      const Value y = network.apply(binding, graph.input("x", batch), mode);
      CHECK(y.shape() == result);
      CHECK_NOTHROW(verify(graph));
    }
  }
}

// Weights would not load into torch.nn.Sequential, or load into the wrong layers.
TEST_CASE("modules are numbered and named as in torch.nn.Sequential", "[network]") {
  const Network network =
      make("[8, 8, 3]",
           "{ type = \"conv\", out = 4, kernel = 3, norm = \"batch\", activation = \"relu\" },\n"
           "{ type = \"flatten\" },\n"
           "{ type = \"linear\", out = 2, spectral_norm = true, tap = \"last\" },");
  std::vector<std::string> names;
  for (const auto& p : network.parameters()) names.push_back(p.name + p.disk.str());
  CHECK(names == std::vector<std::string>{"main.0.weight[4, 3, 3, 3]", "main.0.bias[4]", "main.1.weight[4]",
                                          "main.1.bias[4]", "main.4.weight_orig[2, 144]", "main.4.bias[2]"});
  names.clear();
  for (const auto& b : network.buffers()) names.push_back(b.name + b.disk.str());
  CHECK(names ==
        std::vector<std::string>{"main.1.running_mean[4]", "main.1.running_var[4]", "main.4.weight_u[2]"});
  CHECK(network.taps() == std::vector<std::string>{"last"});
  CHECK(network.has_batch_norm());
}

namespace {

/// The network's output for `x` with parameters given in disk layout by `value(parameter, index on disk)`.
std::vector<double> output(const Network& network, const Tensor& x, auto value) {
  Graph graph;
  Binding binding;
  const auto backend = open_backend("reference");
  const auto store = backend->make_store();
  for (const auto& p : network.parameters()) binding.parameters[p.name] = graph.state(p.name, p.shape);
  graph.output("y", network.apply(binding, graph.input("x", x.shape()), Mode::eval));
  const auto program = backend->compile(graph, *store, {});
  for (const auto& p : network.parameters()) {
    Tensor disk(DType::f64, p.disk);
    for (size_t i = 0; i < disk.as<double>().size(); ++i) disk.as<double>()[i] = value(p, i);
    const Tensor native = nn::from_disk(p, disk);
    const auto back = nn::to_disk(p, native);
    CHECK(std::ranges::equal(back.as<double>(), disk.as<double>()));
    store->write(p.name, native);
  }
  program->write("x", x);
  program->run(0);
  const Tensor y = program->read("y");
  return {y.as<double>().begin(), y.as<double>().end()};
}

Tensor ramp(Shape shape) {
  Tensor t(DType::f64, shape);
  for (size_t i = 0; i < t.as<double>().size(); ++i) t.as<double>()[i] = std::sin(static_cast<double>(i) + 1);
  return t;
}

}  // namespace

// A linear layer behind a flattened image, or before an image, would pair weights with the wrong pixels of a
// file written by PyTorch, whose features count channels first.
TEST_CASE("flattened features lie on disk channels first", "[network]") {
  constexpr size_t height = 2, width = 3, channels = 4, out = 2;
  const auto weight = [](size_t i) { return std::cos(static_cast<double>(i)); };
  for (const char* rows : {"{ type = \"flatten\" },\n{ type = \"linear\", out = 2, bias = false },",
                           "{ type = \"linear\", out = 2, bias = false },"}) {
    const Tensor x = ramp({1, height, width, channels});
    const auto y = output(make("[2, 3, 4]", rows), x, [&](const Parameter&, size_t i) { return weight(i); });
    for (size_t o = 0; o < out; ++o) {
      double expected = 0;
      for (size_t c = 0; c < channels; ++c)
        for (size_t p = 0; p < height * width; ++p)
          expected += weight((o * channels + c) * height * width + p) * x.as<double>()[p * channels + c];
      CHECK(y[o] == Approx(expected).epsilon(1e-12));
    }
  }
  const Network back =
      make("2", "{ type = \"linear\", out = 24 },\n{ type = \"reshape\", shape = [2, 3, 4] },");
  const Tensor x = ramp({1, 2});
  const auto y = output(back, x, [&](const Parameter& p, size_t i) {
    return p.name == "main.0.bias" ? 100.0 * static_cast<double>(i) : weight(i);
  });
  for (size_t c = 0; c < channels; ++c)
    for (size_t p = 0; p < height * width; ++p) {
      const size_t feature = c * height * width + p;
      const double expected = weight(2 * feature) * x.as<double>()[0] +
                              weight(2 * feature + 1) * x.as<double>()[1] + 100.0 * feature;
      CHECK(y[p * channels + c] == Approx(expected).epsilon(1e-12));
    }
}

// Convolutions that are computed as a matmul would differ from the convolution they stand for.
TEST_CASE("a window that covers the image is the same convolution", "[network]") {
  const auto weight = [](const Parameter&, size_t i) { return std::cos(static_cast<double>(i)); };
  const Tensor x = ramp({2, 3, 3, 2});
  // The middle output of a padded convolution sees the unpadded image.
  const auto whole = output(make("[3, 3, 2]", "{ type = \"conv\", out = 4, kernel = 3 }"), x, weight);
  const auto padded =
      output(make("[3, 3, 2]", "{ type = \"conv\", out = 4, kernel = 3, pad = 1 }"), x, weight);
  for (size_t n = 0; n < 2; ++n)
    for (size_t c = 0; c < 4; ++c)
      CHECK(whole[n * 4 + c] == Approx(padded[(n * 9 + 4) * 4 + c]).epsilon(1e-12));

  const Tensor z = ramp({2, 1, 1, 3});
  const auto one = output(make("[1, 1, 3]", "{ type = \"conv_transpose\", out = 2, kernel = 3 }"), z, weight);
  const auto cut =
      output(make("[1, 1, 3]", "{ type = \"conv_transpose\", out = 2, kernel = 3, pad = 1 }"), z, weight);
  for (size_t n = 0; n < 2; ++n)
    for (size_t c = 0; c < 2; ++c) CHECK(cut[n * 2 + c] == Approx(one[(n * 9 + 4) * 2 + c]).epsilon(1e-12));
}

// Optimizers read parameters by cache lines; a gap that is not zero would enter norms.
TEST_CASE("a flat layout aligns parameters", "[network]") {
  nn::FlatLayout layout;
  layout.add(make("[4, 4, 3]", "{ type = \"conv\", out = 5, kernel = 3 },\n{ type = \"linear\", out = 1 },"));
  int64_t end = 0;
  for (const auto& item : layout.items()) {
    CHECK(item.offset % 16 == 0);
    CHECK(item.offset >= end);
    end = item.offset + item.parameter.shape.numel();
  }
  CHECK(layout.size() % 16 == 0);
  CHECK(layout.size() >= end);
  Graph graph;
  const Value flat = graph.input("flat", {layout.size()});
  std::vector<Value> parts;
  for (size_t i = 0; i < layout.items().size(); ++i) parts.push_back(layout.view(flat, i));
  graph.output("packed", layout.pack(parts));
  const auto backend = open_backend("reference");
  const auto store = backend->make_store();
  const auto program = backend->compile(graph, *store, {});
  const Tensor x = ramp({layout.size()});
  program->write("flat", x);
  program->run(0);
  const Tensor packed = program->read("packed");
  size_t covered = 0;
  for (size_t i = 0; i < packed.as<double>().size(); ++i) {
    bool inside = false;
    for (const auto& item : layout.items())
      inside = inside || (static_cast<int64_t>(i) >= item.offset &&
                          static_cast<int64_t>(i) < item.offset + item.parameter.shape.numel());
    covered += inside;
    CHECK(packed.as<double>()[i] == (inside ? x.as<double>()[i] : 0));
  }
  CHECK(covered == 5 * 27 + 5 + 5 * 4 + 1);
}

// Exported spectral norms would not work in PyTorch, whose evaluation divides by u . W v.
TEST_CASE("the right vector of a spectral norm is W^T u normalised", "[network]") {
  const std::vector<double> w = {1, 2, 3, 4, 5, 6}, u = {0.6, 0.8};
  const auto v = nn::right_vector(Tensor::of<double>({2, 3}, w), Tensor::of<double>({2}, u), false);
  const double n = std::sqrt(3.8 * 3.8 + 5.2 * 5.2 + 6.6 * 6.6);
  CHECK(v.as<double>()[0] == Approx((0.6 * 1 + 0.8 * 4) / n));
  CHECK(v.as<double>()[2] == Approx((0.6 * 3 + 0.8 * 6) / n));
  // The same matrix as the weight (in 3, out 2, 1, 1) of a transposed convolution.
  const std::vector<double> t = {1, 4, 2, 5, 3, 6};
  const auto transposed =
      nn::right_vector(Tensor::of<double>({3, 2, 1, 1}, t), Tensor::of<double>({2}, u), true);
  for (size_t i = 0; i < 3; ++i) CHECK(transposed.as<double>()[i] == Approx(v.as<double>()[i]));
}
