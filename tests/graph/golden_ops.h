#pragma once
#include <map>
#include <nlohmann/json.hpp>
#include <string>

#include "agon/graph.h"

/// The ops of tests/fixtures/ops.safetensors as graphs. Operands and results are in PyTorch's layouts; the
/// transposes to NHWC and KRSC are part of the graph, so that derivatives come back in PyTorch's layouts too.
namespace agon::goldens {

using Json = nlohmann::json;
using Values = std::map<std::string, Value>;

inline Value to_nhwc(Value x) {
  return transpose(x, {0, 2, 3, 1});
}
inline Value to_nchw(Value x) {
  return transpose(x, {0, 3, 1, 2});
}

inline Window window_of(const Json& a) {
  Window window = Window::square(a.value("kernel", int64_t{1}), a.at("stride"), 0);
  if (a.at("pad").is_array()) {
    window.pad_lo = {a["pad"][0], a["pad"][2], 0};
    window.pad_hi = {a["pad"][1], a["pad"][3], 0};
  } else {
    window.pad_lo = window.pad_hi = {a["pad"], a["pad"], 0};
  }
  const int64_t dilation = a.value("dilation", int64_t{1});
  window.dilation = {dilation, dilation, 1};
  window.groups = a.value("groups", int64_t{1});
  window.count_include_pad = a.value("count_include_pad", true);
  return window;
}

/// Ops over images.
inline Value image_op(const std::string& op, const Json& a, const Values& in) {
  Value x = to_nhwc(in.at("x"));
  const auto biased = [&](Value y) { return in.contains("b") ? y + in.at("b") : y; };
  if (op == "conv2d") return biased(conv(x, to_nhwc(in.at("w")), window_of(a)));
  if (op == "conv_transpose2d")
    return biased(conv_transpose(x, to_nhwc(in.at("w")), window_of(a), a.at("output_padding")));
  if (op == "avg_pool") return avg_pool(x, window_of(a));
  if (op == "max_pool") return max_pool(x, window_of(a));
  if (op == "pixel_shuffle") return pixel_shuffle(x, a.at("factor"));
  if (op == "resize_nearest") return resize(x, a["size"][0], a["size"][1], ResizeMode::nearest);
  if (op == "resize_bilinear")
    return resize(
        x, a["size"][0], a["size"][1],
        a.at("align_corners") ? ResizeMode::bilinear_align_corners : ResizeMode::bilinear_half_pixel);
  if (op == "instance_norm") return instance_norm(x, in.at("w"), in.at("b"), a.at("eps"));
  if (op == "layer_norm")
    return layer_norm(x, transpose(in.at("w"), {1, 2, 0}), transpose(in.at("b"), {1, 2, 0}), a.at("eps"));
  if (op == "batch_norm_eval")
    return batch_norm_eval(x, in.at("w"), in.at("b"), in.at("mean"), in.at("var"), a.at("eps"));
  if (op == "batch_norm_train") {
    Value mean = in.at("mean_before"), var = in.at("var_before");
    const auto out = batch_norm_train(x, in.at("w"), in.at("b"), mean, var, {a.at("eps"), a.at("momentum")});
    x.graph().output("mean_after", out.running_mean);
    x.graph().output("var_after", out.running_var);
    return out.y;
  }
  fail(ErrorKind::usage, "goldens: unknown image op '{}'", op);
}

/// Ops over anything else, and losses.
inline Value plain_op(const std::string& op, const Json& a, const Values& in) {
  if (op == "linear") return matmul(in.at("x"), in.at("w"), false, true) + in.at("b");
  if (op == "embedding") return gather(in.at("w"), in.at("index"));
  if (op == "layer_norm") return layer_norm(in.at("x"), in.at("w"), in.at("b"), a.at("eps"));
  if (op == "spectral_norm") {
    // Rows and sums are the same whether the rest of a row is (I, kh, kw) or (kh, kw, I).
    const auto out = spectral_norm(to_nhwc(in.at("w")), in.at("u_before"), a.at("eps"));
    out.u.graph().output("u_after", out.u);
    return to_nchw(out.w);
  }
  Value x = in.at("x");
  if (op == "relu") return relu(x);
  if (op == "leaky_relu") return leaky_relu(x, a.at("slope"));
  if (op == "elu") return elu(x, a.at("alpha"));
  if (op == "tanh") return tanh(x);
  if (op == "sigmoid") return sigmoid(x);
  if (op == "softplus") return softplus(x);
  if (op == "softmax") return softmax(x);
  if (op == "log_softmax") return log_softmax(x);
  if (op == "softmax_cross_entropy") {
    const auto rows = static_cast<double>(x.shape()[0]);
    return -(sum(log_softmax(x) * one_hot(in.at("label"), x.shape()[1])) / rows);
  }
  if (op == "bce_logits") return mean(softplus(x) - x * a.at("target").get<double>());
  if (op == "hinge_real") return mean(relu(1.0 - x));
  if (op == "hinge_fake") return mean(relu(x + 1.0));
  if (op == "least_squares_real") return mean(square(x - 1.0)) * 0.5;
  if (op == "least_squares_fake") return mean(square(x)) * 0.5;
  if (op == "minimax_generator") return -mean(softplus(x));
  if (op == "l1") return mean(abs(x - in.at("t")));
  fail(ErrorKind::usage, "goldens: unknown op '{}'", op);
}

/// The result of a golden case in PyTorch's layout.
inline Value build(const Json& a, const Values& in) {
  const std::string op = a.at("op");
  const bool image = op != "spectral_norm" && in.contains("x") && in.at("x").shape().rank() == 4;
  return image ? to_nchw(image_op(op, a, in)) : plain_op(op, a, in);
}

}  // namespace agon::goldens
