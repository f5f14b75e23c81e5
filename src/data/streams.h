#pragma once
#include <cstdint>

/// Philox streams of the data floor. They start far above the streams of a program's ops, which count from 0,
/// so that a seed may be shared with the training without one number being drawn twice.
namespace agon::data_streams {
inline constexpr uint32_t glyphs = 0xda7a0000u;        ///< step: image index
inline constexpr uint32_t split = 0xda7a0001u;         ///< step: group of five
inline constexpr uint32_t shuffle = 0xda7a0002u;       ///< step: epoch
inline constexpr uint32_t augmentation = 0xda7a0003u;  ///< step: sample counter
}  // namespace agon::data_streams
