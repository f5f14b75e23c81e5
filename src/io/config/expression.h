#pragma once
#include <cstdint>
#include <functional>
#include <string_view>

namespace agon {

/// Evaluates an integer expression of + - * / ( ), numbers and names ("8*ngf", "(height+3)/4"); division must
/// come out even. `lookup` gives a name's value. Throws Error(usage) whose message begins with `where`.
int64_t evaluate_expression(std::string_view text, const std::function<int64_t(std::string_view)>& lookup,
                            std::string_view where);

}  // namespace agon
