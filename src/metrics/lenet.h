#pragma once
#include "agon/dataset.h"
#include "agon/game.h"

namespace agon::lenet {

constexpr int64_t features = 128;

/// The shape in which images of `shape` enter: 16 to 32 pixels a side.
ImageShape input_shape(const ImageShape& shape);

/// The game with one player whose network "C" has the taps "features" and "logits".
Game game(const ImageShape& input, int64_t classes);

}  // namespace agon::lenet
