#pragma once
#include <cstdint>
#include <string>

namespace agon::app {

/// "12 s", "3 min 05 s", "2 h 07 min".
std::string duration_text(double seconds);
/// "0:42", "3:05", "2:07:30": short, of a steady width, for progress bars.
std::string clock_text(double seconds);
/// "512 KB", "75.6 MB", "1.20 GB" (powers of 1000).
std::string bytes_text(double bytes);
/// "3,576,704".
std::string count_text(uint64_t count);
/// Four significant digits.
std::string number_text(double value);

}  // namespace agon::app
