#include "conv_problem.h"

#include <array>
#include <charconv>
#include <fmt/format.h>
#include <utility>

#include "agon/error.h"

namespace agon::bench {
namespace {

using Part = std::pair<std::string_view, int64_t ConvProblem::*>;
constexpr std::array<Part, 11> parts{{{"mb", &ConvProblem::mb},
                                      {"ic", &ConvProblem::ic},
                                      {"ih", &ConvProblem::ih},
                                      {"iw", &ConvProblem::iw},
                                      {"oc", &ConvProblem::oc},
                                      {"kh", &ConvProblem::kh},
                                      {"kw", &ConvProblem::kw},
                                      {"sh", &ConvProblem::sh},
                                      {"sw", &ConvProblem::sw},
                                      {"ph", &ConvProblem::ph},
                                      {"pw", &ConvProblem::pw}}};

}  // namespace

std::string ConvProblem::str() const {
  std::string text;
  for (const auto& [name, member] : parts) text += fmt::format("{}{}", name, this->*member);
  return text;
}

ConvProblem parse_conv_problem(std::string_view text) {
  if (text.substr(0, 5) == "conv:") text.remove_prefix(5);
  ConvProblem problem;
  while (!text.empty()) {
    bool found = false;
    for (const auto& [name, member] : parts) {
      if (text.substr(0, name.size()) != name) continue;
      const char* begin = text.data() + name.size();
      auto [end, error] = std::from_chars(begin, text.data() + text.size(), problem.*member);
      check(error == std::errc() && problem.*member >= 0, ErrorKind::usage,
            "conv problem: no number after '{}'", name);
      text.remove_prefix(static_cast<size_t>(end - text.data()));
      found = true;
      break;
    }
    check(found, ErrorKind::usage, "conv problem: '{}' is none of mb ic ih iw oc kh kw sh sw ph pw", text);
  }
  check(problem.sh > 0 && problem.sw > 0 && problem.oh() > 0 && problem.ow() > 0, ErrorKind::usage,
        "conv problem {}: the output is empty", problem.str());
  return problem;
}

std::string_view name_of(ConvPass pass) {
  switch (pass) {
    case ConvPass::forward:
      return "fwd";
    case ConvPass::backward_data:
      return "bwd_d";
    case ConvPass::backward_weights:
      return "bwd_w";
  }
  fail(ErrorKind::internal, "conv pass {}", static_cast<int>(pass));
}

std::vector<LayerPasses> dcgan_passes(int64_t batch, int64_t latent, int64_t image,
                                      const std::vector<int64_t>& widths) {
  std::vector<LayerPasses> layers;
  int64_t channels = 3, size = image;
  for (int64_t width : widths) {
    const ConvProblem problem{batch, channels, size, size, width, 4, 4, 2, 2, 1, 1};
    const bool first = layers.empty();
    // Discriminator: forward on real, fake and in the generator's move; data gradients below the first layer
    // for its own move and everywhere for the generator's.
    layers.push_back({fmt::format("D{}", layers.size() + 1), problem, 3, first ? 1 : 3, 2});
    channels = width;
    size /= 2;
  }
  const std::vector<LayerPasses> down = layers;
  layers.push_back(
      {fmt::format("D{}", layers.size() + 1), {batch, channels, size, size, 1, size, size}, 3, 3, 2});
  layers.push_back({"G1", {batch, channels, size, size, latent, size, size}, 0, 1, 1});
  for (size_t i = down.size(); i-- > 0;)
    layers.push_back({fmt::format("G{}", down.size() + 1 - i), down[i].problem, 1, 1, 1});
  return layers;
}

}  // namespace agon::bench
