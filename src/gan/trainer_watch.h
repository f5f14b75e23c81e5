#pragma once
#include <span>
#include <string>
#include <vector>

#include "agon/game.h"
#include "agon/program.h"

namespace agon {

/// Throws Error(numeric) if one of the record's values (losses, norms) is NaN or infinite, naming it, the
/// iteration and the first parameter, slot or statistic of `store` that is no longer finite; `run` is the
/// directory to name.
void watch_numbers(const std::vector<std::string>& names, const StepRecord& record, const Game& game,
                   const Store& store, const std::string& run);

}  // namespace agon
