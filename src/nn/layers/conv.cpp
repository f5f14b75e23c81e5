#include "agon/error.h"

#include "nn/layers/layers.h"
#include "nn/layers/spectral.h"

namespace agon::nn {
namespace {

void need_image(const Row& row, const Shape& in) {
  check(in.rank() == 3, ErrorKind::usage,
        "{}: a layer of type '{}' needs an image [height, width, channels], not {}", row.where(),
        row.string("type"), in.str());
}

std::string describe(const Window& w) {
  const auto pair = [](const std::array<int64_t, 3>& v) {
    return v[0] == v[1] ? std::to_string(v[0]) : fmt::format("{}x{}", v[0], v[1]);
  };
  std::string text =
      fmt::format("kernel {}, stride {}, pad {}", pair(w.kernel), pair(w.stride), pair(w.pad_lo));
  if (w.pad_lo != w.pad_hi) text += fmt::format(" to {}", pair(w.pad_hi));
  if (w.dilation[0] != 1) text += fmt::format(", dilation {}", w.dilation[0]);
  if (w.groups != 1) text += fmt::format(", groups {}", w.groups);
  return text;
}

bool unpadded(const Window& w) {
  return w.pad_lo == std::array<int64_t, 3>{} && w.pad_hi == w.pad_lo && w.dilation[0] == 1 &&
         w.dilation[1] == 1 && w.groups == 1;
}

void add_bias(Module& module, const Row& row, int64_t out, const Parameter& weight) {
  if (!row.flag("bias", true)) return;
  Parameter bias = plain_parameter("bias", {out}, row.init("bias", "pytorch"));
  bias.fan_in = weight.fan_in;
  bias.fan_out = weight.fan_out;
  module.parameters.push_back(bias);
}

Value with_bias(const Context& context, Value y) {
  const Value bias = context.parameter_if("bias");
  return bias.valid() ? y + bias : y;
}

}  // namespace

Module convolution(const Row& row, const Shape& in) {
  static constexpr std::string_view keys[] = {"out",      "kernel", "stride", "pad",
                                              "dilation", "groups", "bias",   "spectral_norm"};
  row.allow_only(keys);
  need_image(row, in);
  const Window window = row.window(false);
  const int64_t out = row.integer("out"), kh = window.kernel[0], kw = window.kernel[1];
  check(in[2] % window.groups == 0 && out % window.groups == 0, ErrorKind::usage,
        "{}: {} groups divide neither {} nor {} channels evenly", row.where(), window.groups, in[2], out);
  const int64_t height = window.out(0, in[0], kh), width = window.out(1, in[1], kw);
  check(in[0] + window.pad_lo[0] + window.pad_hi[0] > window.dilation[0] * (kh - 1) &&
            in[1] + window.pad_lo[1] + window.pad_hi[1] > window.dilation[1] * (kw - 1),
        ErrorKind::usage, "{}: the kernel {}x{} is larger than the padded image of {}", row.where(), kh, kw,
        in.str());

  Module module;
  module.type = "conv";
  module.detail = describe(window);
  module.output = {height, width, out};
  Parameter weight =
      conv_parameter("weight", {out, kh, kw, in[2] / window.groups}, row.init("weight", "pytorch"));
  weight.fan_in = in[2] / window.groups * kh * kw;
  weight.fan_out = out * kh * kw;
  const SpectralWeight source = add_weight(module, row, weight, false);
  add_bias(module, row, out, weight);

  const bool whole_image = unpadded(window) && kh == in[0] && kw == in[1];
  module.apply = [source, window, whole_image, in, out](const Context& context, Value x) {
    const Value w = source(context);
    if (!whole_image) return with_bias(context, conv(x, w, window));
    const Value y =
        matmul(with_sample_shape(x, {in.numel()}), agon::reshape(w, {out, in.numel()}), false, true);
    return with_sample_shape(with_bias(context, y), {1, 1, out});
  };
  return module;
}

Module transposed_convolution(const Row& row, const Shape& in) {
  static constexpr std::string_view keys[] = {
      "out", "kernel", "stride", "pad", "dilation", "groups", "output_padding", "bias", "spectral_norm"};
  row.allow_only(keys);
  need_image(row, in);
  const Window window = row.window(false);
  const int64_t out = row.integer("out"), kh = window.kernel[0], kw = window.kernel[1];
  const int64_t output_padding = row.integer("output_padding", 0, 0);
  check(in[2] % window.groups == 0 && out % window.groups == 0, ErrorKind::usage,
        "{}: {} groups divide neither {} nor {} channels evenly", row.where(), window.groups, in[2], out);
  check(output_padding < std::max(window.stride[0], window.dilation[0]) &&
            output_padding < std::max(window.stride[1], window.dilation[1]),
        ErrorKind::usage, "{}: 'output_padding' must be smaller than the stride", row.where());
  const auto extent = [&](size_t axis, int64_t pixels) {
    return (pixels - 1) * window.stride[axis] - window.pad_lo[axis] - window.pad_hi[axis] +
           window.dilation[axis] * (window.kernel[axis] - 1) + 1 + output_padding;
  };
  const int64_t height = extent(0, in[0]), width = extent(1, in[1]);
  check(height > 0 && width > 0, ErrorKind::usage, "{}: the padding leaves nothing of the image",
        row.where());

  Module module;
  module.type = "conv_transpose";
  module.detail = describe(window);
  if (output_padding > 0) module.detail += fmt::format(", output padding {}", output_padding);
  module.output = {height, width, out};
  Parameter weight =
      conv_parameter("weight", {in[2], kh, kw, out / window.groups}, row.init("weight", "pytorch"));
  weight.fan_in = out / window.groups * kh * kw;  // as PyTorch counts: from the second axis
  weight.fan_out = in[2] * kh * kw;
  const SpectralWeight source = add_weight(module, row, weight, true);
  add_bias(module, row, out, weight);

  const bool one_pixel = unpadded(window) && in[0] == 1 && in[1] == 1 && output_padding == 0;
  module.apply = [source, window, output_padding, one_pixel, in, shape = module.output](
                     const Context& context, Value x) {
    const Value w = source(context);
    if (!one_pixel) return with_bias(context, conv_transpose(x, w, window, output_padding));
    const Value y = matmul(with_sample_shape(x, {in[2]}), agon::reshape(w, {in[2], shape.numel()}));
    return with_bias(context, with_sample_shape(y, shape));
  };
  return module;
}

}  // namespace agon::nn
