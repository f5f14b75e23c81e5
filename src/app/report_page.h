#pragma once
#include <string_view>

namespace agon::app {

/// The report's parts that do not depend on the run; the page needs nothing from a network.
extern const std::string_view report_style;   ///< CSS
extern const std::string_view report_body;    ///< HTML inside of <body>, before the data
extern const std::string_view report_script;  ///< JavaScript that draws the data (element #run) into the body

}  // namespace agon::app
