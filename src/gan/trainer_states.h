#pragma once
#include <span>
#include <string>
#include <vector>

#include "agon/game.h"
#include "agon/named_tensor.h"
#include "agon/program.h"

namespace agon {

/// Every state of the game as it lies in a checkpoint: parameters by PyTorch's names and layouts
/// ("G.main.0.weight", OIHW), optimizer slots and averages likewise ("adam_m.G.main.0.weight",
/// "ema.G.main.0.weight"), buffers ("G.main.1.running_mean"). The values are copied bit for bit.
std::vector<NamedTensor> save_states(const Game& game, const Store& store);

/// The inverse. Throws Error(data), beginning with `where`, for the first tensor that is missing, superfluous
/// or misshapen: the checkpoint is of another model. The store must hold the game's states.
void load_states(const Game& game, Store& store, std::span<const NamedTensor> tensors,
                 const std::string& where);

}  // namespace agon
