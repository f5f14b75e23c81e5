#pragma once
#include <string>
#include <string_view>
#include <vector>

namespace agon::nn {

/// "leaky_relu(0.2)" in a config: a name with numbers.
struct Call {
  std::string name;
  std::vector<double> arguments;
};

/// Parses `name` or `name(a, b)`. Throws Error(usage) whose message begins with `where`.
Call parse_call(std::string_view text, std::string_view where);

}  // namespace agon::nn
