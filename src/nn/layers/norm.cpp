#include "agon/error.h"

#include "core/nearest.h"
#include "nn/layers/layers.h"

namespace agon::nn {
namespace {

void add_affine(Module& module, const Row& row, const Shape& shape, bool affine) {
  if (!affine) return;
  module.parameters.push_back(plain_parameter("weight", shape, row.init("gamma", "ones")));
  module.parameters.push_back(plain_parameter("bias", shape, row.init("beta", "zeros")));
}

Module batch_norm(const Row& row, const Shape& in) {
  const Shape channels{in[-1]};
  const BatchNormAttr attr{row.number("eps", 1e-5), row.number("momentum", 0.1)};
  Module module;
  module.type = "batch_norm";
  add_affine(module, row, channels, row.flag("affine", true));
  module.buffers = {plain_parameter("running_mean", channels, "zeros"),
                    plain_parameter("running_var", channels, "ones")};
  module.apply = [attr, channels](const Context& context, Value x) {
    Graph& graph = x.graph();
    Value gamma = context.parameter_if("weight"), beta = context.parameter_if("bias");
    if (!gamma.valid()) {
      gamma = graph.constant(1, channels);
      beta = graph.constant(0, channels);
    }
    if (context.mode() == Mode::eval)
      return batch_norm_eval(x, gamma, beta, context.buffer("running_mean"), context.buffer("running_var"),
                             attr.eps);
    if (!context.training())
      return batch_norm_train(x, gamma, beta, graph.constant(0, channels), graph.constant(1, channels), attr)
          .y;
    const auto result =
        batch_norm_train(x, gamma, beta, context.buffer("running_mean"), context.buffer("running_var"), attr);
    context.set_buffer("running_mean", result.running_mean);
    context.set_buffer("running_var", result.running_var);
    return result.y;
  };
  return module;
}

}  // namespace

Module norm(const Row& row, const Shape& in) {
  const std::string kind = row.string("norm");
  const double eps = row.number("eps", 1e-5);
  if (kind == "batch") return batch_norm(row, in);
  Module module;
  if (kind == "instance") {
    check(in.rank() == 3, ErrorKind::usage, "{}: an instance norm needs an image, not {}", row.where(),
          in.str());
    module.type = "instance_norm";
    add_affine(module, row, {in[-1]}, row.flag("affine", false));
    module.apply = [eps](const Context& context, Value x) {
      return agon::instance_norm(x, context.parameter_if("weight"), context.parameter_if("bias"), eps);
    };
  } else if (kind == "layer") {
    module.type = "layer_norm";
    add_affine(module, row, in, row.flag("affine", true));
    if (in.rank() == 3)
      for (Parameter& p : module.parameters) {
        p.permutation = {2, 0, 1};
        p.disk = {in[2], in[0], in[1]};
      }
    module.apply = [eps](const Context& context, Value x) {
      return agon::layer_norm(x, context.parameter_if("weight"), context.parameter_if("bias"), eps);
    };
  } else {
    static const std::vector<std::string> known = {"batch", "instance", "layer", "none"};
    fail(ErrorKind::usage, "{}: unknown norm '{}'{}", row.where("norm"), kind, suggestion(kind, known));
  }
  return module;
}

}  // namespace agon::nn
