#pragma once
#include <string>
#include <string_view>

namespace agon::simt::ptx {

/// A function's name as people write it: demangled, without parameters.
std::string readable_name(std::string_view mangled);

}  // namespace agon::simt::ptx
