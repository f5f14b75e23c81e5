#pragma once
#include <functional>
#include <string>

namespace agon {

/// Where the library sends its remarks (a fallback taken, a file skipped). The library itself never prints:
/// an embedding program passes a sink, an empty one drops the remarks.
using LogSink = std::function<void(const std::string& line)>;

}  // namespace agon
