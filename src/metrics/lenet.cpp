#include "metrics/lenet.h"

#include <algorithm>
#include <fmt/format.h>

namespace agon::lenet {

ImageShape input_shape(const ImageShape& shape) {
  return {std::clamp(shape.height, 16, 32), std::clamp(shape.width, 16, 32), shape.channels};
}

Game game(const ImageShape& input, int64_t classes) {
  return Game(Config::text(fmt::format(R"(
name = "lenet"
[data]
height = {}
width = {}
channels = {}
classes = {}
[networks.C]
input = ["height", "width", "channels"]
layers = [
  {{ type = "conv", out = 16, kernel = 5, activation = "relu" }},
  {{ type = "max_pool", kernel = 2 }},
  {{ type = "conv", out = 32, kernel = 5, activation = "relu" }},
  {{ type = "max_pool", kernel = 2 }},
  {{ type = "linear", out = {}, activation = "relu", dropout = 0.3, tap = "features" }},
  {{ type = "linear", out = "classes", tap = "logits" }},
]
[players.C]
optimizer = {{ type = "adam", lr = 3e-3 }}
schedule = {{ type = "linear" }}
[[moves]]
player = "C"
losses = [{{ type = "softmax_cross_entropy", network = "C" }}]
)",
                                       input.height, input.width, input.channels, classes, features),
                           "lenet"));
}

}  // namespace agon::lenet
