#include "agon/error.h"

#include "nn/layers/layers.h"

namespace agon::nn {

Value with_sample_shape(Value x, const Shape& sample) {
  Shape shape{x.shape()[0]};
  for (const int64_t extent : sample) shape.push_back(extent);
  return agon::reshape(x, shape);
}

Parameter plain_parameter(std::string name, Shape shape, std::string init) {
  Parameter p;
  p.name = std::move(name);
  p.shape = p.view = p.disk = shape;
  p.init = std::move(init);
  for (int i = 0; i < shape.rank(); ++i) p.permutation.push_back(i);
  return p;
}

Parameter conv_parameter(std::string name, Shape krsc, std::string init) {
  Parameter p = plain_parameter(std::move(name), krsc, std::move(init));
  p.permutation = {0, 3, 1, 2};
  p.disk = {krsc[0], krsc[3], krsc[1], krsc[2]};
  return p;
}

Module flatten(const Shape& in) {
  Module module;
  module.type = "flatten";
  module.output = {in.numel()};
  module.apply = [in](const Context&, Value x) { return with_sample_shape(x, {in.numel()}); };
  return module;
}

Module reshape(const Row& row, const Shape& in) {
  static constexpr std::string_view keys[] = {"shape"};
  row.allow_only(keys);
  const auto extents = row.integers("shape");
  check(extents.size() == 3 && extents[0] > 0 && extents[1] > 0 && extents[2] > 0, ErrorKind::usage,
        "{}: reshape needs 'shape' = [height, width, channels]", row.where());
  Module module;
  module.type = "reshape";
  module.output = Shape(std::span<const int64_t>(extents));
  check(module.output.numel() == in.numel() && in.rank() == 1, ErrorKind::usage,
        "{}: {} does not reshape to {}", row.where(), in.str(), module.output.str());
  module.apply = [out = module.output](const Context&, Value x) { return with_sample_shape(x, out); };
  return module;
}

Module pixel_shuffle(const Row& row, const Shape& in) {
  static constexpr std::string_view keys[] = {"factor"};
  row.allow_only(keys);
  const int64_t factor = row.integer("factor", 2);
  check(in.rank() == 3 && in[2] % (factor * factor) == 0, ErrorKind::usage,
        "{}: pixel_shuffle by {} needs an image with a multiple of {} channels, not {}", row.where(), factor,
        factor * factor, in.str());
  Module module;
  module.type = "pixel_shuffle";
  module.detail = fmt::format("x{}", factor);
  module.output = {in[0] * factor, in[1] * factor, in[2] / (factor * factor)};
  module.apply = [factor](const Context&, Value x) { return agon::pixel_shuffle(x, factor); };
  return module;
}

}  // namespace agon::nn
