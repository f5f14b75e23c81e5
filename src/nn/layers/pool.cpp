#include "agon/error.h"

#include "core/nearest.h"
#include "nn/layers/layers.h"

namespace agon::nn {

Module pool(const Row& row, const Shape& in, const std::string& type) {
  check(in.rank() == 3, ErrorKind::usage, "{}: a pool needs an image [height, width, channels], not {}",
        row.where(), in.str());
  Module module;
  module.type = type;
  if (type == "global_avg_pool") {
    row.allow_only({});
    module.output = {1, 1, in[2]};
    module.apply = [](const Context&, Value x) { return reduce_mean(x, {1, 2}); };
    return module;
  }
  static constexpr std::string_view keys[] = {"kernel", "stride", "pad", "count_include_pad"};
  row.allow_only(keys);
  const Window window = row.window(true);
  for (size_t i = 0; i < 2; ++i)
    check(window.pad_lo[i] < window.kernel[i] && window.pad_hi[i] < window.kernel[i] &&
              in[static_cast<int>(i)] + window.pad_lo[i] + window.pad_hi[i] >= window.kernel[i],
          ErrorKind::usage, "{}: a window of {} does not fit an image of {}", row.where(), window.kernel[i],
          in.str());
  module.detail = fmt::format("kernel {}, stride {}", window.kernel[0], window.stride[0]);
  module.output = {window.out(0, in[0], window.kernel[0]), window.out(1, in[1], window.kernel[1]), in[2]};
  const bool average = type == "avg_pool";
  module.apply = [window, average](const Context&, Value x) {
    return average ? avg_pool(x, window) : max_pool(x, window);
  };
  return module;
}

Module upsample(const Row& row, const Shape& in) {
  static constexpr std::string_view keys[] = {"factor", "mode"};
  static const std::vector<std::string> modes = {"nearest", "bilinear"};
  row.allow_only(keys);
  check(in.rank() == 3, ErrorKind::usage, "{}: upsample needs an image, not {}", row.where(), in.str());
  const int64_t factor = row.integer("factor", 2);
  const std::string mode = row.string("mode", "nearest");
  check(mode == modes[0] || mode == modes[1], ErrorKind::usage, "{}: unknown mode '{}'{}", row.where(), mode,
        suggestion(mode, modes));
  Module module;
  module.type = "upsample";
  module.detail = fmt::format("{} x{}", mode, factor);
  module.output = {in[0] * factor, in[1] * factor, in[2]};
  const ResizeMode how = mode == "nearest" ? ResizeMode::nearest : ResizeMode::bilinear_half_pixel;
  module.apply = [how, out = module.output](const Context&, Value x) {
    return resize(x, out[0], out[1], how);
  };
  return module;
}

}  // namespace agon::nn
