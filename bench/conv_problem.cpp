#include "conv_problem.h"

#include <array>
#include <charconv>
#include <fmt/format.h>
#include <utility>

#include "agon/error.h"

namespace agon::bench {
namespace {

using Part = std::pair<std::string_view, int64_t ConvProblem::*>;
constexpr std::array<Part, 13> parts{{{"mb", &ConvProblem::mb},
                                      {"ic", &ConvProblem::ic},
                                      {"ih", &ConvProblem::ih},
                                      {"iw", &ConvProblem::iw},
                                      {"oc", &ConvProblem::oc},
                                      {"kh", &ConvProblem::kh},
                                      {"kw", &ConvProblem::kw},
                                      {"sh", &ConvProblem::sh},
                                      {"sw", &ConvProblem::sw},
                                      {"ph", &ConvProblem::ph},
                                      {"pw", &ConvProblem::pw},
                                      {"oh", &ConvProblem::out_h},
                                      {"ow", &ConvProblem::out_w}}};

}  // namespace

std::string ConvProblem::str() const {
  std::string text;
  for (const auto& [name, member] : parts)
    if (const bool implied = name[0] == 'o' && name[1] != 'c' && this->*member == 0; !implied)
      text += fmt::format("{}{}", name, this->*member);
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
    check(found, ErrorKind::usage, "conv problem: '{}' is none of mb ic ih iw oc kh kw sh sw ph pw oh ow",
          text);
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

}  // namespace agon::bench
