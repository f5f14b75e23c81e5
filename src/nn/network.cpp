#include "agon/network.h"

#include <algorithm>

#include "agon/error.h"

#include "core/nearest.h"
#include "nn/layers/layers.h"

namespace agon {
namespace nn {

Value Context::parameter_if(std::string_view name) const {
  const auto it = binding_.parameters.find(fmt::format("{}.{}", module_, name));
  return it == binding_.parameters.end() ? Value() : it->second;
}
Value Context::parameter(std::string_view name) const {
  const Value value = parameter_if(name);
  check(value.valid(), ErrorKind::internal, "network: parameter '{}.{}' is not bound", module_, name);
  return value;
}
Value Context::buffer(std::string_view name) const {
  const auto it = binding_.buffers.find(fmt::format("{}.{}", module_, name));
  check(it != binding_.buffers.end(), ErrorKind::internal, "network: buffer '{}.{}' is not bound", module_,
        name);
  return it->second;
}
void Context::set_buffer(std::string_view name, Value value) const {
  binding_.buffers.insert_or_assign(fmt::format("{}.{}", module_, name), value);
}

namespace {

Module layer(const Row& row, const Shape& in) {
  const std::string type = row.string("type");
  if (type == "linear") return linear(row, in);
  if (type == "conv") return convolution(row, in);
  if (type == "conv_transpose") return transposed_convolution(row, in);
  if (type == "avg_pool" || type == "max_pool" || type == "global_avg_pool") return pool(row, in, type);
  if (type == "upsample") return upsample(row, in);
  if (type == "pixel_shuffle") return pixel_shuffle(row, in);
  if (type == "reshape") return reshape(row, in);
  if (type == "flatten") {
    row.allow_only({});
    return flatten(in);
  }
  static const std::vector<std::string> known = {
      "linear",        "conv",    "conv_transpose", "avg_pool",   "max_pool", "global_avg_pool", "upsample",
      "pixel_shuffle", "reshape", "flatten",        "activation", "norm",     "dropout"};
  fail(ErrorKind::usage, "{}: {}", row.where("type"),
       type.empty() ? std::string("this layer needs a 'type'")
                    : fmt::format("unknown layer type '{}'{}", type, suggestion(type, known)));
}

/// The modules of one row, in Sequential's order.
std::vector<Module> modules_of(const Row& row, Shape in) {
  std::vector<Module> result;
  const auto add = [&](Module module) {
    in = module.output;
    result.push_back(std::move(module));
  };
  const std::string type = row.string("type");
  const bool bare = type == "norm" || type == "activation" || type == "dropout";
  if (bare) {
    row.allow_only({});
    check(row.has(type), ErrorKind::usage, "{}: a layer of type '{}' needs the key '{}'", row.where(), type,
          type);
  } else {
    add(layer(row, in));
  }
  if (row.string("norm", "none") != "none") {
    Module module = norm(row, in);
    module.output = in;
    add(std::move(module));
  }
  if (row.string("activation", "none") != "none") add(activation(row, in));
  if (row.has("dropout")) add(dropout(row.number("dropout", 0), in, row.where()));
  if (!result.empty()) result.back().tap = row.string("tap");
  return result;
}

/// Tells parameters that index flattened features how those lie on disk (C, H, W), for features that came
/// from or become an image [height, width, channels].
class FeatureOrder {
 public:
  /// `module` maps features to features.
  void visit(Module& module, const Shape& in) {
    if (module.type == "flatten") {
      image_ = in.rank() == 3 ? in : Shape{};
      since_.clear();
    } else if (module.type == "linear") {
      if (image_.rank() == 3) columns(module.parameters[0], image_);
      image_ = Shape{};
      since_.clear();
      for (auto* list : {&module.parameters, &module.buffers})
        for (Parameter& p : *list) since_.push_back(&p);
    } else if (module.type == "reshape") {
      for (Parameter* p : since_) rows(*p, module.output);
      image_ = Shape{};
      since_.clear();
    } else {
      for (auto* list : {&module.parameters, &module.buffers})
        for (Parameter& p : *list) {
          if (p.shape.rank() != 1) continue;
          if (image_.rank() == 3 && p.shape.numel() == image_.numel()) rows(p, image_);
          since_.push_back(&p);
        }
    }
  }

 private:
  static void columns(Parameter& p, const Shape& image) {
    p.view = {p.shape[0], image[0], image[1], image[2]};
    p.permutation = {0, 3, 1, 2};
  }
  static void rows(Parameter& p, const Shape& image) {
    Shape view{image[0], image[1], image[2]};
    std::vector<int> permutation = {2, 0, 1};
    for (int i = 1; i < p.view.rank(); ++i) {
      view.push_back(p.view[i]);
      permutation.push_back(p.permutation[static_cast<size_t>(i)] + 2);
    }
    p.view = view;
    p.permutation = permutation;
  }

  Shape image_;                    ///< what the current features were flattened from; rank 0: nothing
  std::vector<Parameter*> since_;  ///< indexed by features since the last linear layer
};

Shape input_shape(const Config& config, const ConfigNode& table, std::string_view name) {
  const ConfigNode* node = table.find("input");
  check(node != nullptr, ErrorKind::usage,
        "{}: network '{}' needs 'input': [height, width, channels] or features", table.where, name);
  Shape shape;
  const auto add = [&](const ConfigNode& extent) {
    const int64_t value = config.evaluate(extent);
    check(value > 0, ErrorKind::usage, "{}: the extents of 'input' must be positive", node->where);
    shape.push_back(value);
  };
  if (!node->is_array()) {
    add(*node);
  } else {
    const auto& extents = std::get<ConfigNode::Array>(node->value);
    check(extents.size() == 1 || extents.size() == 3, ErrorKind::usage,
          "{}: 'input' must be [height, width, channels] or features", node->where);
    for (const ConfigNode& extent : extents) add(extent);
  }
  return shape;
}

}  // namespace
}  // namespace nn

Network::Network(const Config& config, std::string_view name) : name_(name) {
  const std::string key = fmt::format("networks.{}", name);
  const ConfigNode* table = config.find(key);
  check(table != nullptr, ErrorKind::usage, "config: there is no network '{}'", name);
  input_ = nn::input_shape(config, *table, name);
  const ConfigNode* layers = table->find("layers");
  check(layers && !std::get<ConfigNode::Array>(layers->value).empty(), ErrorKind::usage,
        "{}: network '{}' needs 'layers'", table->where, name);

  std::vector<nn::Module> modules;
  Shape shape = input_;
  for (const ConfigNode& node : std::get<ConfigNode::Array>(layers->value)) {
    for (nn::Module& module : nn::modules_of(nn::Row(config, node, table->find("init")), shape)) {
      module.name = fmt::format("main.{}", modules.size());
      shape = module.output;
      modules.push_back(std::move(module));
    }
  }
  nn::FeatureOrder order;
  shape = input_;
  for (nn::Module& module : modules) {
    order.visit(module, shape);
    shape = module.output;
  }
  output_ = shape;
  for (nn::Module& module : modules) {
    for (auto [from, to] :
         {std::pair{&module.parameters, &parameters_}, std::pair{&module.buffers, &buffers_}})
      for (const Parameter& p : *from) {
        to->push_back(p);
        to->back().name = fmt::format("{}.{}", module.name, p.name);
      }
    modules_.push_back(std::make_shared<const nn::Module>(std::move(module)));
  }
}

int64_t Network::parameter_count() const {
  int64_t count = 0;
  for (const Parameter& p : parameters_) count += p.shape.numel();
  return count;
}

Value Network::apply(Binding& binding, Value x, Mode mode, std::map<std::string, Value>* taps) const {
  check(x.shape().rank() > 0 && x.shape().numel() == x.shape()[0] * input_.numel(), ErrorKind::usage,
        "network '{}' takes samples of {}, not a batch {}", name_, input_.str(), x.shape().str());
  x = nn::with_sample_shape(x, input_);
  for (const auto& module : modules_) {
    const Graph::Scope scope(x.graph(), fmt::format("{}.{}", name_, module->name));
    x = module->apply(nn::Context(binding, mode, module->name), x);
    if (taps && !module->tap.empty()) taps->insert_or_assign(module->tap, x);
  }
  return x;
}

bool Network::has_batch_norm() const {
  return std::ranges::any_of(modules_, [](const auto& module) { return module->type == "batch_norm"; });
}

std::vector<std::string> Network::taps() const {
  std::vector<std::string> names;
  for (const auto& module : modules_)
    if (!module->tap.empty()) names.push_back(module->tap);
  return names;
}

std::vector<LayerRow> Network::layer_table() const {
  std::vector<LayerRow> rows;
  for (const auto& module : modules_) {
    LayerRow row{name_, module->name, module->type, module->detail, module->output, 0};
    for (const Parameter& p : module->parameters) row.parameters += p.shape.numel();
    rows.push_back(std::move(row));
  }
  return rows;
}

}  // namespace agon
